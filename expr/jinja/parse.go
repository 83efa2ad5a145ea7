package jinja

import (
	"errors"
	"strings"
)

// Bounds of the tree, so that neither the parser nor an evaluation nests without end.
const (
	nestingMax = 150  // brackets, blocks and operators within each other
	chainMax   = 1000 // operators, subscripts and filters in a row
)

// parser makes the tree of the tokens. It panics with *Error, and parse answers it.
type parser struct {
	tokens   []token
	at       int
	scanErr  error // why there are no more tokens
	ends     [][]string
	tags     []string
	nesting  int
	template *template
}

// template is what a parser collects besides the tree.
type template struct {
	body   []stmt
	blocks map[string]*blockStmt
	late   error // what Jinja2 finds only after parsing; raised when the template is evaluated
}

// syntaxPanic carries an error out of the parser.
type syntaxPanic struct{ err error }

// parseTemplate parses a whole template.
func parseTemplate(src string) (*template, error) {
	tokens, scanErr := scan(src)
	p := &parser{tokens: tokens, scanErr: scanErr, template: &template{blocks: map[string]*blockStmt{}}}
	err := p.protect(func() {
		p.check()
		p.template.body = p.statements(nil)
	})
	return p.template, err
}

// parseExpression parses the inside of {{ }}, which Jinja2 compiles on its own when it is all of a text.
func parseExpression(src string) (expr, error) {
	tokens, scanErr := scanExpression(src)
	if scanErr != nil && len(tokens) == 0 {
		var e *Error
		if errors.As(scanErr, &e) && e.Line > 0 {
			e.Message += "\n  line 1" // raised where Jinja2 doesn't rewrite it
		}
		return nil, scanErr
	}
	p := &parser{tokens: tokens, scanErr: scanErr, template: &template{blocks: map[string]*blockStmt{}}}
	var x expr
	err := p.protect(func() {
		x = p.expression(true)
		if p.cur().kind != tokEOF {
			p.fail("chunk after expression")
		}
	})
	return x, err
}

func (p *parser) protect(parse func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			caught, ok := r.(syntaxPanic)
			if !ok {
				panic(r)
			}
			err = caught.err
		}
	}()
	parse()
	return nil
}

func (p *parser) cur() token { return p.tokens[p.at] }

// check reports what the scanner stumbled over, once the parser comes to it.
func (p *parser) check() {
	if p.at >= len(p.tokens) {
		panic(syntaxPanic{p.scanErr})
	}
}

func (p *parser) next() token {
	t := p.cur()
	if t.kind != tokEOF {
		p.at++
		p.check()
	}
	return t
}

// look is the token behind the current one.
func (p *parser) look() token {
	if p.at+1 < len(p.tokens) {
		return p.tokens[p.at+1]
	}
	if p.scanErr != nil {
		panic(syntaxPanic{p.scanErr})
	}
	return p.cur()
}

func (t token) isName(name string) bool     { return t.kind == tokName && t.text == name }
func (t token) isOp(op string) bool         { return t.kind == tokOperator && t.text == op }
func (p *parser) skipName(n string) bool    { return p.skipIf(p.cur().isName(n)) }
func (p *parser) skipOp(op string) bool     { return p.skipIf(p.cur().isOp(op)) }
func (p *parser) expectName(n string)       { p.expect(p.cur().isName(n), n) }
func (p *parser) expectOp(op string)        { p.expect(p.cur().isOp(op), op) }
func (p *parser) expectKind(k tokenKind)    { p.expect(p.cur().kind == k, describeKind(k)) }
func (p *parser) identifier() token         { t := p.cur(); p.expectKind(tokName); return t }
func (p *parser) fail(message string)       { p.failAt(p.cur(), "TemplateSyntaxError", message) }
func (p *parser) failFor(t token, m string) { p.failAt(t, "TemplateSyntaxError", m) }

func (p *parser) failAt(t token, class, message string) {
	panic(syntaxPanic{&Error{Class: class, Message: message, Line: t.line, Offset: t.offset}})
}

func (p *parser) skipIf(ok bool) bool {
	if ok {
		p.next()
	}
	return ok
}

