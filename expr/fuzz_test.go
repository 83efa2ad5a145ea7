package expr_test

import (
	"errors"
	"testing"
	"time"
	"unicode/utf8"

	"cierzo/expr"
	"cierzo/expr/goldentest"
	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// FuzzText is about whole texts: what is recognised as an expression, where its error is, and that a text without
// expressions stays as it is.
func FuzzText(f *testing.F) {
	for _, seed := range []string{
		"plain", "<% $.a %>", "a <% $.s %> b <% 1 %>", "{{ _.a }}", "{{ _.a }} <% $.a %>", "<% $\n %>", "<%%>", "<% <% 1 %> %>", "{% if 1 %}{{ 1 }}{% endif %}",
		"%><%", "{{}}", "{{ {'a': {'b': 1}} }}", "<% '%>' %>", "<% ' <% 1 %> ' %><% 1 %>", "{# c #}{{ 1 }}", "\xc3\xa4 <% nope( %>",
	} {
		f.Add(seed)
	}
	vectors, _ := goldentest.Read("inline.jsonl") // none: then the seeds above
	for _, v := range vectors {
		if s, ok := v.Value.(value.String); ok {
			f.Add(string(s))
		}
	}
	data, err := value.ParseJSON([]byte(`{"a": 1, "s": "<% 1 %>", "l": [1, {"x": null}]}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1000 || !utf8.ValidString(text) {
			t.Skip()
		}
		tpl, err := expr.Parse(text)
		lenient := expr.ParseLenient(text)
		if err != nil {
			var refused *expr.SyntaxError
			if !errors.As(err, &refused) || refused.Offset < 0 || refused.Offset > len(text) {
				t.Fatalf("%q: %T %v at an offset outside", text, err, err)
			}
			tpl = lenient
		}
		if v, constant := tpl.Const(); constant && v != value.String(text) {
			t.Errorf("%q is no expression but %s", text, value.Repr(v))
		}
		first := fuzzEval(t, tpl, data)
		if second := fuzzEval(t, lenient, data); first != second {
			t.Errorf("%q gives %s, leniently %s", text, first, second)
		}
	})
}

func fuzzEval(t *testing.T, tpl *expr.Template, data value.Value) string {
	t.Helper()
	env := &expr.Env{Root: data, Context: data.(value.Mapping), Now: time.Unix(1e9, 0).UTC(), Entropy: entropy()}
	env.Limits = expr.Limits{StepsMax: 5000, ItemsMax: 100_000, DepthMax: 60, OutputMax: 100_000}
	var out string
	bytes := goldentest.Allocated(func() {
		v, err := tpl.Eval(env)
		if err == nil {
			out = value.Repr(v)
			return
		}
		var failed *expr.EvaluationError
		var limit *scope.LimitError
		if !errors.As(err, &failed) || failed.CauseClass() == "" && !errors.As(err, &limit) {
			t.Errorf("%q: %T %v", tpl.Source(), err, err)
		}
		out = err.Error()
	})
	if bytes > 64<<20 {
		t.Errorf("%q took %d bytes", tpl.Source(), bytes)
	}
	return out
}
