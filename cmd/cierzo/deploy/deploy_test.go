package deploy

import (
	"strings"
	"testing"
)

const two = `version: '2.0'
# about one
one:
  tasks:
    a: {action: std.noop}

'two':
  description: |
    one: not a workflow
  tasks:
    one: {action: std.echo output="two:"}
`

// TestPart: one workflow is cut out of a text with several, whatever its text says.
func TestPart(t *testing.T) {
	t.Parallel()
	i := &Item{Kind: Workflow, Origin: "x.yaml", Text: []byte(two)}
	for name, want := range map[string]string{"one": "std.noop", "two": `output="two:"`} {
		text, ok := i.part(name)
		if !ok || !strings.Contains(string(text), want) || strings.Contains(string(text), map[string]string{"one": "two", "two": "std.noop"}[name]) {
			t.Errorf("%s: %v\n%s", name, ok, text)
		}
	}
	if text, ok := i.part("three"); ok {
		t.Errorf("what isn't there: %s", text)
	}
	flow := &Item{Kind: Workflow, Origin: "x.yaml", Text: []byte("{version: '2.0', one: {tasks: {a: {action: std.noop}}}, two: {tasks: {a: {action: std.noop}}}}\n")}
	if text, ok := flow.part("two"); ok {
		t.Errorf("a text in one line can't be cut: %s", text)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		two:                                     "workflow one, two",
		"version: '2.0'\na: {base: std.echo}\n": "action a",
		"version: '2.0'\nname: b\nworkflows: {w: {tasks: {a: {action: std.noop}}}}\n": "workbook b",
		"name: e\nvariables: {a: 1}\n":                                          "environment e",
		"name: c\nworkflow_name: w\npattern: '@hourly'\n":                       "cron-trigger c",
		"name: c\nworkflow_name: w\nfirst_execution_time: '2030-01-01 00:00'\n": "cron-trigger c",
		"name: t\nworkflow_name: w\nexchange: x\ntopic: y\nevent: z\n":          "event-trigger t",
		"name: t\nexchange: x\ntopic: y\nevent: z\n":                            "! needs a workflow_name",
		"variables: {a: 1}\n":                                                   "! has no name",
		"name: e\nvariables: {a: 1}\nscpe: public\n":                            `! unknown field "scpe"`,
		"- a\n": "! neither a definition",
		"version: '2.0'\nw: {tasks: {a: {action: std.noop, on-success: b}}}\n": "! 'b' not found",
	} {
		item, err := parse("x.yaml", "", []byte(text))
		refusal, refused := strings.CutPrefix(want, "! ")
		switch {
		case refused && (err == nil || !strings.Contains(err.Error(), refusal)):
			t.Errorf("%s\nerror %v, want %s", text, err, refusal)
		case !refused && err != nil:
			t.Errorf("%s\n%v", text, err)
		case !refused && string(item.Kind)+" "+item.Name() != want:
			t.Errorf("%s\nis %s %s, want %s", text, item.Kind, item.Name(), want)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	items := []Item{
		{Kind: Workbook, Names: []string{"b"}, Origin: "b", Text: []byte(`version: '2.0'
name: b
actions:
  mine: {base: std.echo, base-input: {output: x}}
  odd: {base: nobody.has}
workflows:
  w:
    tasks:
      a: {action: mine}
      b: {action: b.mine}
      c: {workflow: w}
      d: {workflow: <% $.computed %>}
      e: {workflow: elsewhere}
`)},
		{Kind: Workflow, Names: []string{"x"}, Origin: "x", Text: []byte(`version: '2.0'
x:
  tasks:
    a: {action: std.ehco output="x"}
    b: {action: b.mine}
    c: {workflow: b.w}
`)},
	}
	var got []string
	for _, n := range Check(items, Known{Actions: []string{"std.echo"}, Workflows: nil}) {
		if strings.HasPrefix(n.Code, "unknown-") {
			got = append(got, string(n.Kind)+": "+n.Text)
		}
	}
	want := []string{
		"workbook: it uses the action nobody.has, which the target doesn't have",
		"workbook: it uses the workflow elsewhere, which the target doesn't have",
		`workflow: it uses the action std.ehco, which the target doesn't have; did you mean "std.echo"?`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("notes:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
