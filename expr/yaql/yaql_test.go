package yaql

import (
	"errors"
	"strings"
	"testing"

	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// behaviours are what the corpora don't show. The data are {l: [1, [2]], d: {k: [1]}, __env: {x: [1]}}. A result is shown
// as Python would, an error as its class and text.
var behaviours = []struct{ expr, want string }{
	// What Python's own functions made stays Python's list: brackets, no key, not equal to a tuple.
	{"str('a b'.split())", "\"['a', 'b']\""},
	{"'a b'.split() = [a, b]", "False"},
	{"set('a b'.split())", "TypeError: unhashable type: 'list'"},
	{"str([1, 2].enumerate().toList())", "'([0, 1], [1, 2])'"},
	{"str([[1], [2]].enumerate().toList())", "'([0, (1,)], [1, (2,)])'"},
	{"str([1, 2].groupBy($ mod 2).toList())", "'((1, [1]), (0, [2]))'"},
	{"[1, 2].insert(9, 3)[9]", "IndexError: list index out of range"},
	{"str([1, 2, 3].slice(2).toList())", "'((1, 2), (3,))'"},
	{"json_parse('[[1], [1]]').distinct()", "TypeError: unhashable type: 'list'"},
	{"[json_parse('[1]')] = [[1]]", "False"},
	{"json_parse('[[1]]') = json_parse('[[1]]')", "True"},
	{"str(env())", "\"{'x': [1]}\""},
	{"str($__env)", "\"{'x': [1]}\""},
	{"str($.get('__env'))", "\"{'x': (1,)}\""},
	{"set([1].toDict($))", "TypeError: unhashable type: 'dict'"},
	// Overloads are chosen by syntax first, so that an argument may never be evaluated.
	{"(1 / 0) - a", "NoMatchingFunctionException: No function \"#operator_-\" matches supplied arguments"},
	{"(1 / 0) + a", "ZeroDivisionError: integer division or modulo by zero"},
	{"(1 / 0) - (a)", "ZeroDivisionError: integer division or modulo by zero"}, // in parentheses it may be anything
	{"(1 / 0)[]", "NoMatchingFunctionException: No function \"#indexer\" matches supplied arguments"},
	{"nope(1 / 0)", "NoFunctionRegisteredException: Unknown function \"nope\""},
	{"1.nope(1 / 0)", "NoMethodRegisteredException: Unknown method \"nope\" for receiver 1"},
	{"null?.'x'", "None"},
	{"1?.'x'", "NoMatchingFunctionException: No function \"#operator_.\" matches supplied arguments"},
	{"call('#operator_+', [1, 2], {})", "3"},
	{"call('#property#year', [datetime(2024, 1, 2)], {})", "2024"},
	{"1.year", "NoMatchingFunctionException: No function \"#property#year\" matches supplied arguments"},
	{"call(len, [], {}, abc)", "3"},
	{"def(snake_case, $ + 1) -> snakeCase(1)", "2"},
	{"def(len, 5) -> len(abc)", "5"},
	{"def(f, $name) -> f(name => 3)", "3"},
	{"def(f, $1 + $2) -> f(1, 2)", "3"},
	{"let(1, x => 2) -> $ + $x", "3"},
	{"[1, 2].unpack('1', b) -> $1 + $b", "3"},
	{"let(f => [1, 2].select($).memorize()) -> [$f.len(), $f.len()]", "[2, 2]"},
	{"let(o => [2, 1].orderBy($)) -> [$o.first(), $o.first()]", "[1, 1]"},
	// Views are sets to operators, but have no methods of sets.
	{"{a => 1}.keys() = set(a)", "True"},
	{"{a => 1}.keys() < set(a, b)", "True"},
	{"{a => 1}.keys().union(set(b))", "AttributeError: 'KeysView' object has no attribute 'union'"},
	{"set(3, 1, 2).toList()", "[1, 2, 3]"},
	// Texts count code points, sizes are paid for, numbers have no bound.
	{"'日本語'.substring(-2, 1)", "'本'"},
	{"pow(2, 100)", "1267650600228229401496703205376"},
	{"-9223372036854775808 - 1", "-9223372036854775809"},
	{"9223372036854775807 + 1", "9223372036854775808"},
	{"-9223372036854775808 / -1", "9223372036854775808"},
	{"range(9223372036854775806, 9223372036854775809)", "[9223372036854775806, 9223372036854775807, 9223372036854775808]"},
	{"str(pow(10, 5000))", "ValueError: Exceeds the limit (4300 digits) for integer string conversion"},
	{"1.0 + pow(10, 400)", "OverflowError: int too large to convert to float"},
	// Python's regular expressions where those of regexp2 differ.
	{"regex('(?P<a>x)(y)').replace(xy, `\\2\\1`)", "'yx'"},
	{"regex('|a').searchAll(a)", "['', 'a', '']"},
	{"regex(`[\\W\\d]`).searchAll('a1 b')", "['1', ' ']"},
	{"regex('a++b').search(aab)", "'aab'"},
	{"regex('a{,2}').search(aaa)", "'aa'"},
	{"regex('(?<n>a)')", "re.error: unknown extension ?<n at position 1"},
	{"regex('(?<=a*)b')", "re.error: look-behind requires fixed-width pattern"},
	{"regex('(?P<n>a)').search(a, $)", "ValueError: not enough values to unpack (expected 2, got 1)"},
	{"str(regex(a, true))", "\"re.compile('a', re.IGNORECASE)\""},
	// Spans are longer than Go's durations.
	{"(datetime(9999, 12, 31) - datetime(1, 1, 1)).days", "3652058.0"},
	{"datetime(9999, 12, 31) + timespan(days => 1)", "OverflowError: date value out of range"},
	{"datetime(1970, 1, 1, offset => timespan(days => 1))", "ValueError: offset must be a timedelta strictly between " +
		"-timedelta(hours=24) and timedelta(hours=24), not datetime.timedelta(days=1)."},
	{"str(now())", "'2026-11-23 08:45:30.315123+00:00'"},
	// Functions about executions have nobody to ask here.
	{"task()", "ValueError: there is no execution to ask task() about"},
	{"coalesce(,1)", "NoMatchingFunctionException: No function \"#finalize\" matches supplied arguments"},
}

func TestBehaviours(t *testing.T) {
	t.Parallel()
	data, err := value.ParseJSON([]byte(`{"l": [1, [2]], "d": {"k": [1]}, "__env": {"x": [1]}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range behaviours {
		got := ""
		e, err := Parse(c.expr)
		var v value.Value
		if err == nil {
			v, err = e.Eval(testEnv(data))
		}
		if err != nil {
			got = classOf(err) + ": " + err.Error()
		} else {
			got = value.Repr(v)
		}
		if got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.expr, got, c.want)
		}
	}
}

// TestLibrary counts what the catalogue of Mistral's YAQL counts: no function is missing, none has a name too many.
func TestLibrary(t *testing.T) {
	t.Parallel()
	overloads := 0
	for name, list := range library {
		for _, ov := range list {
			if ov.form&(formLambdas|formLegacy) != 0 {
				continue
			}
			overloads++
			seen := map[string]bool{}
			for _, p := range ov.params {
				if seen[p.name] {
					t.Errorf("%s has the parameter %s twice", name, p.name)
				}
				seen[p.name] = true
			}
		}
	}
	// The catalogue has 293 with what is no function here: the dots (5 beside host objects), and, or and ->, which are
	// nodes of the program, as variables are (1); the conversion of results (2); and 3 for objects of a host.
	if want := 293 - 14; overloads != want {
		t.Errorf("%d overloads, want %d", overloads, want)
	}
}

// asked answers questions about executions and remembers them.
type asked struct {
	scope.Functions
	questions []string
}

func (a *asked) Task(name string, current bool) (value.Value, error) {
	a.questions = append(a.questions, "task "+name)
	if current {
		return value.NewList([]value.Value{value.Int(1)}), nil
	}
	return value.Null{}, nil
}

func (a *asked) Tasks(q scope.TasksQuery) (value.Value, error) {
	if q.Recursive && q.Flat {
		a.questions = append(a.questions, "tasks "+q.WorkflowExecutionID+" "+q.State)
	}
	return value.NewList(nil), nil
}

func (a *asked) Global(string) (value.Value, error) { return nil, errors.New("the store is away") }

func TestFunctions(t *testing.T) {
	t.Parallel()
	f := &asked{}
	env := testEnv(value.NewDict(0).Freeze())
	env.Functions = f
	for text, want := range map[string]string{
		"str(task())":         "'[1]'",
		"task(taskName => a)": "None",
		"tasks(workflowExecutionId => x, recursive => true, state => SUCCESS, flat => true)": "[]",
	} {
		e, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		v, err := e.Eval(env)
		if err != nil || value.Repr(v) != want {
			t.Errorf("%s: %v, %v", text, v, err)
		}
	}
	if len(f.questions) != 3 || !strings.Contains(strings.Join(f.questions, ","), "tasks x SUCCESS") {
		t.Errorf("asked %q", f.questions)
	}
	e, err := Parse("global(x)")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Eval(env); err == nil || err.Error() != "the store is away" {
		t.Errorf("the error of the store comes back as %v", err)
	}
}

// TestFrozen runs one program in many goroutines; the race detector looks on.
func TestFrozen(t *testing.T) {
	t.Parallel()
	e, err := Parse("range(20).where($ mod 2 = 0).select(str($) =~ '^1').groupBy($).toDict(str($[0]), $[1].len())")
	if err != nil {
		t.Fatal(err)
	}
	for range 8 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			for range 50 {
				v, err := e.Eval(testEnv(value.Int(1)))
				if err != nil || value.Repr(v) != "{'false': 5, 'true': 5}" {
					t.Fatal(v, err)
				}
			}
		})
	}
}

func benchmarkData(b *testing.B) value.Value {
	b.Helper()
	servers := strings.Repeat(`{"name": "web", "ram": 4096, "up": true, "az": "nova"},`, 19) + `{"name": "db", "ram": 1024, "up": false, "az": "edge"}`
	v, err := value.ParseJSON([]byte(`{"count": 3, "name": "deploy", "vm": {"id": "i-1", "meta": {"owner": "alice"}}, "servers": [` + servers + `]}`))
	if err != nil {
		b.Fatal(err)
	}
	return v
}

func BenchmarkEval(b *testing.B) {
	for name, text := range map[string]string{
		"property": "$.vm.meta.owner",
		"compare":  "$.count + 1 > 2 and $.name = deploy",
		"text":     "'VM ' + $.vm.id + ' of ' + $.vm.meta.owner",
		"where":    "$.servers.where($.ram > 2000 and $.up).select({n => $.name, r => $.ram})",
		"groupBy":  "$.servers.groupBy($.az, $.ram, $.sum()).toDict($[0], $[1])",
	} {
		b.Run(name, func(b *testing.B) {
			e, err := Parse(text)
			if err != nil {
				b.Fatal(err)
			}
			env := testEnv(benchmarkData(b))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Eval(env); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("$.servers.where($.ram > 2000 and $.up).select({n => $.name, r => $.ram})"); err != nil {
			b.Fatal(err)
		}
	}
}
