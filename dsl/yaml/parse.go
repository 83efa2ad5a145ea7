package yaml

import (
	"fmt"
	"slices"

	"cierzo/expr/value"
)

// parser makes nodes of tokens.
type parser struct {
	scanner *scanner
	limits  Limits
	depth   int
	nodes   int
	handles map[string]string // of tags
}

// is reports whether the next token is one of the kinds.
func (p *parser) is(kinds ...tokenKind) (bool, error) {
	t, err := p.scanner.head()
	return err == nil && slices.Contains(kinds, t.kind), err
}

// accept takes the next token when it is of the kind.
func (p *parser) accept(kind tokenKind) (t token, ok bool, err error) {
	t, err = p.scanner.head()
	if err != nil || t.kind != kind {
		return t, false, err
	}
	t, err = p.scanner.next()
	return t, err == nil, err
}

// document parses the one document of the text; nil when there is none.
func (p *parser) document() (*Node, error) {
	explicit, err := p.documentStart(true)
	if err != nil {
		return nil, err
	}
	t, err := p.scanner.head()
	if err != nil {
		return nil, err
	}
	if t.kind == streamEnd && !explicit {
		return nil, nil
	}
	first := t.start
	var root *Node
	if explicit && (t.kind == directive || t.kind == documentStart || t.kind == documentEnd || t.kind == streamEnd) {
		root, err = p.empty(t.start)
	} else {
		root, err = p.node(true, false)
	}
	if err != nil {
		return nil, err
	}
	for {
		_, ended, err := p.accept(documentEnd)
		if err != nil {
			return nil, err
		}
		if !ended {
			break
		}
	}
	if end, err := p.is(streamEnd); err != nil || end {
		return root, err
	}
	if t, err = p.scanner.head(); err != nil {
		return nil, err
	}
	if _, err := p.documentStart(false); err != nil {
		return nil, err
	}
	return nil, p.scanner.fail("expected a single document in the stream", &first, "but found another document", t.start)
}

// documentStart parses directives and ---. Only the first document may begin without.
func (p *parser) documentStart(first bool) (explicit bool, err error) {
	p.handles = map[string]string{}
	t, err := p.scanner.head()
	if err != nil {
		return false, err
	}
	if first && t.kind == documentEnd {
		return false, p.skipDocumentEnds()
	}
	if first && t.kind != directive && t.kind != documentStart {
		return false, nil
	}
	if err := p.directives(); err != nil {
		return false, err
	}
	if t, err = p.scanner.head(); err != nil {
		return false, err
	}
	if t.kind != documentStart {
		return false, p.scanner.fail("", nil, "expected '<document start>', but found "+quote(t.kind), t.start)
	}
	_, err = p.scanner.next()
	return true, err
}

// skipDocumentEnds goes over ... before the first document; what follows must begin with ---, or be nothing.
func (p *parser) skipDocumentEnds() error {
	t, err := p.scanner.head()
	if err != nil {
		return err
	}
	return p.scanner.fail("while parsing a block node", &t.start, "expected the node content, but found "+quote(t.kind), t.start)
}

func (p *parser) directives() error {
	version := false
	for {
		t, ok, err := p.accept(directive)
		if err != nil || !ok {
			return err
		}
		switch {
		case t.text == "YAML" && version:
			return p.scanner.fail("", nil, "found duplicate YAML directive", t.start)
		case t.text == "YAML" && (len(t.handle) < 2 || t.handle[:2] != "1."):
			return p.scanner.fail("", nil, "found incompatible YAML document (version 1.* is required)", t.start)
		case t.text == "YAML":
			version = true
		case len(t.text) > 4 && t.text[:4] == "TAG ":
			if _, there := p.handles[t.handle]; there {
				return p.scanner.fail("", nil, "duplicate tag handle "+value.Repr(value.String(t.handle)), t.start)
			}
			p.handles[t.handle] = t.text[4:]
		}
	}
}

func quote(k tokenKind) string { return value.Repr(value.String(k.String())) }

func newNode(kind nodeKind, start, end mark) *Node {
	n := &Node{kind: kind, start: start, Line: start.line + 1, Col: start.col + 1}
	n.endsAt(end)
	return n
}

func (n *Node) endsAt(end mark) { n.EndLine, n.EndCol = end.line+1, end.col+1 }

