package jinja

import "cierzo/expr/value"

// tupleRules say how a tuple without brackets is parsed.
type tupleRules struct {
	simplified bool // only names and literals, as targets are
	condexpr   bool // items may be "a if b"
	explicit   bool // in parentheses: it may be empty
	namespace  bool // items may be name.attr
}

func (p *parser) tuple(rules tupleRules) expr {
	var items []expr
	isTuple := false
	for {
		if items != nil {
			p.expectOp(",")
		}
		t := p.cur()
		if t.kind == tokVariableEnd || t.kind == tokBlockEnd || t.isOp(")") {
			break
		}
		if rules.simplified {
			items = append(items, p.primary(rules.namespace))
		} else {
			items = append(items, p.expression(rules.condexpr))
		}
		if !p.cur().isOp(",") {
			break
		}
		isTuple = true
	}
	if !isTuple {
		if items != nil {
			return items[0]
		}
		if !rules.explicit {
			p.fail("Expected an expression, got " + quoted(p.cur().describe()))
		}
	}
	return &tupleExpr{items}
}

func (p *parser) expression(condexpr bool) expr {
	defer p.deeper()()
	if !condexpr {
		return p.or()
	}
	line := p.cur().line
	x := p.or()
	for n := 0; p.skipName("if"); n++ {
		p.chain(n)
		c := &condExpr{yes: x, test: p.or(), line: line}
		if p.skipName("else") {
			c.no = p.expression(true)
		}
		x = c
		line = p.cur().line
	}
	return x
}

func (p *parser) or() expr {
	x := p.and()
	for n := 0; p.skipName("or"); n++ {
		p.chain(n)
		x = &logical{x, p.and(), true}
	}
	return x
}

func (p *parser) and() expr {
	x := p.not()
	for n := 0; p.skipName("and"); n++ {
		p.chain(n)
		x = &logical{x, p.not(), false}
	}
	return x
}

func (p *parser) not() expr {
	if p.skipName("not") {
		defer p.deeper()()
		return &notExpr{p.not()}
	}
	return p.compare()
}

func (p *parser) compare() expr {
	first := p.sum()
	c := &comparison{first: first}
	for {
		op := ""
		switch t := p.cur(); {
		case t.kind == tokOperator:
			switch t.text {
			case "==", "!=", "<", "<=", ">", ">=":
				op = t.text
			}
		case t.isName("in"):
			op = "in"
		case t.isName("not") && p.look().isName("in"):
			p.next()
			op = "not in"
		}
		if op == "" {
			break
		}
		p.next()
		c.ops, c.rest = append(c.ops, op), append(c.rest, p.sum())
	}
	if c.ops == nil {
		return first
	}
	return c
}

// binaries parses operators of one rank.
func (p *parser) binaries(operand func() expr, ops ...string) expr {
	x := operand()
	for n := 0; ; n++ {
		op := ""
		for _, o := range ops {
			if p.cur().isOp(o) {
				op = o
			}
		}
		if op == "" {
			return x
		}
		p.chain(n)
		p.next()
		x = &binary{op, x, operand()}
	}
}

func (p *parser) sum() expr     { return p.binaries(p.concat, "+", "-") }
func (p *parser) product() expr { return p.binaries(p.power, "*", "/", "//", "%") }
func (p *parser) power() expr {
	return p.binaries(func() expr { return p.unary(true) }, "**")
}

func (p *parser) concat() expr {
	x := p.product()
	if !p.cur().isOp("~") {
		return x
	}
	c := &concat{items: []expr{x}}
	for p.skipOp("~") {
		c.items = append(c.items, p.product())
	}
	return c
}

func (p *parser) unary(withFilter bool) expr {
	var x expr
	switch t := p.cur(); {
	case t.isOp("-"), t.isOp("+"):
		done := p.deeper()
		p.next()
		x = &unary{t.text, p.unary(false)}
		done()
	default:
		x = p.primary(false)
	}
	x = p.postfix(x)
	if withFilter {
		x = p.filterExpr(x)
	}
	return x
}

func (p *parser) primary(namespace bool) expr {
	defer p.deeper()()
	t := p.cur()
	switch {
	case t.kind == tokName:
		p.next()
		return p.named(t, namespace)
	case t.kind == tokString:
		text := ""
		for p.cur().kind == tokString {
			text += string(p.next().val.(value.String))
		}
		return &constant{value.String(text)}
	case t.kind == tokInteger || t.kind == tokFloat:
		p.next()
		return &constant{t.val}
	case t.isOp("("):
		p.next()
		x := p.tuple(tupleRules{condexpr: true, explicit: true})
		p.expectOp(")")
		return x
	case t.isOp("["):
		return p.list()
	case t.isOp("{"):
		return p.dict()
	}
	p.fail("unexpected " + quoted(t.describe()))
	return nil
}

func (p *parser) named(t token, namespace bool) expr {
	switch t.text {
	case "true", "True":
		return &constant{value.Bool(true)}
	case "false", "False":
		return &constant{value.Bool(false)}
	case "none", "None":
		return &constant{value.Null{}}
	}
	if namespace && p.skipOp(".") {
		return &nsRef{t.text, p.identifier().text, t.line}
	}
	return &name{t.text, t.line}
}

