package conformance

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"cierzo/dsl/yaml"
	"cierzo/expr/goldentest"
	"cierzo/expr/value"
	"cierzo/internal/wait"
)

// definition is a text that a case uploads.
type definition struct {
	kind, namespace, op, text string
}

// scenario is a case: what is uploaded and started, and the steps.
type scenario struct {
	name, area   string
	environments []*value.Dict
	definitions  []definition
	start        *value.Dict // empty: nothing is started
	steps        []step
	noFinalWait  bool
	timeout      time.Duration
	joins        map[string]bool // tasks with a join: of those triggered_by isn't compared
}

// step is one operation of a case.
type step struct {
	op  string
	arg value.Value
}

// readCase reads a case. The server that HTTP actions ask is put in where the case names the recorder's.
func readCase(file, helperURL string) (*scenario, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	host := strings.TrimPrefix(helperURL, "http://")
	root, err := yaml.Load([]byte(strings.ReplaceAll(string(text), helperAddress, host)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	d, ok := root.(*value.Dict)
	if !ok {
		return nil, fmt.Errorf("%s: not a mapping", file)
	}
	c := &scenario{
		name: textOf(d, "name"), area: textOf(d, "area"), start: dictOf(field(d, "start")), noFinalWait: value.Truthy(field(d, "no_final_wait")),
		timeout: secondsOf(field(d, "timeout"), 25*time.Second), joins: map[string]bool{},
	}
	for _, e := range itemsOf(field(d, "environments")) {
		c.environments = append(c.environments, dictOf(e))
	}
	for _, x := range itemsOf(field(d, "definitions")) {
		def := definitionOf(dictOf(x))
		c.definitions = append(c.definitions, def)
		findJoins(def, c.joins)
	}
	for _, x := range itemsOf(field(d, "steps")) {
		for k, v := range dictOf(x).All() {
			c.steps = append(c.steps, step{value.Str(k), v})
		}
	}
	return c, nil
}

func definitionOf(d *value.Dict) definition {
	return definition{textOf(d, "kind"), textOf(d, "namespace"), textOf(d, "op"), textOf(d, "text")}
}

// members are the names in a text, of workflows or actions; of a workbook those of its section.
func members(text, section string) []string {
	root, err := yaml.Load([]byte(text))
	d, ok := root.(*value.Dict)
	if err != nil || !ok {
		return nil
	}
	if section != "" {
		d = dictOf(field(d, section))
	}
	var names []string
	for k := range d.All() {
		if name := value.Str(k); name != "version" {
			names = append(names, name)
		}
	}
	return names
}

func workbookName(text string) string {
	root, err := yaml.Load([]byte(text))
	d, ok := root.(*value.Dict)
	if err != nil || !ok {
		return ""
	}
	return textOf(d, "name")
}

// findJoins names the tasks with a join. As the recorder does, it gives up at the version in front of workflows.
func findJoins(def definition, joins map[string]bool) {
	root, err := yaml.Load([]byte(def.text))
	d, ok := root.(*value.Dict)
	if err != nil || !ok {
		return
	}
	if def.kind == "workbook" {
		d = dictOf(field(d, "workflows"))
	}
	for _, w := range d.All() {
		wf, ok := w.(*value.Dict)
		if !ok {
			return
		}
		for name, t := range dictOf(field(wf, "tasks")).All() {
			if body, ok := t.(*value.Dict); ok && has(body, "join") {
				joins[value.Str(name)] = true
			}
		}
	}
}

func field(d *value.Dict, name string) value.Value {
	if v, ok := d.GetString(name); ok {
		return v
	}
	return value.Null{}
}

func has(d *value.Dict, name string) bool {
	_, ok := d.GetString(name)
	return ok
}

// textOf is a field's text, "" for none.
func textOf(d *value.Dict, name string) string {
	switch v := field(d, name).(type) {
	case value.Null:
		return ""
	default:
		return value.Str(v)
	}
}

// dictOf is a dictionary, an empty one for anything else.
func dictOf(v value.Value) *value.Dict {
	if d, ok := v.(*value.Dict); ok {
		return d
	}
	return value.NewDict(0)
}

func itemsOf(v value.Value) []value.Value {
	if l, ok := v.(*value.List); ok {
		return l.Items()
	}
	return nil
}

func secondsOf(v value.Value, otherwise time.Duration) time.Duration {
	switch v := v.(type) {
	case value.Int:
		return time.Duration(v) * time.Second
	case value.Float:
		return time.Duration(float64(v) * float64(time.Second))
	}
	return otherwise
}

func jsonOf(v value.Value) []byte {
	text, err := value.AppendJSON(nil, v)
	if err != nil {
		return []byte("null")
	}
	return text
}

// classes tell errors apart by their text, in this order.
var classes = []struct {
	name string
	rx   *regexp.Regexp
}{
	{"dsl-schema", regexp.MustCompile(`^Invalid DSL:`)},
	{"yaml-parse", regexp.MustCompile(`^Definition could not be parsed`)},
	{"dsl-version", regexp.MustCompile(`Unsupported DSL version`)},
	{"yaql-grammar", regexp.MustCompile(`(?s)(Parse error: unexpected|Lexical error|Parse error|Unknown function|Unable to resolve).*|^Invalid grammar of YAQL`)},
	{"jinja-grammar", regexp.MustCompile(`(?s)JINJA error|^Invalid grammar of Jinja|unexpected .*|end of print statement`)},
	{"dsl-task-not-found", regexp.MustCompile(`^Task '.*' not found\.`)},
	{"dsl-no-start-task", regexp.MustCompile(`Failed to find start tasks`)},
	{"dsl-join", regexp.MustCompile(`(No|Not enough) inbound tasks for task with 'join`)},
	{"dsl-name-length", regexp.MustCompile(`must not exceed`)},
	{"dsl-with-items", regexp.MustCompile(`with-items`)},
	{"dsl-polymorphic", regexp.MustCompile(`Failed to find a specification class|A specification with polymorphic key`)},
	{"dsl-empty-list", regexp.MustCompile(`At least one item must be in the list`)},
	{"dsl-name-uuid", regexp.MustCompile(`cannot be in the format of UUID`)},
	{"duplicate", regexp.MustCompile(`^Duplicate entry`)},
	{"not-found", regexp.MustCompile(`not found|Failed to find|not exist`)},
	{"invalid-input", regexp.MustCompile(`^Invalid input \[|Invalid input`)},
	{"invalid-state", regexp.MustCompile(`Can't change|[Ii]nvalid (task )?state|Cannot change state|must be in ERROR`)},
	{"not-allowed", regexp.MustCompile(`[Nn]ot allowed|Operation forbidden|Only completed executions`)},
}

func errorClass(text string, status int) string {
	switch status {
	case 404:
		return "not-found"
	case 409:
		return "duplicate"
	}
	for _, c := range classes {
		if c.rx.MatchString(text) {
			return c.name
		}
	}
	return "other"
}

// faultOf is status, class and first line of an answer.
func faultOf(status int, body any) object {
	out := object{"status": number(status)}
	if status < 400 {
		return out
	}
	text, isText := body.(string)
	if o, ok := body.(object); ok {
		text, isText = o["faultstring"].(string)
	}
	if !isText {
		text = dump(body)
	}
	out["error_class"] = errorClass(text, status)
	first, _, _ := strings.Cut(strings.TrimSpace(goldentest.MaskText(text)), "\n")
	out["error"] = first
	return out
}

// until asks again and again, until the answer is there or the time is up.
func until(ctx context.Context, limit time.Duration, done func() (bool, error)) (bool, error) {
	end := time.Now().Add(limit)
	for {
		ok, err := done()
		if ok || err != nil || time.Now().After(end) {
			return ok, err
		}
		if err := wait.For(ctx, 100*time.Millisecond); err != nil {
			return false, err
		}
	}
}
