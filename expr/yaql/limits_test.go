package yaql

import (
	"errors"
	"strings"
	"testing"
	"time"

	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// TestLimits runs what would take a machine's memory or years; each ends soon with the limit that it met.
func TestLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ expr, limit string }{
		{"'x' * 1000000000", "items"},
		{"'x' * pow(10, 100)", "items"},
		{"[1, 2] * 1000000000", "items"},
		{"[1, 2] * pow(10, 100)", "items"},
		{"1000000000 * 'x'", "items"},
		{"range(1000000000000).len()", "steps"},
		{"range(1000000000000)", "output|items|steps"},
		{"range(pow(10, 40)).toList()", "items|steps"},
		{"sequence()", "steps|output"},
		{"sequence().len()", "steps"},
		{"sequence().where($ < 0).first()", "steps"},
		{"1.repeat()", "steps|output"},
		{"[1].cycle().count()", "steps"},
		{"generate(0, true, $ + 1).last()", "steps"},
		{"generateMany(1, [$, $]).len()", "items|steps"},
		{"generateMany(1, [$, $], depthFirst => true).len()", "items|steps"},
		{"set(sequence())", "items|steps"},
		{"list(sequence())", "items|steps"},
		{"','.join(sequence())", "items|steps"},
		{"('x' * 1000).replace(x, 'y' * 1000000)", "items"},
		{"('x' * 1000).replace('', 'y' * 1000000)", "items"},
		{"regex(x).replace('x' * 1000, 'y' * 1000000)", "items"},
		{"(',' * 1000).split(',').join('y' * 1000000)", "items"},
		{"range(30).aggregate($1 + $1, 'abc')", "items"},
		{"range(40).aggregate($1 + $1, [1])", "items"},
		{"pow(10, pow(10, 9))", "bits of an integer"},
		{"pow(7, 10000000)", "bits of an integer"},
		{"shiftBitsLeft(1, 1000000000000)", "bits of an integer"},
		{"range(40).aggregate($1 * $1, 12345678901)", "bits of an integer"},
		{"str(range(60).aggregate([$1, $1], 0))", "items"},
		{"range(60).aggregate([$1, $1], 0) = range(60).aggregate([$1, $1], 0)", "items"},
		{"set(range(60).aggregate([$1, $1], 0))", "items"},
		{"json_dump(range(60).aggregate([$1, $1], 0))", "items|steps"},
		{"yaml_dump(range(60).aggregate([$1, $1], 0))", "items"},
		{"range(60).aggregate([$1, $1], 0)", "output"},
		{"range(60).aggregate({a => $1, b => $1}, 0)", "output"},
		{"let(s => 'a' * 1000000) -> range(99999).select(len($s)).sum()", "steps"},
		{"let(s => 'a' * 1000000) -> range(99999).select($s.indexOf(b)).sum()", "steps"},
		{"def(f, f($)) -> f(1)", "depth"},
		{"range(100000).aggregate($1.select($), [1]).first()", "depth"},
		{"range(3000000).aggregate($1.concat([$2]), []).last()", "depth|steps"},
	} {
		t.Run(c.expr, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			_, err := run1(c.expr, scope.Limits{StepsMax: 500_000, ItemsMax: 2_000_000, OutputMax: 2_000_000})
			var limit *scope.LimitError
			if !errors.As(err, &limit) || !strings.Contains("|"+c.limit+"|", "|"+limit.Limit+"|") {
				t.Errorf("got %v, want the limit of %s", err, c.limit)
			}
			if took := time.Since(begin); took > 20*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

// TestDeepValues are nested so deep that Python's recursion would end, and Go's stack must not.
func TestDeepValues(t *testing.T) {
	t.Parallel()
	deep := "range(100000).aggregate([$1], 0)"
	for _, text := range []string{
		deep, "str(" + deep + ")", deep + " = " + deep, "set(" + deep + ")", "json_dump(" + deep + ")", "yaml_dump(" + deep + ")",
		"{" + deep + " => 1}", deep + ".nope()", "[" + deep + "].distinct()", "[0].groupBy(" + deep + ")",
		"range(100000).aggregate({a => $1}, 0).mergeWith(range(100000).aggregate({a => $1}, 0))",
	} {
		if _, err := run1(text, scope.Limits{}); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
}

// TestSmallLimits sets each limit to little.
func TestSmallLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		expr   string
		limits scope.Limits
		want   string
	}{
		{"range(100).count()", scope.Limits{StepsMax: 50}, "expression exceeds its limit of 50 steps"},
		{"range(100).toList()", scope.Limits{ItemsMax: 50}, "expression exceeds its limit of 50 items"},
		{"[[1, 2], [3, 4]]", scope.Limits{OutputMax: 3}, "expression exceeds its limit of 3 output"},
		{"'abcdef'", scope.Limits{OutputMax: 3}, "expression exceeds its limit of 3 output"},
		{"str(str(str(str(1))))", scope.Limits{DepthMax: 3}, "expression exceeds its limit of 3 depth"},
		{"range(100000).count()", scope.Limits{Expired: func() bool { return true }}, "expression exceeds its limit of time"},
		{"regex('a*b').search(aaaa)", scope.Limits{Expired: func() bool { return true }}, "expression exceeds its limit of time"},
	} {
		if _, err := run1(c.expr, c.limits); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.expr, err, c.want)
		}
	}
}

// TestSlowPattern backtracks for ever in Python too.
func TestSlowPattern(t *testing.T) {
	t.Parallel()
	_, err := run1("regex('(a+)+$').search('a' * 40 + 'b')", scope.Limits{})
	var limit *scope.LimitError
	if !errors.As(err, &limit) || limit.Limit != "time" {
		t.Errorf("got %v, want the limit of time", err)
	}
}

func run1(text string, limits scope.Limits) (value.Value, error) {
	e, err := Parse(text)
	if err != nil {
		return nil, err
	}
	env := testEnv(value.NewDict(0).Freeze())
	env.Limits = limits
	return e.Eval(env)
}
