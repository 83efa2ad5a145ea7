package jinja

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// TestLimits sees to it that what would take all memory or time is stopped by the default limits before it does.
func TestLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ limit, template string }{
		{"items", "{{ 'x' * 10**9 }}"},
		{"items", "{{ 10**9 * 'x' }}!"},
		{"items", "{{ [0] * 10**9 }}"},
		{"items", "{{ (1, 2) * 10**18 }}"},
		{"items", "{{ 10 ** (10 ** 10) }}"},
		{"items", "{{ 2 ** 999999999999 }}"},
		{"items", "{{ 'x'|center(10**9) }}"},
		{"items", "{{ 'x'.ljust(10**12) }}"},
		{"items", "{{ '5'.zfill(10**9) }}"},
		{"items", "{{ '%999999999d' % 1 }}"},
		{"items", "{{ '%*d' % (10**9, 1) }}"},
		{"items", "{{ '%.999999999f' % 1.5 }}"},
		{"items", "{{ '{:>999999999}'.format(1) }}"},
		{"items", "{{ '{:0999999999,}'.format(1) }}"},
		{"items", "{{ '{:.999999999f}'.format(1.5) }}"},
		{"items", "{{ 'a\\tb'.expandtabs(10**10) }}"},
		{"items", "{{ (1).to_bytes(10**9, 'big') }}"},
		{"items", "{{ ('a' * 10**6).replace('', 'b' * 10**6) }}"},
		{"items", "{{ ('a ' * 10**6)|replace('a', 'b' * 100) }}"},
		{"items", "{{ ('x' * 10**6).join('y' * 10**4) }}"},
		{"items", "{{ 'a\\nb'|indent(10**10) }}"},
		{"items", "{{ ('a\\n' * 10**5)|indent('b' * 10**5) }}"},
		{"items", "{{ ('a ' * 10**5)|wordwrap(1, wrapstring='x' * 10**4) }}"},
		{"items", "{{ [1]|batch(10**10, 0)|list }}"},
		{"items", "{{ [1]|slice(10**10)|list }}"},
		{"items", "{{ [1]|tojson(10**10) }}"},
		{"items", "{{ lipsum(n=10**9, min=5000, max=5001) }}"},
		{"items", "{% set ns = namespace(s='x') %}{% for i in range(64) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}"},
		{"items", "{% set ns = namespace(l=[1]) %}{% for i in range(64) %}{% set ns.l = ns.l + ns.l %}{% endfor %}{{ ns.l }}"},
		{"steps", "{% set ns = namespace(n=7) %}{% for i in range(64) %}{% set ns.n = ns.n * ns.n %}{% endfor %}{{ ns.n }}"},
		{"steps", "{% set l = [1] %}{% for i in range(64) %}{{ l.extend(l) }}{% endfor %}{{ l }}"},
		{"steps", "{% set l = [1] %}{% for i in l %}{{ l.append(i) or '' }}{% endfor %}"},
		{"steps", "{% set s = 'x' * 10**6 %}{% for i in range(99999) %}{% set y = s[i] %}{% endfor %}"},
		{"steps", "{% set s = 'x' * 10**6 %}{% for i in range(99999) %}{% set y = 'y' in s or s.find('y') %}{% endfor %}"},
		{"steps", "{% set n = 10 ** (10**6) %}{% for i in range(9999) %}{% set d = {n: i} %}{% endfor %}"},
		{"steps", "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}"},
		{"steps", "{{ range(99999)|map('string')|select('in', range(99999)|map('string')|list)|list }}"},
		{"steps", "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}"},
		{"steps", "{% set ns = namespace(l=[]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l == ns.l|list }}"},
		{"depth", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"},
		{"depth", "{% macro f() %}{{ caller is defined }}{% call f() %}{% endcall %}{% endmacro %}{{ f() }}"},
		{"depth", "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}"},
		{"depth", "{% block b %}{{ self.b() }}{% endblock %}"},
		{"depth", "{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}"},
		{"depth", "{% set ns = namespace(l=()) %}{% for i in range(9999) %}{% set ns.l = (ns.l,) %}{% endfor %}{{ {ns.l: 1} }}"},
		{"depth", "{% set ns = namespace(a=[], b=[]) %}{% for i in range(9999) %}{% set ns.a = [ns.a] %}{% set ns.b = [ns.b] %}{% endfor %}{{ ns.a == ns.b }}"},
	} {
		t.Run(c.template, func(t *testing.T) {
			t.Parallel()
			limits := scope.Limits{}
			if c.limit == "steps" {
				limits.StepsMax = 500_000 // the default is reached too, but in seconds
			}
			checkLimit(t, c.template, limits, c.limit)
		})
	}
}

