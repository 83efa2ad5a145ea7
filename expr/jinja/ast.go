package jinja

import "cierzo/expr/value"

// The tree of a template. It is frozen once Compile has answered: an evaluation only reads it.
type (
	// expr is an expression.
	expr interface {
		eval(r *run) (value.Value, error)
		children() []*expr
	}
	// stmt is a statement, or a piece of text.
	stmt interface {
		exec(r *run) error
	}
	// target is what a value can be assigned to.
	target interface {
		assign(r *run, v value.Value) error
	}
)

// The expressions.
type (
	// constant is a literal.
	constant struct{ v value.Value }
	// brokenConst is a constant that Jinja2 computes ahead and can't write down: inf and nan.
	brokenConst struct {
		v    value.Value
		name string
	}
	// name is a variable.
	name struct {
		name string
		line int
	}
	listExpr  struct{ items []expr }
	tupleExpr struct{ items []expr }
	dictExpr  struct{ keys, vals []expr }
	// attribute is obj.name.
	attribute struct {
		obj  expr
		name string
	}
	// subscript is obj[arg].
	subscript struct{ obj, arg expr }
	// sliceExpr is start:stop:step; nil: left out.
	sliceExpr struct{ start, stop, step expr }
	callExpr  struct {
		fn   expr
		args callArgs
	}
	// filterExpr is input|name(args); without input it is applied to a block.
	filterExpr struct {
		input expr
		name  string
		args  callArgs
		fn    *builtin // nil: there is none of this name
		line  int
	}
	// testExpr is input is name(args).
	testExpr struct {
		input expr
		name  string
		args  callArgs
		fn    *builtin
		line  int
	}
	// condExpr is yes if test else no.
	condExpr struct {
		test, yes, no expr // no may be nil
		line          int
	}
	// logical is left and right, left or right.
	logical struct {
		left, right expr
		or          bool
	}
	notExpr struct{ x expr }
	// comparison is a chain: first < second <= third.
	comparison struct {
		first expr
		ops   []string
		rest  []expr
	}
	binary struct {
		op          string
		left, right expr
	}
	unary struct {
		op string
		x  expr
	}
	// concat is a ~ b ~ c.
	concat struct {
		items []expr
		plain bool // all are constants: Jinja2 joins them ahead, and what is markup is text then
	}
	// nsRef is name.attr on the left of an assignment.
	nsRef struct {
		name, attr string
		line       int
	}
)

// callArgs are the arguments of a call, as written.
type callArgs struct {
	pos      []expr
	keywords []keyword
	star     expr // *args
	starStar expr // **kwargs
	// fixed are the arguments where all are constants; nil: they aren't, or there are none.
	fixed *args
}

type keyword struct {
	name string
	val  expr
}

// The statements.
type (
	// textStmt is literal text, or what a constant expression prints.
	textStmt struct {
		text     string
		computed bool
	}
	// output writes an expression.
	output struct{ x expr }
	ifStmt struct{ branches []branch }
	branch struct {
		test expr // nil: else
		body []stmt
	}
	forStmt struct {
		target      target
		iter        expr
		test        expr // nil: all items
		body, empty []stmt
		recursive   bool
		usesLoop    bool
	}
	setStmt struct {
		target target
		x      expr
	}
	setBlock struct {
		target target
		filter expr // nil: none
		body   []stmt
	}
	withStmt struct {
		targets []target
		values  []expr
		body    []stmt
	}
	macroStmt struct {
		name string
		fn   *macroDef
	}
	callBlock struct {
		call *callExpr
		fn   *macroDef
	}
	filterBlock struct {
		filter expr
		body   []stmt
	}
	blockStmt struct {
		name   string
		body   []stmt
		scoped bool
		// required: another template must fill it in, which nothing does here.
		required bool
	}
	autoescape struct {
		on   expr
		body []stmt
	}
	// loaderStmt is extends, include, import or from: Mistral has no loader.
	loaderStmt struct{ x expr }
)

// macroDef is the body of a macro or of a call block.
type macroDef struct {
	name                  string
	params                []string
	defaults              []expr // of the last params
	body                  []stmt
	caller, args, keyword bool // what of caller, varargs, kwargs the body looks at
	explicitCaller        bool // caller is a parameter
}

// The targets.
type (
	nameTarget  struct{ name string }
	tupleTarget struct{ items []target }
)