func (p *parser) expect(ok bool, what string) {
	if ok {
		p.next()
		return
	}
	if p.cur().kind == tokEOF {
		p.fail("unexpected end of template, expected " + quoted(what) + ".")
	}
	p.fail("expected token " + quoted(what) + ", got " + quoted(p.cur().describe()))
}

// deeper counts nesting; the caller calls what it gets when it is done.
func (p *parser) deeper() func() {
	p.nesting++
	if p.nesting > nestingMax {
		p.failAt(p.cur(), "RecursionError", "maximum recursion depth exceeded")
	}
	return func() { p.nesting-- }
}

// chain bounds operators in a row.
func (p *parser) chain(n int) {
	if n > chainMax {
		p.failAt(p.cur(), "RecursionError", "maximum recursion depth exceeded")
	}
}

// statements parses up to one of the end tags, which stays; nil: up to the end of the template.
func (p *parser) statements(ends []string) []stmt {
	defer p.deeper()()
	if ends != nil {
		p.ends = append(p.ends, ends)
		defer func() { p.ends = p.ends[:len(p.ends)-1] }()
	}
	var body []stmt
	for {
		switch t := p.cur(); t.kind {
		case tokEOF:
			return body
		case tokData:
			body = append(body, &textStmt{text: t.text})
			p.next()
		case tokVariableBegin:
			p.next()
			body = append(body, &output{p.tuple(tupleRules{condexpr: true})})
			p.expectKind(tokVariableEnd)
		default:
			p.next()
			if p.cur().kind == tokName {
				for _, end := range ends {
					if p.cur().text == end {
						return body
					}
				}
			}
			body = append(body, p.statement()...)
			p.expectKind(tokBlockEnd)
		}
	}
}

// block parses the rest of a tag and the statements up to an end tag, which it gives.
func (p *parser) block(ends ...string) ([]stmt, string) {
	p.skipOp(":")
	p.expectKind(tokBlockEnd)
	body := p.statements(ends)
	if p.cur().kind == tokEOF {
		p.ends = append(p.ends, ends)
		p.unknownTag("", p.cur())
	}
	return body, p.next().text
}

// unknownTag reports a tag that is not expected here; no name: the end of the template.
func (p *parser) unknownTag(name string, t token) {
	message := "Unexpected end of template."
	if name != "" {
		message = "Encountered unknown tag " + quoted(name) + "."
	}
	expected := false
	for _, ends := range p.ends {
		for _, end := range ends {
			expected = expected || (end == name && name != "")
		}
	}
	if len(p.ends) > 0 {
		var looking []string
		for _, end := range p.ends[len(p.ends)-1] {
			looking = append(looking, quoted(end))
		}
		tags := strings.Join(looking, " or ")
		if expected {
			message += " You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for " + tags + "."
		} else {
			message += " Jinja was looking for the following tags: " + tags + "."
		}
	}
	if len(p.tags) > 0 {
		message += " The innermost block that needs to be closed is " + quoted(p.tags[len(p.tags)-1]) + "."
	}
	p.failFor(t, message)
}

// statement parses one tag with what belongs to it.
func (p *parser) statement() []stmt {
	t := p.cur()
	if t.kind != tokName {
		p.fail("tag name expected")
	}
	parse := p.tag(t.text)
	if parse == nil {
		p.unknownTag(t.text, t)
	}
	p.tags = append(p.tags, t.text)
	defer func() { p.tags = p.tags[:len(p.tags)-1] }()
	p.next()
	return parse()
}

func (p *parser) tag(name string) func() []stmt {
	switch name {
	case "for":
		return p.forTag
	case "if":
		return p.ifTag
	case "set":
		return p.setTag
	case "with":
		return p.withTag
	case "macro":
		return p.macroTag
	case "call":
		return p.callTag
	case "filter":
		return p.filterTag
	case "block":
		return p.blockTag
	case "print":
		return p.printTag
	case "autoescape":
		return p.autoescapeTag
	case "extends":
		return p.extendsTag
	case "include":
		return p.includeTag
	case "import":
		return p.importTag
	case "from":
		return p.fromTag
	}
	return nil
}