func checkLimit(t *testing.T, template string, limits scope.Limits, want string) {
	t.Helper()
	tpl, err := Compile(template)
	if err != nil {
		t.Fatal(err)
	}
	env := testEnv(nil)
	env.Limits = limits
	_, err = tpl.Render(env)
	var limit *scope.LimitError
	if !errors.As(err, &limit) || limit.Limit != want {
		t.Errorf("%v, want the limit of %s", err, want)
	}
}

// TestLongTexts sees to it that work grows with the length of a text, not with its square.
func TestLongTexts(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]int{
		"{{ ('ab ' * 10**5)|wordwrap(1) }}!":           400_000,
		"{{ ('a' * 10**5)|wordwrap(1) }}!":             200_000,
		"{{ ('a-' * 10**5)|wordwrap(7) }}!":            233_333,
		"{{ ('a b' * 10**5)|pprint|length }}!":         8,
		"{{ ('<b>x</b>' * 10**5)|striptags }}!":        100_001,
		"{{ ('a@b.co ' * 10**4)|urlize|length }}!":     7,
		"{{ ('x ' * 10**5).rsplit(none, 5)|length }}!": 2,
	} {
		got, err := renderCase(template, value.NewDict(0))
		if err != nil || len(got) < want/2 || len(got) > 2*want {
			t.Errorf("%s: %d characters, %v, want about %d", template, len(got), err, want)
		}
	}
}

// TestSmallLimits sets each limit by itself.
func TestSmallLimits(t *testing.T) {
	t.Parallel()
	asked := 0
	expired := func() bool { asked++; return true }
	for _, c := range []struct {
		limit, template string
		limits          scope.Limits
	}{
		{"steps", "{{ range(100)|list }}", scope.Limits{StepsMax: 50}},
		{"items", "{% set x = 'abc' %}{{ x * 10 }}", scope.Limits{ItemsMax: 20}},
		{"depth", "{% macro f(n) %}{{ f(n - 1) if n }}{% endmacro %}{{ f(9) }}", scope.Limits{DepthMax: 5}},
		{"output", "{{ 'abc' * 10 }}!", scope.Limits{OutputMax: 20}},
		{"output", "{{ ['abc'] * 10 }}", scope.Limits{OutputMax: 20}},
		{"output", "{{ {'a': 'abc' * 10} }}", scope.Limits{OutputMax: 20}},
		{"time", "{% for i in range(9999) %}{% endfor %}", scope.Limits{Expired: expired}},
	} {
		checkLimit(t, c.template, c.limits, c.limit)
	}
	if asked == 0 {
		t.Error("nobody looked at the clock")
	}
}

