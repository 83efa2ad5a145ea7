package dsl

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cierzo/fault"
)

func TestExamplesAreFlawless(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../examples/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("examples: %d files, %v", len(files), err)
	}
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if _, diags := Parse(f, src); len(diags) > 0 {
			t.Errorf("%s", diags.Render())
		}
	}
}

// manyTasks is a workflow of n tasks in a chain, each with input, publish, retry and two clauses.
func manyTasks(n int) []byte {
	var b strings.Builder
	b.WriteString("version: '2.0'\nbig:\n  tasks:\n")
	for i := range n {
		fmt.Fprintf(&b, "    t%d:\n      action: std.echo output=<%% $.get(x%d) %%>\n      publish:\n        x%d: <%% task().result %%>\n"+
			"      retry: {count: 3, delay: 1}\n      on-error: fail\n      on-success:\n        - t%d: <%% true %%>\n", i, i, i, i+1)
	}
	fmt.Fprintf(&b, "    t%d:\n      action: std.noop\n", n)
	return []byte(b.String())
}

func BenchmarkParse200Tasks(b *testing.B) {
	src := manyTasks(200)
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if _, diags := ParseWorkflows("big.yaml", src); len(diags) > 0 {
			b.Fatal(diags.Render())
		}
	}
}

func TestErrIsInvalid(t *testing.T) {
	t.Parallel()
	_, diags := ParseWorkflows("w.yaml", []byte("version: '2.0'\nw:\n  tasks:\n    t:\n      on-success: nowhere\n"))
	err := diags.Err()
	if !fault.Is(err, fault.Invalid) || err.Error() != "Task 'nowhere' not found." {
		t.Errorf("got %v of kind %v", err, fault.KindOf(err))
	}
	_, diags = ParseWorkflows("w.yaml", []byte("version: '2.0'\nw:\n  colour: red\n  tasks:\n    t:\n      action: std.noop\n"))
	if err := diags.Err(); err != nil || len(diags.Warnings()) != 1 {
		t.Errorf("a warning is no error: %v, %s", err, diags.Render())
	}
}

// TestKinds looks at how Parse tells documents apart.
func TestKinds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"version: '2.0'\nname: wb\nworkflows:\n  w:\n    tasks:\n      t:\n        action: std.noop\nactions:\n  a:\n    base: std.noop\n", "workbook wb 1 1"},
		{"version: '2.0'\na:\n  base: std.noop\nb:\n  base: std.echo output=1\n", "actions 2"},
		{"version: '2.0'\nw:\n  tasks:\n    t:\n      action: std.noop\n", "workflows 1"},
		{"version: '2.0'\nname:\n  tasks:\n    t:\n      action: std.noop\nworkflows:\n  tasks:\n    t:\n      action: std.noop\n", "workflows 2"},
	} {
		doc, diags := Parse("d.yaml", []byte(c.text))
		got := diags.Render()
		switch {
		case doc == nil:
		case doc.Workbook != nil:
			got = fmt.Sprintf("workbook %s %d %d", doc.Workbook.Name, len(doc.Workbook.Workflows), len(doc.Workbook.Actions))
		case doc.Actions != nil:
			got = fmt.Sprintf("actions %d", len(doc.Actions))
		default:
			got = fmt.Sprintf("workflows %d", len(doc.Workflows))
		}
		if got != c.want {
			t.Errorf("%q: %s, want %s", c.text, got, c.want)
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	many.WriteString("version: '2.0'\n")
	for i := range WorkflowsMax + 1 {
		fmt.Fprintf(&many, "w%d: {tasks: {t: {action: a}}}\n", i)
	}
	var tasks strings.Builder
	tasks.WriteString("version: '2.0'\nw:\n  tasks:\n")
	for i := range TasksMax + 1 {
		fmt.Fprintf(&tasks, "    t%d: {action: a}\n", i)
	}
	for _, c := range []struct{ text, want string }{
		{strings.Repeat("x", 50<<20), "Definition could not be parsed: the document has 52428800 bytes, more than the limit of 1048576\n"},
		{many.String(), "more than 1000 definitions in one document"},
		{tasks.String(), "more than 10000 tasks in a workflow"},
	} {
		_, diags := ParseWorkflows("w.yaml", []byte(c.text))
		if got := diags.Mistral(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// TestDraft looks for unknown actions in a document that is refused for something else.
func TestDraft(t *testing.T) {
	t.Parallel()
	src := []byte("version: '2.0'\nw:\n  tasks:\n    a:\n      action: std.ecoh output=1\n      retry: {cuont: 1, delay: 1}\n    b: {action: mine}\n    c: {actoin: x}\nlater: [x]\n")
	if doc, diags := Parse("w.yaml", src); doc != nil || len(diags.Errors()) < 3 {
		t.Fatalf("this should be refused: %s", diags.Render())
	}
	got := Draft("w.yaml", src).UnknownActions("w.yaml", src, []string{"std.echo", "mine"}).Render()
	want := "w.yaml:5:15: warning: action std.ecoh is not known here\n        action: std.ecoh output=1\n                ^~~~~~~~\n  hint: did you mean \"std.echo\"?\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, broken := range []string{"a: [", "", "- x", "version: '2.0'\nname: wb\nworkflows: {w: 1}\nactions: {a: {base: {}}}\n"} {
		if got := Draft("w.yaml", []byte(broken)).UnknownActions("w.yaml", []byte(broken), nil); len(got) > 0 {
			t.Errorf("%q: %s", broken, got.Render())
		}
	}
}