func (p *parser) forTag() []stmt {
	s := &forStmt{target: p.target(tupleRules{simplified: true})}
	p.expectName("in")
	s.iter = p.tuple(tupleRules{})
	if p.skipName("if") {
		s.test = p.expression(true)
	}
	s.recursive = p.skipName("recursive")
	body, end := p.block("endfor", "else")
	s.body = body
	if end == "else" {
		s.empty, _ = p.block("endfor")
	}
	return []stmt{s}
}

func (p *parser) ifTag() []stmt {
	s := &ifStmt{}
	for {
		test := p.tuple(tupleRules{})
		body, end := p.block("elif", "else", "endif")
		s.branches = append(s.branches, branch{test, body})
		if end == "elif" {
			continue
		}
		if end == "else" {
			body, _ := p.block("endif")
			s.branches = append(s.branches, branch{nil, body})
		}
		return []stmt{s}
	}
}

func (p *parser) setTag() []stmt {
	to := p.target(tupleRules{simplified: true, namespace: true})
	if p.skipOp("=") {
		return []stmt{&setStmt{to, p.tuple(tupleRules{condexpr: true})}}
	}
	filter := p.filters(nil, false)
	body, _ := p.block("endset")
	return []stmt{&setBlock{to, filter, body}}
}

func (p *parser) withTag() []stmt {
	s := &withStmt{}
	for p.cur().kind != tokBlockEnd {
		if s.targets != nil {
			p.expectOp(",")
		}
		s.targets = append(s.targets, p.target(tupleRules{simplified: true}))
		p.expectOp("=")
		s.values = append(s.values, p.expression(true))
	}
	s.body, _ = p.block("endwith")
	return []stmt{s}
}

func (p *parser) macroTag() []stmt {
	def := &macroDef{name: p.nameTarget().name}
	p.signature(def)
	def.body, _ = p.block("endmacro")
	return []stmt{&macroStmt{def.name, def}}
}

func (p *parser) callTag() []stmt {
	start := p.tokens[p.at-1]
	def := &macroDef{name: ""}
	if p.cur().isOp("(") {
		p.signature(def)
	}
	call, ok := p.expression(true).(*callExpr)
	if !ok {
		p.failFor(start, "expected call")
	}
	def.body, _ = p.block("endcall")
	return []stmt{&callBlock{call, def}}
}

// signature parses the parameters of a macro.
func (p *parser) signature(def *macroDef) {
	p.expectOp("(")
	for !p.cur().isOp(")") {
		if def.params != nil {
			p.expectOp(",")
		}
		param := p.nameTarget().name
		if p.skipOp("=") {
			def.defaults = append(def.defaults, p.expression(true))
		} else if def.defaults != nil {
			p.fail("non-default argument follows default argument")
		}
		def.params = append(def.params, param)
	}
	p.expectOp(")")
}

func (p *parser) filterTag() []stmt {
	filter := p.filters(nil, true)
	body, _ := p.block("endfilter")
	return []stmt{&filterBlock{filter, body}}
}

func (p *parser) blockTag() []stmt {
	start := p.cur()
	s := &blockStmt{name: p.identifier().text}
	s.scoped = p.skipName("scoped")
	s.required = p.skipName("required")
	if p.cur().isOp("-") {
		p.fail("Block names in Jinja have to be valid Python identifiers and may not contain hyphens, use an underscore instead.")
	}
	s.body, _ = p.block("endblock")
	if s.required {
		for _, part := range s.body {
			if t, ok := part.(*textStmt); !ok || strings.TrimSpace(t.text) != "" {
				p.fail("Required blocks can only contain comments or whitespace")
			}
		}
	}
	p.skipName(s.name)
	if p.template.blocks[s.name] != nil {
		p.later(start, "block "+quoted(s.name)+" defined twice")
	}
	p.template.blocks[s.name] = s
	return []stmt{s}
}

func (p *parser) printTag() []stmt {
	var out []stmt
	for p.cur().kind != tokBlockEnd {
		if out != nil {
			p.expectOp(",")
		}
		out = append(out, &output{p.expression(true)})
	}
	return out
}

