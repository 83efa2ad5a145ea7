package jinja

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// rendered reads testdata/rendered.jsonl: the data, then templates with the text or the error that Jinja2 3.1 gives on
// Python 3.11 in a sandbox with Mistral's settings.
func rendered(t *testing.T) (value.Mapping, []renderedCase) {
	t.Helper()
	content, err := os.ReadFile("testdata/rendered.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(content))
	lines.Buffer(nil, 1<<20)
	var data struct{ Data json.RawMessage }
	lines.Scan()
	if err := json.Unmarshal(lines.Bytes(), &data); err != nil {
		t.Fatal(err)
	}
	root, err := value.ParseJSON(data.Data)
	if err != nil {
		t.Fatal(err)
	}
	var cases []renderedCase
	for lines.Scan() {
		var c renderedCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	return freeze(root).(*value.Dict), cases
}

type renderedCase struct {
	Template string
	Text     *string
	Error    string
	Message  string
}

// freeze forbids changes of all dicts in a value, as the engine does with its data.
func freeze(v value.Value) value.Value {
	switch v := v.(type) {
	case *value.List:
		for _, item := range v.Items() {
			freeze(item)
		}
	case *value.Dict:
		for _, item := range v.All() {
			freeze(item)
		}
		v.Freeze()
	}
	return v
}

func testEnv(data value.Mapping) *scope.Env {
	seed := uint64(1)
	return &scope.Env{Context: data, Entropy: func() uint64 {
		seed = seed*6364136223846793005 + 1442695040888963407
		return seed ^ seed>>29
	}}
}

func TestRendered(t *testing.T) {
	t.Parallel()
	data, cases := rendered(t)
	before := value.Repr(data)
	for _, c := range cases {
		got, err := renderCase(c.Template, data)
		var e *Error
		switch {
		case c.Text != nil && (err != nil || got != *c.Text):
			t.Errorf("%s\n got %q, %v\nwant %q", c.Template, got, err, *c.Text)
		case c.Text == nil && (!errors.As(err, &e) || e.Class != c.Error || e.Message != c.Message):
			t.Errorf("%s\n got %q, %v\nwant %s: %s", c.Template, got, err, c.Error, c.Message)
		}
		if value.Repr(data) != before {
			t.Fatalf("%s changed the data", c.Template)
		}
	}
}

func renderCase(template string, data value.Mapping) (string, error) {
	tpl, err := Compile(template)
	if err != nil {
		return "", err
	}
	return tpl.renderText(testEnv(data))
}
