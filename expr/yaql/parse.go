package yaql

import (
	"fmt"

	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// Expression is a parsed expression. It is frozen.
type Expression struct {
	source string
	root   node
}

// Source is the text as written.
func (e *Expression) Source() string { return e.source }

// Eval evaluates the expression.
func (e *Expression) Eval(env *scope.Env) (value.Value, error) {
	limit := env.Limits.StepsMax
	if limit == 0 {
		limit = scope.StepsDefault
	}
	var root value.Value = value.NewDict(0)
	if env.Context != nil {
		root = env.Context
	}
	if env.Root != nil {
		root = env.Root
	}
	run := &run{env: env, stepsMax: limit}
	return run.eval(e.root, &frame{dollar: root, run: run})
}

// node is a piece of a program; evaluation is a method so that lambdas are just nodes.
type node interface {
	eval(r *run, f *frame) (value.Value, error)
}

type (
	constant struct{ v value.Value }
	variable struct{ name string }
	listNode struct{ items []node }
	dictNode struct{ keys, vals []node }
	property struct {
		of   node
		name string
		safe bool
	}
	index struct{ of, at node }
	call  struct {
		receiver node // nil: a function
		safe     bool
		name     string
		args     []node
		named    map[string]node
	}
	binary struct {
		op   string
		l, r node
	}
	unary struct {
		op string
		of node
	}
)

type parser struct {
	scan scanner
	tok  token
}

// Parse parses an expression. Errors are "Lexical error: …" and "Parse error: …".
func Parse(src string) (*Expression, error) {
	p := &parser{scan: scanner{src: src}}
	if err := p.advance(); err != nil {
		return nil, err
	}
	n, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokEnd {
		return nil, p.unexpected()
	}
	return &Expression{source: src, root: n}, nil
}

func (p *parser) advance() error {
	t, err := p.scan.next()
	p.tok = t
	return err
}

func (p *parser) unexpected() error {
	if p.tok.kind == tokEnd {
		return fmt.Errorf("Parse error: unexpected end of statement")
	}
	return fmt.Errorf("Parse error: unexpected '%s' at position %d of expression '%s'", p.tok.text, p.tok.pos, p.scan.src)
}

func (p *parser) isOp(text string) bool { return p.tok.kind == tokOp && p.tok.text == text }

func (p *parser) expect(op string) error {
	if !p.isOp(op) {
		return p.unexpected()
	}
	return p.advance()
}

// binding is how tightly a binary operator holds; 0 is no operator.
func binding(op string) int {
	switch op {
	case "->":
		return 1
	case "or":
		return 3
	case "and":
		return 4
	case "=", "!=", "<", ">", "<=", ">=", "in":
		return 6
	case "+", "-":
		return 7
	case "*", "/", "mod":
		return 8
	case "=~", "!~":
		return 9
	case ".", "?.", "[":
		return 11
	}
	return 0
}

func (p *parser) expression(floor int) (node, error) {
	left, err := p.prefix()
	if err != nil {
		return nil, err
	}
	for p.tok.kind == tokOp {
		op := p.tok.text
		power := binding(op)
		if power == 0 || power <= floor {
			return left, nil
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
		if left, err = p.infix(left, op, power); err != nil {
			return nil, err
		}
	}
	if p.tok.kind != tokEnd {
		return nil, p.unexpected()
	}
	return left, nil
}

func (p *parser) infix(left node, op string, power int) (node, error) {
	switch op {
	case ".", "?.":
		return p.member(left, op == "?.")
	case "[":
		at, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		return index{left, at}, p.expect("]")
	case "->":
		power--
	}
	right, err := p.expression(power)
	return binary{op, left, right}, err
}

func (p *parser) member(left node, safe bool) (node, error) {
	t := p.tok
	if t.kind == tokWord {
		return property{left, t.text, safe}, p.advance()
	}
	if t.kind == tokCall {
		return p.call(left, safe)
	}
	return nil, p.unexpected()
}

func (p *parser) prefix() (node, error) {
	t := p.tok
	switch t.kind {
	case tokValue:
		return constant{t.val}, p.advance()
	case tokWord:
		return constant{value.String(t.text)}, p.advance()
	case tokVar:
		return variable{t.text}, p.advance()
	case tokCall:
		return p.call(nil, false)
	case tokOp:
		return p.prefixOp(t.text)
	}
	return nil, p.unexpected()
}

func (p *parser) prefixOp(op string) (node, error) {
	switch op {
	case "(":
		if err := p.advance(); err != nil {
			return nil, err
		}
		n, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		return n, p.expect(")")
	case "[":
		args, _, err := p.arguments("]")
		return listNode{args}, err
	case "{":
		return p.dict()
	case "-", "+", "not":
		if err := p.advance(); err != nil {
			return nil, err
		}
		power := 10
		if op == "not" {
			power = 5
		}
		of, err := p.expression(power)
		return unary{op, of}, err
	}
	return nil, p.unexpected()
}

func (p *parser) call(receiver node, safe bool) (node, error) {
	name := p.tok.text
	args, named, err := p.arguments(")")
	return call{receiver, safe, name, args, named}, err
}

// arguments reads a list up to its end; the token before it is still the current one.
func (p *parser) arguments(end string) ([]node, map[string]node, error) {
	var args []node
	var named map[string]node
	if err := p.advance(); err != nil {
		return nil, nil, err
	}
	for !p.isOp(end) {
		n, err := p.expression(0)
		if err != nil {
			return nil, nil, err
		}
		if p.isOp("=>") {
			if err := p.advance(); err != nil {
				return nil, nil, err
			}
			v, err := p.expression(0)
			if err != nil {
				return nil, nil, err
			}
			if word, ok := n.(constant); ok {
				if s, ok := word.v.(value.String); ok {
					if named == nil {
						named = map[string]node{}
					}
					named[string(s)] = v
				}
			}
			n = listNode{[]node{n, v}}
			args = append(args, pair{n.(listNode)})
		} else {
			args = append(args, n)
		}
		if p.isOp(",") {
			if err := p.advance(); err != nil {
				return nil, nil, err
			}
			continue
		}
		if !p.isOp(end) {
			return nil, nil, p.unexpected()
		}
	}
	return args, named, p.advance()
}

// pair is `key => value` among arguments.
type pair struct{ listNode }

func (p *parser) dict() (node, error) {
	args, _, err := p.arguments("}")
	if err != nil {
		return nil, err
	}
	var d dictNode
	for _, a := range args {
		kv, ok := a.(pair)
		if !ok {
			return nil, p.unexpected()
		}
		d.keys, d.vals = append(d.keys, kv.items[0]), append(d.vals, kv.items[1])
	}
	return d, nil
}
