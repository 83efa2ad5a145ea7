package yaml

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"cierzo/expr/value"
)

// TestPyYAML compares with what PyYAML 6.0 made of the same texts: testdata/pyyaml.jsonl, and CIERZO_YAML_VECTORS when it
// names another file of the form. Each line has a text and its value in Python's notation, PyYAML's error, or "crash"
// where PyYAML raised something else than its own errors.
func TestPyYAML(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"testdata/pyyaml.jsonl", os.Getenv("CIERZO_YAML_VECTORS")} {
		if file == "" {
			continue
		}
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		count := 0
		for lines.Scan() {
			var v struct{ Yaml, Value, Error, Crash string }
			if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
				t.Fatal(err)
			}
			count++
			comparePyYAML(t, v.Yaml, v.Value, v.Error, v.Crash)
		}
		if lines.Err() != nil || count == 0 {
			t.Fatalf("%s: %d vectors, %v", file, count, lines.Err())
		}
	}
}

func comparePyYAML(t *testing.T, text, want, wantErr, crash string) {
	t.Helper()
	n, err := Parse([]byte(text))
	switch {
	case crash != "" && err == nil:
		t.Errorf("%q: accepted as %s, PyYAML raises %s", text, python(n.Value), crash)
	case crash != "":
	case wantErr != "" && (err == nil || err.Error() != wantErr):
		t.Errorf("%q:\n got %v\nwant %s", text, err, wantErr)
	case wantErr == "" && err != nil:
		t.Errorf("%q:\n got %v\nwant %s", text, err, want)
	case wantErr == "" && python(n.Value) != want:
		t.Errorf("%q:\n got %s\nwant %s", text, python(n.Value), want)
	}
}

// python is a value in the notation of the vectors.
func python(v value.Value) string {
	switch v := v.(type) {
	case value.DateTime:
		return "datetime " + strings.Replace(v.Format("2006-01-02T15:04:05.000000-07:00"), ".000000", "", 1)
	case value.Date:
		return "date " + v.Format(time.DateOnly)
	case *value.List:
		return "[" + pythonAll(v.Items()) + "]"
	case *value.Tuple:
		return "(" + pythonAll(v.Items()) + ")"
	case *value.Set:
		return "set(" + pythonAll(v.Items()) + ")"
	case *value.Dict:
		var parts []string
		for k, item := range v.All() {
			parts = append(parts, python(k)+": "+python(item))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return value.Repr(v)
}

func pythonAll(items []value.Value) string {
	parts := make([]string, len(items))
	for i, item := range items {
		parts[i] = python(item)
	}
	return strings.Join(parts, ", ")
}

// TestPlaces looks at lines and columns of some nodes.
func TestPlaces(t *testing.T) {
	t.Parallel()
	n, err := Parse([]byte("a: 1\nlist:\n  - xy\n  - {k: 'v'}\n"))
	if err != nil {
		t.Fatal(err)
	}
	list := n.Field("list")
	k := list.Items[1].Entries[0]
	for _, c := range []struct {
		what string
		node *Node
		want [4]int
	}{
		{"a", n.Field("a"), [4]int{1, 4, 1, 5}},
		{"list", list, [4]int{3, 3, 5, 1}},
		{"xy", list.Items[0], [4]int{3, 5, 3, 7}},
		{"braces", list.Items[1], [4]int{4, 5, 4, 13}},
		{"k", k.Key, [4]int{4, 6, 4, 7}},
		{"v", k.Node, [4]int{4, 9, 4, 12}},
	} {
		if got := [4]int{c.node.Line, c.node.Col, c.node.EndLine, c.node.EndCol}; got != c.want {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ what, text, want string }{
		{"size", strings.Repeat("x", 50<<20), "the document has 52428800 bytes, more than the limit of 1048576"},
		{"brackets", strings.Repeat("[", 100_000), "the document is nested deeper than 100 levels"},
		{"dashes", strings.Repeat("- ", 100_000), "the document is nested deeper than 100 levels"},
		{"nodes", "[" + strings.Repeat("a,", 300_000) + "]", "the document has more than 200000 nodes"},
		{"bytes", "a: \xff", "the text is not UTF-8"},
	} {
		_, err := Parse([]byte(c.text))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.what, err, c.want)
		}
	}
	if _, err := ParseLimited([]byte("[[1]]"), Limits{DepthMax: 2}); err == nil {
		t.Error("three levels within a limit of two")
	}
}

// TestDuplicateKeys shows that entries and values agree.
func TestDuplicateKeys(t *testing.T) {
	t.Parallel()
	n, err := Parse([]byte("a: 1\nb: 2\na: 3\n"))
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, e := range n.Entries {
		keys = append(keys, value.Str(e.Key.Value)+value.Str(e.Node.Value))
	}
	if !slices.Equal(keys, []string{"a3", "b2"}) {
		t.Errorf("entries: %v", keys)
	}
}
