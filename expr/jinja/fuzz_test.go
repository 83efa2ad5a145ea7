package jinja

import (
	"errors"
	"testing"
	"time"
	"unicode/utf8"

	"cierzo/expr/goldentest"
	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// What an evaluation of a fuzz test may spend, and what that may cost.
const (
	fuzzBytesMax = 64 << 20
	fuzzTimeMax  = 10 * time.Second // of milliseconds; more is a loop that nobody counts
)

var fuzzLimits = scope.Limits{StepsMax: 20_000, ItemsMax: 200_000, DepthMax: 60}

// FuzzRender gives any text to the compiler and evaluates what compiles: no panic, no hang, no more bytes than the budget
// allows, errors of the known kinds with a place in the text, the same result twice, and the data are as they were.
func FuzzRender(f *testing.F) {
	root, err := value.ParseJSON([]byte(`{"n": 3, "s": "text", "l": [3, 1, 2], "d": {"a": 1, "b": [1]}, "r": [{"n": "x", "v": 1}, {"n": "y", "v": 2}]}`))
	if err != nil {
		f.Fatal(err)
	}
	data := freeze(root).(*value.Dict)
	before := value.Repr(data)
	for _, seed := range []string{
		"{{ _.s|upper }}", "{{ _.l|sort|join(',') }}", "{% for x in _.r recursive %}{{ x.n }}{{ loop.index }}{% else %}{% endfor %}",
		"{% macro m(a, b=1) %}{{ a }}{{ varargs }}{{ caller() }}{% endmacro %}{% call(x) m(1) %}{{ x }}{% endcall %}",
		"{% set ns = namespace(a=1) %}{% set ns.a = 2 %}{{ ns.a }}", "{{ '%5.2f|%-5s' % (1.5, 'a') }}", "{{ '{:>5,.2f}{!r}'.format(1, 'a') }}",
		"{%- if _.n > 2 -%} a {%- elif x %}b{% endif %}", "{% filter indent(2) %}a\nb{% endfilter %}", "{% raw %}{{ x }}{% endraw %}{# c #}",
		"{{ _.l.append(1) }}{{ _.l[::-1] }}{{ _.d.items()|list }}", "{{ 2 ** 100 // 7 % 5 - -1 }}", "{{ _.r|groupby('v')|map('last')|list|tojson(2) }}",
		"{{ json_parse('{\"a\": [1]}').a ~ yaml_dump(_.d) }}", "{% autoescape true %}{{ '<' ~ _.s }}{% endautoescape %}", "{{ _.s is string and _.n is not odd }}",
		"{% with a = 1 %}{% block b scoped %}{{ a }}{{ self.b }}{% endblock %}{% endwith %}", "{{ 'a b-c'|wordwrap(2) }}{{ _.d|pprint }}{{ 'http://a.com'|urlize }}",
	} {
		f.Add(seed)
	}
	vectors, _ := goldentest.Read("jinja.jsonl") // none: then the seeds above
	for _, v := range vectors {
		f.Add(v.Template)
	}
	f.Fuzz(func(t *testing.T, src string) {
		if len(src) > 1000 || !utf8.ValidString(src) {
			t.Skip()
		}
		first := fuzzRender(t, src, data)
		if second := fuzzRender(t, src, data); second != first {
			t.Errorf("%q gives %s, then %s", src, first, second)
		}
		if value.Repr(data) != before {
			t.Fatalf("%q changed the data", src)
		}
	})
}

// fuzzRender gives the results of a template, as a value and as text, or the errors.
func fuzzRender(t *testing.T, src string, data value.Mapping) (out string) {
	t.Helper()
	begin := time.Now()
	bytes := goldentest.Allocated(func() {
		tpl, err := Compile(src)
		if err != nil {
			checkKind(t, src, err)
			out = err.Error()
			return
		}
		env := testEnv(data)
		env.Limits = fuzzLimits
		v, err := tpl.Render(env)
		if checkKind(t, src, err); err != nil {
			out = err.Error()
		} else {
			out = value.Repr(v)
		}
		text, err := tpl.renderText(env)
		if checkKind(t, src, err); err != nil {
			text = err.Error()
		}
		out += "\n" + text
	})
	if bytes > fuzzBytesMax {
		t.Errorf("%q took %d bytes", src, bytes)
	}
	if took := time.Since(begin); took > fuzzTimeMax {
		t.Errorf("%q took %s", src, took)
	}
	return out
}

func checkKind(t *testing.T, src string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	var known *Error
	var limit *scope.LimitError
	switch {
	case errors.As(err, &known):
		if known.Offset < 0 || known.Offset > len(src) {
			t.Errorf("%q: %v at %d, which is outside", src, err, known.Offset)
		}
	case !errors.As(err, &limit):
		t.Errorf("%q: %T %v", src, err, err)
	}
}
