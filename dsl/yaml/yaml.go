// Package yaml reads YAML as Mistral does: YAML 1.1 as PyYAML's SafeLoader has it, but without anchors and aliases, whose
// indicators & and * are plain text, as is @. Every node keeps its place in the text.
//
// A text goes through four passes: scan (characters to tokens), parse (tokens to nodes), resolve (what kind of scalar a
// text is) and build (nodes to values). Errors carry PyYAML's texts and places, because Mistral's clients see them.
package yaml

import (
	"fmt"
	"unicode/utf8"

	"cierzo/expr/value"
)

// Node is a piece of a document with its place: lines and columns count from 1, columns in characters. The end is the
// first character behind it.
type Node struct {
	Value           value.Value // of the whole subtree
	Entries         []Entry     // of a mapping, in the order of the text, the last of duplicate keys
	Shadowed        []Entry     // of a mapping: what a later duplicate of its key took the place of
	Items           []*Node     // of a sequence
	Line, Col       int
	EndLine, EndCol int

	kind  nodeKind
	tag   string
	text  string // of a scalar
	pairs []Entry
	start mark
}

type nodeKind uint8

const (
	scalarNode nodeKind = iota
	sequenceNode
	mappingNode
)

func (k nodeKind) String() string { return [...]string{"scalar", "sequence", "mapping"}[k] }

// Entry is a key with its value.
type Entry struct {
	Key  *Node
	Node *Node
}

// SizeMax, DepthMax and NodesMax are the limits of Parse: bytes, levels, nodes.
const (
	SizeMax  = 1 << 20
	DepthMax = 100
	NodesMax = 200_000
)

// Limits bound a document.
type Limits struct {
	SizeMax  int // bytes. Defaults to SizeMax, and so on
	DepthMax int // levels of nesting
	NodesMax int // scalars and collections
}

func (l Limits) orDefaults() Limits {
	if l.SizeMax == 0 {
		l.SizeMax = SizeMax
	}
	if l.DepthMax == 0 {
		l.DepthMax = DepthMax
	}
	if l.NodesMax == 0 {
		l.NodesMax = NodesMax
	}
	return l
}

// Parse reads one document within the default limits; an empty one is an empty mapping. The error is an *Error.
func Parse(src []byte) (*Node, error) { return ParseLimited(src, Limits{}) }

// ParseLimited is Parse with other limits.
func ParseLimited(src []byte, limits Limits) (*Node, error) {
	limits = limits.orDefaults()
	if len(src) > limits.SizeMax {
		return nil, &Error{Problem: fmt.Sprintf("the document has %d bytes, more than the limit of %d", len(src), limits.SizeMax)}
	}
	if !utf8.Valid(src) {
		return nil, notUTF8(src)
	}
	s, err := newScanner(src)
	if err != nil {
		return nil, err
	}
	p := &parser{scanner: s, limits: limits}
	root, err := p.document()
	if err != nil {
		return nil, err
	}
	if root == nil {
		return &Node{Value: value.NewDict(0), Line: 1, Col: 1, EndLine: 1, EndCol: 1, kind: mappingNode}, nil
	}
	if err := (&builder{source: s}).build(root); err != nil {
		return nil, err
	}
	return root, nil
}

// Decode reads a document as a value. file names it in errors.
func Decode(file string, src []byte) (value.Value, error) {
	n, err := Parse(src)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return n.Value, nil
}

// Field is the value of a key of a mapping that is a text; nil when there is none.
func (n *Node) Field(name string) *Node {
	if n == nil {
		return nil
	}
	for i := range n.Entries {
		if s, ok := n.Entries[i].Key.Value.(value.String); ok && string(s) == name {
			return n.Entries[i].Node
		}
	}
	return nil
}