func (p *parser) autoescapeTag() []stmt {
	s := &autoescape{on: p.expression(true)}
	s.body, _ = p.block("endautoescape")
	return []stmt{s}
}

func (p *parser) extendsTag() []stmt { return []stmt{&loaderStmt{p.expression(true)}} }

func (p *parser) includeTag() []stmt {
	s := &loaderStmt{p.expression(true)}
	if p.cur().isName("ignore") && p.look().isName("missing") {
		p.next()
		p.next()
	}
	p.importContext()
	return []stmt{s}
}

// importContext skips "with context" and "without context".
func (p *parser) importContext() bool {
	if (p.cur().isName("with") || p.cur().isName("without")) && p.look().isName("context") {
		p.next()
		p.next()
		return true
	}
	return false
}

func (p *parser) importTag() []stmt {
	s := &loaderStmt{p.expression(true)}
	p.expectName("as")
	p.nameTarget()
	p.importContext()
	return []stmt{s}
}

func (p *parser) fromTag() []stmt {
	s := &loaderStmt{p.expression(true)}
	p.expectName("import")
	for first := true; ; first = false {
		if !first {
			p.expectOp(",")
		}
		if p.cur().kind != tokName {
			p.expectKind(tokName)
		}
		if p.importContext() {
			break
		}
		t := p.cur()
		if strings.HasPrefix(p.nameTarget().name, "_") {
			p.failAt(t, "TemplateAssertionError", "names starting with an underline can not be imported")
		}
		if p.skipName("as") {
			p.nameTarget()
		}
		if p.importContext() || !p.cur().isOp(",") {
			break
		}
	}
	return []stmt{s}
}

// later notes an error that Jinja2 finds after parsing.
func (p *parser) later(t token, message string) {
	if p.template.late == nil {
		p.template.late = &Error{Class: "TemplateAssertionError", Message: message, Line: t.line, Offset: t.offset}
	}
}

// nameTarget parses a name that gets a value.
func (p *parser) nameTarget() *nameTarget {
	t := p.identifier()
	if isConstantName(t.text) {
		p.failFor(t, "can't assign to 'name'")
	}
	return &nameTarget{t.text}
}

func isConstantName(s string) bool {
	switch s {
	case "true", "false", "none", "True", "False", "None":
		return true
	}
	return false
}

// target parses what gets a value: a name, several of them, or an attribute of a namespace.
func (p *parser) target(rules tupleRules) target {
	start := p.cur()
	x := p.tuple(rules)
	to, problem := asTarget(x)
	if to == nil {
		p.failFor(start, "can't assign to "+quoted(problem))
	}
	return to
}

// asTarget turns an expression into a target; nil: it can't be one, and problem is Jinja2's name of it.
func asTarget(x expr) (to target, problem string) {
	switch x := x.(type) {
	case *name:
		return &nameTarget{x.name}, ""
	case *nsRef:
		return x, ""
	case *tupleExpr:
		t := &tupleTarget{}
		for _, item := range x.items {
			sub, _ := asTarget(item)
			if sub == nil {
				return nil, "tuple"
			}
			t.items = append(t.items, sub)
		}
		return t, ""
	}
	return nil, nodeName(x)
}

// nodeName is what Jinja2 calls a node.
func nodeName(x expr) string {
	switch x := x.(type) {
	case *listExpr:
		return "list"
	case *dictExpr:
		return "dict"
	case *attribute:
		return "getattr"
	case *subscript:
		return "getitem"
	case *callExpr:
		return "call"
	case *filterExpr:
		return "filter"
	case *testExpr:
		return "test"
	case *condExpr:
		return "condexpr"
	case *notExpr:
		return "not"
	case *comparison:
		return "compare"
	case *concat:
		return "concat"
	case *logical:
		if x.or {
			return "or"
		}
		return "and"
	case *unary:
		return map[string]string{"-": "neg", "+": "pos"}[x.op]
	case *binary:
		return map[string]string{"+": "add", "-": "sub", "*": "mul", "/": "div", "//": "floordiv", "%": "mod", "**": "pow"}[x.op]
	}
	return "const"
}
