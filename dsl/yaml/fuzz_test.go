package yaml

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cierzo/expr/value"
)

// fuzzTimeMax is for a document of a few kilobytes, which takes a millisecond.
const fuzzTimeMax = 10 * time.Second

// FuzzParse looks for texts that panic or don't end; for nodes and errors whose places are not in the text; and for values
// that don't come back when they are written and read again.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"a: [b, {c: d}]\n", "- |\n  x\n- >-\n  y\n", "? a\n: b\n", "%YAML 1.1\n---\n!!set {a}\n", "'a''b': \"\\x41\"", "<<: {a: 1}",
		"a: &x\nb: *x\nc: @y\n", "- 0x1F\n- 017\n- 1:30:00\n- .inf\n- ~\n- yes\n- 2026-01-02 03:04:05.6 +01:00\n", "--- |2+\n   a\n\n...\n",
		"? [a, b]\n: {c: , d}\n", "!!binary aGk=\n", "!!omap [a: 1]\n", "\xef\xbb\xbfa: 1\r\nb: 2\r", "\"\\\n  folded\\u2028\"", "a: 'x\n\n  y'\n", "1e3: 1_000\n1: 1.0\ntrue: 1\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) > 4000 {
			t.Skip()
		}
		begin := time.Now()
		n, err := Parse(src)
		if took := time.Since(begin); took > fuzzTimeMax {
			t.Fatalf("took %s", took)
		}
		if (n == nil) != (err != nil) {
			t.Fatalf("node %v, error %v", n, err)
		}
		lines := len(Lines(string(src)))
		if err != nil {
			var bad *Error
			if !errors.As(err, &bad) || bad.Line < 0 || bad.Line > lines {
				t.Fatalf("%T %v in a text of %d lines", err, err, lines)
			}
			return
		}
		checkPlaces(t, n, lines)
		checkRoundTrip(t, n.Value)
	})
}

// checkPlaces sees to it that a node is in the text and its children are in it.
func checkPlaces(t *testing.T, n *Node, lines int) {
	t.Helper()
	if n.Value == nil {
		t.Fatal("a node without a value")
	}
	if n.Line < 1 || n.Col < 1 || n.EndLine > lines || n.EndLine < n.Line || n.EndLine == n.Line && n.EndCol < n.Col {
		t.Fatalf("a node from %d:%d to %d:%d in a text of %d lines", n.Line, n.Col, n.EndLine, n.EndCol, lines)
	}
	for _, e := range n.Entries {
		checkPlaces(t, e.Key, lines)
		checkPlaces(t, e.Node, lines)
	}
	for _, item := range n.Items {
		checkPlaces(t, item, lines)
	}
}

// checkRoundTrip writes a value and reads it again.
func checkRoundTrip(t *testing.T, v value.Value) {
	t.Helper()
	text, err := Dump(v)
	if err != nil {
		return // a type that SafeDumper has no form for
	}
	again, err := Load([]byte(text))
	if err != nil {
		t.Fatalf("%s was written as %q, which doesn't read: %v", value.Repr(v), text, err)
	}
	if diff := cmp.Diff(value.Repr(comparable(v)), value.Repr(comparable(again))); diff != "" {
		t.Fatalf("written as %q (-value +read again):\n%s", text, diff)
	}
}

// comparable makes lists of tuples and sorts keys, as SafeDumper writes them.
func comparable(v value.Value) value.Value {
	var items []value.Value
	switch v := v.(type) {
	case *value.Tuple:
		items = v.Items()
	case *value.List:
		items = v.Items()
	case *value.Dict:
		for k, item := range v.All() {
			items = append(items, value.NewTuple([]value.Value{comparable(k), comparable(item)}))
		}
		slices.SortFunc(items, func(a, b value.Value) int { return strings.Compare(value.Repr(a), value.Repr(b)) })
		return value.NewTuple(items)
	default:
		return v
	}
	out := make([]value.Value, len(items))
	for i, item := range items {
		out[i] = comparable(item)
	}
	return value.NewList(out)
}