// enter counts a node and a level; leave ends the level.
func (p *parser) enter(at mark) error {
	p.depth++
	p.nodes++
	switch {
	case p.depth > p.limits.DepthMax:
		return p.scanner.fail("", nil, fmt.Sprintf("the document is nested deeper than %d levels", p.limits.DepthMax), at)
	case p.nodes > p.limits.NodesMax:
		return p.scanner.fail("", nil, fmt.Sprintf("the document has more than %d nodes", p.limits.NodesMax), at)
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

// node parses one node. block: collections without brackets may begin here; indentless: also a list on the level of the
// mapping that it is in.
func (p *parser) node(block, indentless bool) (*Node, error) {
	t, err := p.scanner.head()
	if err != nil {
		return nil, err
	}
	start := t.start
	if err := p.enter(start); err != nil {
		return nil, err
	}
	defer p.leave()
	tag, err := p.tag()
	if err != nil {
		return nil, err
	}
	n, err := p.content(start, tag, block, indentless)
	if err != nil {
		return nil, err
	}
	switch {
	case tag != "" && tag != "!":
		n.tag = tag
	case n.kind == sequenceNode:
		n.tag = tagPrefix + "seq"
	case n.kind == mappingNode:
		n.tag = tagPrefix + "map"
	}
	return n, nil
}

func (p *parser) tag() (string, error) {
	t, ok, err := p.accept(tagToken)
	if err != nil || !ok || t.handle == "" {
		return t.textIf(ok), err
	}
	prefix, known := p.handles[t.handle]
	switch {
	case known:
	case t.handle == "!":
		prefix = "!"
	case t.handle == "!!":
		prefix = tagPrefix
	default:
		return "", p.scanner.fail("while parsing a node", &t.start, "found undefined tag handle "+value.Repr(value.String(t.handle)), t.start)
	}
	return prefix + t.text, nil
}

func (t token) textIf(ok bool) string {
	if ok {
		return t.text
	}
	return ""
}

func (p *parser) content(start mark, tag string, block, indentless bool) (*Node, error) {
	t, err := p.scanner.head()
	if err != nil {
		return nil, err
	}
	switch {
	case indentless && t.kind == blockEntry:
		return p.indentlessSequence(start)
	case t.kind == scalarToken:
		if t, err = p.scanner.next(); err != nil {
			return nil, err
		}
		n := newNode(scalarNode, start, t.end)
		n.text = t.text
		// A text in quotes is a text; "!" makes others be read as if they had none.
		if tag == "!" || t.plain && tag == "" {
			n.tag = resolve(t.text)
		} else {
			n.tag = tagPrefix + "str"
		}
		return n, nil
	case t.kind == flowSequenceStart:
		return p.flowSequence(start)
	case t.kind == flowMappingStart:
		return p.flowMapping(start)
	case block && t.kind == blockSequenceStart:
		return p.blockSequence(start)
	case block && t.kind == blockMappingStart:
		return p.blockMapping(start)
	case tag != "":
		n := newNode(scalarNode, start, start)
		n.tag = tagPrefix + "null"
		if tag != "!" {
			n.tag = tag
		}
		return n, nil
	}
	kind := "flow"
	if block {
		kind = "block"
	}
	return nil, p.scanner.fail("while parsing a "+kind+" node", &start, "expected the node content, but found "+quote(t.kind), t.start)
}

// nodeUnless parses a node, or an empty one when the next token is one of the kinds.
func (p *parser) nodeUnless(at mark, block, indentless bool, kinds ...tokenKind) (*Node, error) {
	ends, err := p.is(kinds...)
	if err != nil {
		return nil, err
	}
	if !ends {
		return p.node(block, indentless)
	}
	return p.empty(at)
}

// empty is the node that stands for nothing: null.
func (p *parser) empty(at mark) (*Node, error) {
	defer p.leave()
	n := newNode(scalarNode, at, at)
	n.tag = tagPrefix + "null"
	return n, p.enter(at)
}

func (p *parser) blockSequence(start mark) (*Node, error) {
	begin, err := p.scanner.next()
	if err != nil {
		return nil, err
	}
	n := newNode(sequenceNode, start, start)
	for {
		t, ok, err := p.accept(blockEntry)
		if err != nil {
			return nil, err
		}
		if !ok {
			return n, p.endBlock(n, begin, "collection")
		}
		item, err := p.nodeUnless(t.end, true, false, blockEntry, blockEnd)
		if err != nil {
			return nil, err
		}
		n.Items = append(n.Items, item)
	}
}

func (p *parser) endBlock(n *Node, begin token, what string) error {
	t, ok, err := p.accept(blockEnd)
	if err == nil && !ok {
		err = p.scanner.fail("while parsing a block "+what, &begin.start, "expected <block end>, but found "+quote(t.kind), t.start)
	}
	n.endsAt(t.start)
	return err
}

func (p *parser) indentlessSequence(start mark) (*Node, error) {
	n := newNode(sequenceNode, start, start)
	for {
		t, ok, err := p.accept(blockEntry)
		if err != nil || !ok {
			n.endsAt(t.start)
			return n, err
		}
		item, err := p.nodeUnless(t.end, true, false, blockEntry, keyToken, valueToken, blockEnd)
		if err != nil {
			return nil, err
		}
		n.Items = append(n.Items, item)
	}
}

func (p *parser) blockMapping(start mark) (*Node, error) {
	begin, err := p.scanner.next()
	if err != nil {
		return nil, err
	}
	n := newNode(mappingNode, start, start)
	for {
		t, ok, err := p.accept(keyToken)
		if err != nil {
			return nil, err
		}
		if !ok {
			return n, p.endBlock(n, begin, "mapping")
		}
		key, err := p.nodeUnless(t.end, true, true, keyToken, valueToken, blockEnd)
		if err != nil {
			return nil, err
		}
		val, err := p.mappingValue(true, true, keyToken, valueToken, blockEnd)
		if err != nil {
			return nil, err
		}
		n.pairs = append(n.pairs, Entry{key, val})
	}
}

// mappingValue parses : and the value behind it; both may be missing.
func (p *parser) mappingValue(block, indentless bool, ends ...tokenKind) (*Node, error) {
	t, ok, err := p.accept(valueToken)
	if err != nil {
		return nil, err
	}
	if !ok {
		return p.empty(t.start)
	}
	return p.nodeUnless(t.end, block, indentless, ends...)
}

// flowNext goes to the next member of a collection in brackets; more is false behind the closing one.
func (p *parser) flowNext(n *Node, begin token, end tokenKind, first bool) (more bool, err error) {
	t, closed, err := p.accept(end)
	if err == nil && !closed && !first {
		var comma bool
		if t, comma, err = p.accept(flowEntry); err == nil && !comma {
			what := "sequence"
			if end == flowMappingEnd {
				what = "mapping"
			}
			return false, p.scanner.fail("while parsing a flow "+what, &begin.start, "expected ',' or '"+end.String()+"', but got "+quote(t.kind), t.start)
		}
		if err == nil {
			t, closed, err = p.accept(end)
		}
	}
	if closed {
		n.endsAt(t.end)
	}
	return !closed, err
}

func (p *parser) flowSequence(start mark) (*Node, error) {
	begin, err := p.scanner.next()
	if err != nil {
		return nil, err
	}
	n := newNode(sequenceNode, start, start)
	for first := true; ; first = false {
		more, err := p.flowNext(n, begin, flowSequenceEnd, first)
		if err != nil || !more {
			return n, err
		}
		item, err := p.flowItem()
		if err != nil {
			return nil, err
		}
		n.Items = append(n.Items, item)
	}
}

// flowItem parses a member of a list in brackets: a node, or one pair that stands for a mapping.
func (p *parser) flowItem() (*Node, error) {
	t, ok, err := p.accept(keyToken)
	if err != nil {
		return nil, err
	}
	if !ok {
		return p.node(false, false)
	}
	if err := p.enter(t.start); err != nil {
		return nil, err
	}
	defer p.leave()
	n := newNode(mappingNode, t.start, t.end)
	n.tag = tagPrefix + "map"
	key, err := p.nodeUnless(t.end, false, false, valueToken, flowEntry, flowSequenceEnd)
	if err != nil {
		return nil, err
	}
	val, err := p.mappingValue(false, false, flowEntry, flowSequenceEnd)
	if err != nil {
		return nil, err
	}
	n.pairs = []Entry{{key, val}}
	n.EndLine, n.EndCol = val.EndLine, val.EndCol
	return n, nil
}

func (p *parser) flowMapping(start mark) (*Node, error) {
	begin, err := p.scanner.next()
	if err != nil {
		return nil, err
	}
	n := newNode(mappingNode, start, start)
	for first := true; ; first = false {
		more, err := p.flowNext(n, begin, flowMappingEnd, first)
		if err != nil || !more {
			return n, err
		}
		e, err := p.flowPair()
		if err != nil {
			return nil, err
		}
		n.pairs = append(n.pairs, e)
	}
}

// flowPair parses a member of a mapping in brackets; a key alone has the value null.
func (p *parser) flowPair() (e Entry, err error) {
	t, ok, err := p.accept(keyToken)
	if err != nil {
		return e, err
	}
	if !ok {
		if e.Key, err = p.node(false, false); err != nil {
			return e, err
		}
		e.Node, err = p.empty(mark{index: e.Key.start.index, line: e.Key.EndLine - 1, col: e.Key.EndCol - 1})
		return e, err
	}
	if e.Key, err = p.nodeUnless(t.end, false, false, valueToken, flowEntry, flowMappingEnd); err != nil {
		return e, err
	}
	e.Node, err = p.mappingValue(false, false, flowEntry, flowMappingEnd)
	return e, err
}
