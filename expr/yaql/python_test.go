package yaql

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"

	"cierzo/expr/value"
)

// TestPython compares with what Python 3.11, dateutil 2.9 and PyYAML 6.0 answered to the same: dates in any form, strftime
// and strptime, patterns and their errors, format(), numbers, YAML and JSON. testdata/python.jsonl holds a sample; a line
// has an expression, its data, and Python's repr or the class and text of its error.
func TestPython(t *testing.T) {
	t.Parallel()
	f, err := os.Open("testdata/python.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	count := 0
	for lines.Scan() {
		var c struct {
			Expr, Want string
			Data       json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		data, err := value.ParseJSON(c.Data)
		if err != nil {
			t.Fatal(err)
		}
		e, err := ParseWith(c.Expr, Options{Legacy: true})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if v, err := e.Eval(testEnv(data)); err != nil {
			got = classOf(err) + ": " + err.Error()
		} else {
			got = "= " + value.Repr(v)
		}
		if got != c.Want {
			t.Errorf("%s of %s\n got %s\nwant %s", c.Expr, c.Data, got, c.Want)
		}
		count++
	}
	if lines.Err() != nil || count < 1000 {
		t.Fatalf("%d lines, %v", count, lines.Err())
	}
}
