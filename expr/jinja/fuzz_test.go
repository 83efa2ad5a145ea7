package jinja

import (
	"errors"
	"testing"

	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// FuzzRender gives any text to the compiler and evaluates what compiles: no panic, no hang, errors of the known kinds, and
// the data are as they were.
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
	f.Fuzz(func(t *testing.T, src string) {
		tpl, err := Compile(src)
		if err == nil {
			env := testEnv(data)
			env.Limits = scope.Limits{StepsMax: 20_000, ItemsMax: 200_000, DepthMax: 60}
			_, err = tpl.Render(env)
			if _, textErr := tpl.renderText(env); err == nil {
				err = textErr
			}
		}
		var known *Error
		var limit *scope.LimitError
		if err != nil && !errors.As(err, &known) && !errors.As(err, &limit) {
			t.Fatalf("%q: %T %v", src, err, err)
		}
		if value.Repr(data) != before {
			t.Fatalf("%q changed the data", src)
		}
	})
}