func (p *parser) list() expr {
	p.expectOp("[")
	x := &listExpr{}
	for !p.cur().isOp("]") {
		if x.items != nil {
			p.expectOp(",")
		}
		if p.cur().isOp("]") {
			break
		}
		x.items = append(x.items, p.expression(true))
	}
	p.expectOp("]")
	return x
}

func (p *parser) dict() expr {
	p.expectOp("{")
	x := &dictExpr{}
	for !p.cur().isOp("}") {
		if x.keys != nil {
			p.expectOp(",")
		}
		if p.cur().isOp("}") {
			break
		}
		x.keys = append(x.keys, p.expression(true))
		p.expectOp(":")
		x.vals = append(x.vals, p.expression(true))
	}
	p.expectOp("}")
	return x
}

func (p *parser) postfix(x expr) expr {
	for n := 0; ; n++ {
		p.chain(n)
		switch t := p.cur(); {
		case t.isOp("."), t.isOp("["):
			x = p.subscript(x)
		case t.isOp("("):
			x = &callExpr{x, p.callArgs()}
		default:
			return x
		}
	}
}

func (p *parser) filterExpr(x expr) expr {
	for n := 0; ; n++ {
		p.chain(n)
		switch t := p.cur(); {
		case t.isOp("|"):
			x = p.filters(x, false)
		case t.isName("is"):
			x = p.test(x)
		case t.isOp("("):
			x = &callExpr{x, p.callArgs()}
		default:
			return x
		}
	}
}

func (p *parser) subscript(x expr) expr {
	if p.next().text == "." {
		t := p.next()
		switch t.kind {
		case tokName:
			return &attribute{x, t.text}
		case tokInteger:
			return &subscript{x, &constant{t.val}}
		}
		p.failFor(t, "expected name or number")
	}
	var args []expr
	for !p.cur().isOp("]") {
		if args != nil {
			p.expectOp(",")
		}
		args = append(args, p.subscribed())
	}
	p.expectOp("]")
	if len(args) == 1 {
		return &subscript{x, args[0]}
	}
	return &subscript{x, &tupleExpr{args}}
}

// subscribed parses an index or a slice.
func (p *parser) subscribed() expr {
	s := &sliceExpr{}
	if !p.skipOp(":") {
		s.start = p.expression(true)
		if !p.skipOp(":") {
			return s.start
		}
	}
	ends := func() bool { return p.cur().isOp(":") || p.cur().isOp("]") || p.cur().isOp(",") }
	if !ends() {
		s.stop = p.expression(true)
	}
	if p.skipOp(":") && !p.cur().isOp("]") && !p.cur().isOp(",") {
		s.step = p.expression(true)
	}
	return s
}

func (p *parser) callArgs() callArgs {
	open := p.cur()
	p.expectOp("(")
	var a callArgs
	ensure := func(ok bool) {
		if !ok {
			p.failFor(open, "invalid syntax for function call expression")
		}
	}
	for comma := false; !p.cur().isOp(")"); comma = true {
		if comma {
			p.expectOp(",")
			if p.cur().isOp(")") {
				break
			}
		}
		switch t := p.cur(); {
		case t.isOp("*"):
			ensure(a.star == nil && a.starStar == nil)
			p.next()
			a.star = p.expression(true)
		case t.isOp("**"):
			ensure(a.starStar == nil)
			p.next()
			a.starStar = p.expression(true)
		case t.kind == tokName && p.look().isOp("="):
			ensure(a.starStar == nil)
			p.next()
			p.next()
			a.keywords = append(a.keywords, keyword{t.text, p.expression(true)})
		default:
			ensure(a.star == nil && a.starStar == nil && a.keywords == nil)
			a.pos = append(a.pos, p.expression(true))
		}
	}
	p.expectOp(")")
	return a
}

// filters parses "|name(args)…"; with inline the first bar is left out, as in {% filter %}.
func (p *parser) filters(x expr, inline bool) expr {
	for n := 0; p.cur().isOp("|") || inline; n++ {
		p.chain(n)
		if !inline {
			p.next()
		}
		inline = false
		f := &filterExpr{input: x, line: p.cur().line}
		f.name = p.dottedName()
		if p.cur().isOp("(") {
			f.args = p.callArgs()
		}
		x = f
	}
	return x
}

func (p *parser) dottedName() string {
	text := p.identifier().text
	for p.skipOp(".") {
		text += "." + p.identifier().text
	}
	return text
}

func (p *parser) test(x expr) expr {
	p.next()
	negated := p.skipName("not")
	t := &testExpr{input: x, line: p.cur().line}
	t.name = p.dottedName()
	switch c := p.cur(); {
	case c.isOp("("):
		t.args = p.callArgs()
	case c.isName("else"), c.isName("or"), c.isName("and"):
	case c.kind == tokName, c.kind == tokString, c.kind == tokInteger, c.kind == tokFloat, c.isOp("["), c.isOp("{"):
		if c.isName("is") {
			p.fail("You cannot chain multiple tests with is")
		}
		t.args.pos = []expr{p.postfix(p.primary(false))}
	}
	if negated {
		return &notExpr{t}
	}
	return t
}
