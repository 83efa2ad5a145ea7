// Package yaml reads YAML as Mistral does: YAML 1.1 scalars, the last of duplicate keys, one document; with places.
package yaml

import (
	"errors"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	lib "go.yaml.in/yaml/v4"

	"cierzo/expr/value"
)

// Node is a piece of a document with its place, counted from 1.
type Node struct {
	Value     value.Value // of the whole subtree
	Entries   []Entry     // of a mapping, in the order of the text; duplicate keys are gone
	Items     []*Node     // of a sequence
	Line, Col int
}

// Entry is a key with its value.
type Entry struct {
	Key  *Node
	Node *Node
}

// Error is a text that isn't YAML.
type Error struct {
	Msg       string
	Line, Col int // 0: unknown
}

// Error gives the message with its place.
func (e *Error) Error() string { return e.Msg }

// SizeMax and DepthMax bound a document: bytes and levels.
const (
	SizeMax  = 1 << 20
	DepthMax = 100
)

// Parse reads one document; an empty one is an empty mapping.
func Parse(src []byte) (*Node, error) {
	if len(src) > SizeMax {
		return nil, &Error{Msg: fmt.Sprintf("the document has %d bytes, more than the limit of %d", len(src), SizeMax)}
	}
	dec := lib.NewDecoder(strings.NewReader(string(src)))
	var doc lib.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return &Node{Value: value.NewDict(0), Line: 1, Col: 1}, nil
		}
		return nil, libError(err)
	}
	var more lib.Node
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, &Error{Msg: "expected a single document in the stream"}
	}
	return convert(&doc, 0)
}

// Decode reads a document as a value. file names it in errors.
func Decode(file string, src []byte) (value.Value, error) {
	n, err := Parse(src)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return n.Value, nil
}

var lineOf = regexp.MustCompile(`line (\d+)(?:, column (\d+))?`)

func libError(err error) error {
	out := &Error{Msg: strings.TrimPrefix(err.Error(), "yaml: ")}
	if m := lineOf.FindStringSubmatch(out.Msg); m != nil {
		out.Line, _ = strconv.Atoi(m[1])
		out.Col, _ = strconv.Atoi(m[2])
		out.Col = max(out.Col, 1)
	}
	return out
}

func convert(n *lib.Node, depth int) (*Node, error) {
	if depth > DepthMax {
		return nil, &Error{Msg: fmt.Sprintf("the document is nested deeper than %d levels", DepthMax), Line: n.Line, Col: n.Column}
	}
	out := &Node{Line: n.Line, Col: n.Column}
	switch n.Kind {
	case lib.DocumentNode:
		return convert(n.Content[0], depth)
	case lib.ScalarNode:
		out.Value = scalar(n)
	case lib.SequenceNode:
		items := make([]value.Value, 0, len(n.Content))
		for _, c := range n.Content {
			item, err := convert(c, depth+1)
			if err != nil {
				return nil, err
			}
			out.Items, items = append(out.Items, item), append(items, item.Value)
		}
		out.Value = value.NewList(items)
	case lib.MappingNode:
		return out, out.mapping(n, depth)
	default:
		return nil, &Error{Msg: "found undefined alias", Line: n.Line, Col: n.Column}
	}
	return out, nil
}

func (out *Node) mapping(n *lib.Node, depth int) error {
	d := value.NewDict(len(n.Content) / 2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, err := convert(n.Content[i], depth+1)
		if err != nil {
			return err
		}
		v, err := convert(n.Content[i+1], depth+1)
		if err != nil {
			return err
		}
		if _, there := d.Get(k.Value); there {
			for j := range out.Entries {
				if value.Equal(out.Entries[j].Key.Value, k.Value) {
					out.Entries[j].Node = v
				}
			}
		} else {
			out.Entries = append(out.Entries, Entry{k, v})
		}
		if err := d.Set(k.Value, v.Value); err != nil {
			return &Error{Msg: "found unhashable key", Line: k.Line, Col: k.Col}
		}
	}
	out.Value = d
	return nil
}

var (
	intForm   = regexp.MustCompile(`^[-+]?(0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)$`)
	floatForm = regexp.MustCompile(`^[-+]?([0-9][0-9_]*\.[0-9_]*([eE][-+][0-9]+)?|\.[0-9][0-9_]*([eE][-+][0-9]+)?)$`)
)

func scalar(n *lib.Node) value.Value {
	if n.Style&(lib.DoubleQuotedStyle|lib.SingleQuotedStyle|lib.LiteralStyle|lib.FoldedStyle) != 0 || n.Tag == "!!str" && n.Style&lib.TaggedStyle != 0 {
		return value.String(n.Value)
	}
	s := n.Value
	switch s {
	case "", "~", "null", "Null", "NULL":
		return value.Null{}
	case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
		return value.Bool(true)
	case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
		return value.Bool(false)
	}
	if intForm.MatchString(s) {
		if v, ok := new(big.Int).SetString(strings.ReplaceAll(s, "_", ""), 0); ok {
			return value.IntOf(v)
		}
	}
	if floatForm.MatchString(s) {
		if f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64); err == nil {
			return value.Float(f)
		}
	}
	return value.String(s)
}