// TestNesting bounds what the parser builds: an evaluation walks it by recursion.
func TestNesting(t *testing.T) {
	t.Parallel()
	deep := 100_000
	for name, template := range map[string]string{
		"brackets":  "{{ " + strings.Repeat("(", deep) + "1" + strings.Repeat(")", deep) + " }}",
		"lists":     "{{ " + strings.Repeat("[", deep) + strings.Repeat("]", deep) + " }}",
		"not":       "{{ " + strings.Repeat("not ", deep) + "1 }}",
		"minus":     "{{ " + strings.Repeat("-", deep) + "1 }}",
		"sum":       "{{ 1" + strings.Repeat("+1", deep) + " }}",
		"filters":   "{{ 1" + strings.Repeat("|abs", deep) + " }}",
		"attribute": "{{ _" + strings.Repeat(".a", deep) + " }}",
		"calls":     "{{ _" + strings.Repeat("()", deep) + " }}",
		"ternary":   "{{ " + strings.Repeat("1 if 1 else ", deep) + "1 }}",
		"blocks":    strings.Repeat("{% if 1 %}", deep) + "{{ 1 }}" + strings.Repeat("{% endif %}", deep),
	} {
		_, err := Compile(template)
		var e *Error
		if !errors.As(err, &e) || e.Class != "RecursionError" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSyntaxErrorsHavePlaces points at the mistakes.
func TestSyntaxErrorsHavePlaces(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		template     string
		line, offset int
	}{
		{"{{ 1 + }}", 1, 7},
		{"abc\n{{ @ }}", 2, 7},
		{"abc\r\n{{ @ }}", 2, 8},
		{"{{ 1 }}\n\n{% nope %}", 3, 12},
		{"{% if 1 %}\n{{ 1 }}", 2, 18},
		{"{{ ü | }}", 1, 8},
		{"{{ 'a\n' b }}", 2, 8},
	} {
		_, err := Compile(c.template)
		var e *Error
		if !errors.As(err, &e) || e.Line != c.line || e.Offset != c.offset {
			t.Errorf("%q: %v at %+v, want line %d, offset %d", c.template, err, e, c.line, c.offset)
		}
	}
}

// TestDataStayFrozen changes data in ways that the source shows and in ways that it doesn't.
func TestDataStayFrozen(t *testing.T) {
	t.Parallel()
	root, err := value.ParseJSON([]byte(`{"l": [1], "d": {"a": [2]}, "name": "append"}`))
	if err != nil {
		t.Fatal(err)
	}
	data := freeze(root).(*value.Dict)
	for template, want := range map[string]string{
		"{{ _.l.append(2) }}{{ _.l }}":                               "None[1, 2]",
		"{{ _.d.a.append(2) }}{{ _.d }}":                             "None{'a': [2, 2]}",
		"{{ _.d.update({'b': 1}) }}{{ _ }}":                          "None{'l': [1], 'd': {'a': [2], 'b': 1}, 'name': 'append'}",
		"{{ (_.l|attr('append'))(3) }}{{ _.l }}":                     "None[1, 3]",
		"{{ (_.l|attr(_.name))(3) }}{{ _.l }}":                       "None[1, 3]",
		"{{ _.l[_.name](3) }}{{ _.l }}":                              "None[1, 3]",
		"{{ ([_.l]|map(attribute=_.name)|first)(4) }}{{ _.l }}":      "None[1, 4]",
		"{% set x = _.l %}{{ x.append(5) }}{{ _.l }}":                "None[1, 5]",
		"{% set x = [] %}{{ x.append(x) }}":                          "",
		"{% set x = {} %}{{ x.update(a=[x]) }}":                      "",
		"{% set x = namespace() %}{% set x.y = [x] %}":               "",
		"{% for x in _.l %}{{ _.d.pop('a') }}{% endfor %}{{ _.d }}":  "[2]{}",
		"{{ _.l.sort(reverse=true) }}{{ _.l.clear() }}{{ _.l }}":     "NoneNone[]",
		"{{ _.l.insert(0, 0) }}{{ _.l.reverse() }}{{ _.l.pop() }}":   "NoneNone0",
		"{{ _.d.setdefault('z', []).append(1) }}{{ _.d.popitem() }}": "None('z', [1])",
	} {
		got, err := renderCase(template, data)
		var e *Error
		if want == "" && (!errors.As(err, &e) || e.Message != "Circular reference detected") || want != "" && (err != nil || got != want) {
			t.Errorf("%s\n got %q, %v\nwant %q", template, got, err, want)
		}
	}
	if got, want := value.Repr(data), "{'l': [1], 'd': {'a': [2]}, 'name': 'append'}"; got != want {
		t.Errorf("the data are %s, want %s", got, want)
	}
}

// TestMistralFunctions asks a fake of the engine.
func TestMistralFunctions(t *testing.T) {
	t.Parallel()
	env := testEnv(value.NewDict(0))
	env.Functions = fakeEngine{}
	for template, want := range map[string]string{
		"{{ task().name }}":                                 "current",
		"{{ task('t').name }}":                              "t",
		"{{ task(task_name='t').name }}":                    "t",
		"{{ task(none).name }}":                             "current",
		"{{ tasks('w', true, 'ERROR', flat=true) }}":        "w true ERROR true",
		"{{ tasks(recursive=true) }}":                       " true  false",
		"{{ execution().id }}":                              "e",
		"{{ executions(state='PAUSED', id='x') }}":          "x PAUSED 0",
		"{{ executions(from_time='2026-01-02 03:04:05') }}": "  2026",
		"{{ env().region }}":                                "eu",
		"{{ global('g') }}":                                 "g!",
		"{{ _|global('g') }}":                               "g!",
		"{{ uuid()|length }}":                               "36",
		"{{ uuid()[14] }}":                                  "4",
		"{% set t = task().tags %}{{ t.append(2) }}{{ t }}": "None[1, 2]",
	} {
		tpl, err := Compile(template)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tpl.Render(env)
		if err != nil || value.Str(got) != want {
			t.Errorf("%s\n got %v, %v\nwant %s", template, got, err, want)
		}
	}
}

type fakeEngine struct{}

func named(name string) value.Value {
	d := value.NewDict(2)
	d.SetString("name", value.String(name))
	d.SetString("id", value.String("e"))
	d.SetString("region", value.String("eu"))
	d.SetString("tags", value.NewList([]value.Value{value.Int(1)}))
	return d.Freeze()
}

func (fakeEngine) Task(name string, current bool) (value.Value, error) {
	if current {
		name = "current"
	}
	return named(name), nil
}

func (fakeEngine) Tasks(q scope.TasksQuery) (value.Value, error) {
	return value.String(fmt.Sprint(q.WorkflowExecutionID, " ", q.Recursive, " ", q.State, " ", q.Flat)), nil
}

func (fakeEngine) Execution() (value.Value, error) { return named(""), nil }

func (fakeEngine) Executions(q scope.ExecutionsQuery) (value.Value, error) {
	year := q.From.Year()
	if q.From.IsZero() {
		year = 0
	}
	return value.String(fmt.Sprint(q.ID, " ", q.State, " ", year)), nil
}

func (fakeEngine) Env() (value.Value, error) { return named(""), nil }

func (fakeEngine) Global(name string) (value.Value, error) { return value.String(name + "!"), nil }
