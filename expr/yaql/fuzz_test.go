package yaql

import (
	"testing"
	"time"
	"unicode/utf8"

	"cierzo/expr/goldentest"
	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// FuzzParse looks for texts that panic or don't end, when they are parsed and when they are evaluated with little to spend.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "$", "$.a.b[0]", "f(1,,x => 2)", "'\\N{BULLET}' + `x`", "not $ in [1] and 2 > 1 or null", "let(a => 1) -> $a",
		"{a => [1, 2]}.items()", "regex('(?P<n>a)+?').search(aaa, $)", "datetime('10 Mar 2024 5pm')", "yaml_parse('a: [1')",
		"'{:>{w}}'.format(1, w => 5)", "datetime('2024', '%Y')", "switch(true => 1)", "-1.5e", "$.select($.x).where($).len()",
	} {
		f.Add(seed)
	}
	if vectors, err := loadSeeds(f); err == nil {
		for _, v := range vectors {
			f.Add(v.Expr)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 500 || !utf8.ValidString(text) {
			t.Skip()
		}
		e, err := ParseWith(text, Options{AllowDelegates: true, Lambdas: true, Legacy: true})
		if err != nil {
			return
		}
		if e.Source() == "" {
			t.Errorf("%q: nothing was accepted", text)
		}
		env := testEnv(value.String("data"))
		begin := time.Now()
		env.Limits = scope.Limits{StepsMax: 5000, ItemsMax: 100_000, DepthMax: 60, OutputMax: 10_000}
		_, _ = e.Eval(env)
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("%q took %s", text, took)
		}
	})
}

// loadSeeds gives recorded expressions where there are any; a fuzz test without them is a test still.
func loadSeeds(f *testing.F) (vectors []goldentest.Vector, err error) {
	f.Helper()
	return goldentest.Read("yaql.jsonl")
}
