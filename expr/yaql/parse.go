package yaql

import (
	"unicode/utf8"

	"cierzo/expr/value"
)

// parser climbs precedences; the trees are those of yaql's LALR grammar.
type parser struct {
	scan    scanner
	tok     token
	depth   int
	options *Options
	unknown []Unknown
	defines bool // def() may give any name a meaning
}

// depthMax bounds how deep an expression may be nested.
const depthMax = 200

// How tightly operators hold.
const (
	powerContext = iota + 1
	powerOr
	powerAnd
	powerNot
	powerCompare
	powerAdd
	powerMultiply
	powerMatch
	powerSign
	powerIndex
	powerMember
)

func bindingPower(op string) int {
	switch op {
	case "->":
		return powerContext
	case "or":
		return powerOr
	case "and":
		return powerAnd
	case "=", "!=", "<", ">", "<=", ">=", "in":
		return powerCompare
	case "+", "-":
		return powerAdd
	case "*", "/", "mod":
		return powerMultiply
	case "=~", "!~":
		return powerMatch
	case "[", "(":
		return powerIndex
	case ".", "?.":
		return powerMember
	}
	return 0
}

func (p *parser) parse() (node, error) {
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
	return n, nil
}

func (p *parser) advance() error {
	t, err := p.scan.next()
	p.tok = t
	return err
}

func (p *parser) unexpected() error {
	if p.tok.kind == tokEnd {
		return failAt(len(p.scan.src), classGrammar, "Parse error: unexpected end of statement")
	}
	at := utf8.RuneCountInString(p.scan.src[:p.tok.pos])
	return failAt(p.tok.pos, classGrammar, "Parse error: unexpected '%s' at position %d of expression '%s'", p.tok.text, at, p.scan.src)
}

func (p *parser) isOp(text string) bool { return p.tok.kind == tokOp && p.tok.text == text }

func (p *parser) expect(op string) error {
	if !p.isOp(op) {
		return p.unexpected()
	}
	return p.advance()
}

// expression reads operators that hold tighter than floor.
func (p *parser) expression(floor int) (node, error) {
	p.depth++
	if p.depth > depthMax {
		return nil, fail(classRecursion, "expression is nested deeper than %d", depthMax)
	}
	defer func() { p.depth-- }()
	left, err := p.prefix()
	if err != nil {
		return nil, err
	}
	for p.tok.kind == tokOp {
		op := p.tok.text
		power := bindingPower(op)
		if power == 0 || power <= floor || (op == "(" && !p.options.AllowDelegates) {
			break
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
		if left, err = p.infix(left, op, power); err != nil {
			return nil, err
		}
	}
	return left, nil
}

func (p *parser) infix(left node, op string, power int) (node, error) {
	switch op {
	case ".", "?.":
		return p.member(left, op)
	case "[":
		args, err := p.arguments("]")
		if err != nil {
			return nil, err
		}
		return resolve(p.options, "#indexer", formSystem, left, args), nil
	case "(":
		args, err := p.arguments(")")
		if err != nil {
			return nil, err
		}
		return resolve(p.options, "#call", formSystem, left, args), nil
	case "->":
		power--
	}
	right, err := p.expression(power)
	if err != nil {
		return nil, err
	}
	return binaryNode(p.options, op, left, right), nil
}

// member reads what is behind a dot: a bare word is a property, a call is a method; nothing else matches.
func (p *parser) member(left node, op string) (node, error) {
	if p.tok.kind == tokCall {
		t := p.tok
		if err := p.advance(); err != nil {
			return nil, err
		}
		args, err := p.arguments(")")
		if err != nil {
			return nil, err
		}
		c := p.called(t, resolve(p.options, t.text, formMethod, left, args))
		c.safe = op == "?."
		return c, nil
	}
	right, err := p.expression(powerMember)
	if err != nil {
		return nil, err
	}
	if word, ok := right.(*constant); ok && word.word {
		return &property{of: left, name: string(word.v.(value.String)), safe: op == "?."}, nil
	}
	return &mismatch{of: left, safe: op == "?."}, nil
}

// called notes a call by a name that the library doesn't have.
func (p *parser) called(t token, c *call) *call {
	p.defines = p.defines || t.text == "def"
	if !c.known && c.fault == nil && (c.legacy == nil || !c.legacy.known) {
		p.unknown = append(p.unknown, Unknown{Name: t.text, Offset: t.pos})
	}
	return c
}

func (p *parser) prefix() (node, error) {
	t := p.tok
	switch t.kind {
	case tokValue:
		return &constant{v: t.val}, p.advance()
	case tokWord:
		return &constant{v: t.val, word: true}, p.advance()
	case tokVar:
		return variableNode(t.text), p.advance()
	case tokCall:
		if err := p.advance(); err != nil {
			return nil, err
		}
		args, err := p.arguments(")")
		if err != nil {
			return nil, err
		}
		return p.called(t, resolve(p.options, t.text, formFunction, nil, args)), nil
	case tokOp:
		return p.prefixOp(t.text)
	}
	return nil, p.unexpected()
}

func (p *parser) prefixOp(op string) (node, error) {
	switch op {
	case "(", "[", "{", "-", "+", "not":
	default:
		return nil, p.unexpected()
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	switch op {
	case "(":
		n, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		if c, ok := n.(*constant); ok {
			n = &constant{v: c.v, wrapped: true} // a word is a text only, there
		}
		return n, p.expect(")")
	case "[":
		args, err := p.arguments("]")
		if err != nil {
			return nil, err
		}
		return resolve(p.options, "#list", formSystem, nil, args), nil
	case "{":
		args, err := p.arguments("}")
		if err != nil {
			return nil, err
		}
		return resolve(p.options, "#map", formSystem, nil, args), nil
	}
	power := powerSign
	if op == "not" {
		power = powerNot
	}
	of, err := p.expression(power)
	if err != nil {
		return nil, err
	}
	return resolve(p.options, "#unary_operator_"+op, formSystem, nil, []node{of}), nil
}

// arguments reads a list up to its end, which is consumed. Positional arguments may be left out, except the last;
// named ones come last.
func (p *parser) arguments(end string) ([]node, error) {
	var args []node
	if p.isOp(end) {
		return nil, p.advance()
	}
	given, named := false, false
	for {
		if p.isOp(",") && !named {
			args = append(args, &hole{})
			if err := p.advance(); err != nil {
				return nil, err
			}
			continue
		}
		n, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		switch {
		case p.isOp("=>"):
			if !given && len(args) > 0 && !named {
				return nil, p.unexpected()
			}
			if err := p.advance(); err != nil {
				return nil, err
			}
			v, err := p.expression(0)
			if err != nil {
				return nil, err
			}
			args, named = append(args, &pair{n, v}), true
		case named:
			return nil, p.unexpected()
		default:
			args, given = append(args, n), true
		}
		if p.isOp(end) {
			return args, p.advance()
		}
		if err := p.expect(","); err != nil {
			return nil, err
		}
	}
}

func variableNode(text string) node {
	if n, ok := argumentNumber(text[1:]); ok {
		return &argument{n}
	}
	return &variable{text[1:]}
}
