package yaql

import (
	"errors"
	"testing"
	"time"
	"unicode/utf8"

	"cierzo/expr/goldentest"
	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// What an evaluation of a fuzz test may spend, and what that may cost: an item, a step or a character is no more than some
// hundred bytes.
const (
	fuzzBytesMax = 64 << 20
	fuzzTimeMax  = 10 * time.Second // of milliseconds; more is a loop that nobody counts
)

var fuzzLimits = scope.Limits{StepsMax: 5000, ItemsMax: 100_000, DepthMax: 60, OutputMax: 10_000}

// fuzzData is what $ is: something of each type.
const fuzzData = `{"n": 3, "f": 1.5, "s": "some text", "t": true, "z": null, "l": [3, 1, 2], "d": {"a": 1, "b": [1]},
	"r": [{"n": "x", "v": 1, "up": true}, {"n": "y", "v": 2, "up": false}]}`

// FuzzEval looks for texts that panic, don't end or take more than their budget, when they are parsed and when they are
// evaluated; that give another result the second time; that change the data.
func FuzzEval(f *testing.F) {
	data, err := value.ParseJSON([]byte(fuzzData))
	if err != nil {
		f.Fatal(err)
	}
	before := value.Repr(data)
	for _, seed := range []string{
		"", "$", "$.a.b[0]", "f(1,,x => 2)", "'\\N{BULLET}' + `x`", "not $ in [1] and 2 > 1 or null", "let(a => 1) -> $a",
		"{a => [1, 2]}.items()", "regex('(?P<n>a)+?').search(aaa, $)", "datetime('10 Mar 2024 5pm')", "yaml_parse('a: [1')",
		"'{:>{w}}'.format(1, w => 5)", "datetime('2024', '%Y')", "switch(true => 1)", "-1.5e", "$.select($.x).where($).len()",
		"$.r.where($.up).select({n => $.n, v => $.v * 2})", "$.r.groupBy($.up, $.v, $.sum()).toDict($[0], $[1])", "$.d.mergeWith({b => [2]})",
		"$.l.orderBy($).join($.l, $1 = $2, [$1, $2])", "$.s.replace({s => 't'})", "generate(0, $ < 5, $ + 1)", "def(f, f($ - 1)) -> f(9)",
		"'%s %d' % [a, 1]", "timespan(days => 1) * 1000000", "json_parse($.s)", "$.l.accumulate($1 + $2)", "9 * 9.0 / 0",
	} {
		f.Add(seed)
	}
	for _, corpus := range []string{"yaql.jsonl", "yaql_upstream.jsonl"} {
		vectors, _ := goldentest.Read(corpus) // none: then the seeds above
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
			checkKind(t, text, err)
			return
		}
		if e.Source() == "" {
			t.Errorf("%q: nothing was accepted", text)
		}
		first := fuzzEval(t, e, data)
		if second := fuzzEval(t, e, data); second != first {
			t.Errorf("%q gives %s, then %s", text, first, second)
		}
		if value.Repr(data) != before {
			t.Fatalf("%q changed the data", text)
		}
	})
}

// fuzzEval gives the result or the error as text.
func fuzzEval(t *testing.T, e *Expression, data value.Value) (out string) {
	t.Helper()
	env := testEnv(data)
	env.Limits = fuzzLimits
	begin := time.Now()
	bytes := goldentest.Allocated(func() {
		v, err := e.Eval(env)
		if err != nil {
			checkKind(t, e.Source(), err)
			out = err.Error()
			return
		}
		out = value.Repr(v)
	})
	if bytes > fuzzBytesMax {
		t.Errorf("%q took %d bytes", e.Source(), bytes)
	}
	if took := time.Since(begin); took > fuzzTimeMax {
		t.Errorf("%q took %s", e.Source(), took)
	}
	return out
}

func checkKind(t *testing.T, text string, err error) {
	t.Helper()
	var known *Error
	var limit *scope.LimitError
	if !errors.As(err, &known) && !errors.As(err, &limit) {
		t.Errorf("%q: %T %v", text, err, err)
	}
}

// FuzzRegex translates patterns of Python and searches with them: what compiles here compiles in the engine below, or gives
// an error of its own kind; groups are as many as were counted.
func FuzzRegex(f *testing.F) {
	for _, seed := range [][2]string{
		{`(?P<n>a)+?(?P=n)`, "aaa"},
		{`(a+)+$`, "aaaaaaaaaaaaab"},
		{`(?i)[^\W\d_]{2,3}\Z`, "ab1"},
		{`(?<=x)(?!y)z|\1`, "xz"},
		{`(?x) a # c`, "a"},
		{`[\]a-c[:alpha:]-]`, "]"},
		{`\b\w+\b\s*\S`, "two words"},
		{`(?(1)a|b)`, "b"},
		{`\u00e9\x41\101\n`, "éA"},
		{`(?s:.)(?-i:a)`, "\na"},
		{"^$", ""},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 100 || len(text) > 100 || !utf8.ValidString(pattern) || !utf8.ValidString(text) {
			t.Skip()
		}
		e, err := Parse("regex($.p).searchAll($.t, $).len() + len(regex($.p).replace($.t, x)) + len(regex($.p).split($.t))")
		if err != nil {
			t.Fatal(err)
		}
		data := value.NewDict(2)
		data.SetString("p", value.String(pattern))
		data.SetString("t", value.String(text))
		fuzzEval(t, e, data.Freeze())
	})
}
