package yaql

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"cierzo/expr/goldentest"
	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// floor is how much of a corpus must pass, whatever corpus it is.
const floor = 0.995

// TestUpstream replays what yaql's own tests evaluate.
func TestUpstream(t *testing.T) {
	t.Parallel()
	goldentest.Each(t, "yaql_upstream.jsonl", floor, func(v *goldentest.Vector, j *goldentest.Verdict) {
		got, err := evaluate(v, upstreamOptions(v))
		compareOutcome(j, v, v.Error, got, err)
	})
}

// TestMistral replays evaluations by Mistral's evaluator.
func TestMistral(t *testing.T) {
	t.Parallel()
	goldentest.Each(t, "yaql.jsonl", floor, func(v *goldentest.Vector, j *goldentest.Verdict) {
		options := mistralOptions(j, v)
		got, err := evaluate(v, options)
		compareOutcome(j, v, v.Cause, got, err)
		compareValidation(j, v, options)
		compareStored(j, v, got)
		if v.Debian != nil && !strings.HasPrefix(v.Expr, "yaml_parse") { // anchors are texts in all releases
			old := *v.Debian
			old.Expr, old.Data = v.Expr, v.Data
			options.Legacy = true
			got, err := evaluate(&old, options)
			compareOutcome(j, &old, old.Cause, got, err)
		}
	})
}

func upstreamOptions(v *goldentest.Vector) Options {
	options := Options{AllowDelegates: v.Delegates, Lambdas: true}
	for name, setting := range v.Options {
		switch name {
		case "yaql.convertSetsToLists":
			options.SetsToLists = setting.(bool)
		case "yaql.convertTuplesToLists":
			options.KeepTuples = !setting.(bool)
		case "yaql.limitIterators":
			options.LimitIterators = int(setting.(float64))
		case "yaql.memoryQuota":
			options.MemoryQuota = int(setting.(float64))
		}
	}
	return options
}

func mistralOptions(t goldentest.Judge, v *goldentest.Vector) Options {
	t.Helper()
	options := Options{}
	for name, setting := range v.Options {
		switch name {
		case "limit_iterators":
			options.LimitIterators = int(setting.(float64))
			if options.LimitIterators == 0 {
				options.LimitIterators = -1
			}
		case "memory_quota":
			options.MemoryQuota = int(setting.(float64))
		case "convert_input_data":
			options.RawInput = !setting.(bool)
		case "convert_output_data":
			options.RawOutput = !setting.(bool)
		case "convert_tuples_to_lists":
			options.KeepTuples = !setting.(bool)
		case "convert_sets_to_lists":
			options.SetsToLists = setting.(bool)
		case "iterable_dicts":
			options.IterableDicts = setting.(bool)
		case "allow_delegates":
			options.AllowDelegates = setting.(bool)
		case "keyword_operator":
			options.KeywordOperator = setting.(string)
			if options.KeywordOperator == "" {
				options.KeywordOperator = "-"
			}
		default:
			t.Errorf("option %s", name)
		}
	}
	return options
}

func testEnv(data value.Value) *scope.Env {
	seed := uint64(1)
	env := &scope.Env{
		Root: data, Now: time.Date(2026, 11, 23, 8, 45, 30, 315123000, time.UTC),
		Entropy: func() uint64 {
			seed = seed*6364136223846793005 + 1442695040888963407
			return seed ^ seed>>29
		},
	}
	env.Context, _ = data.(value.Mapping)
	return env
}

func evaluate(v *goldentest.Vector, options Options) (value.Value, error) {
	e, err := ParseWith(v.Expr, options)
	if err != nil {
		return nil, err
	}
	var vars []binding
	for name, item := range v.Vars {
		vars = append(vars, binding{name, lazy(item)})
	}
	data := v.Data
	if data == nil {
		data = value.Null{}
	}
	return e.eval(testEnv(lazy(data)), vars)
}

func compareOutcome(t goldentest.Judge, v *goldentest.Vector, class string, got value.Value, err error) {
	t.Helper()
	switch {
	case v.Error == "" && err != nil:
		t.Errorf("%s\n got %v: %v\nwant %s", v.Expr, classOf(err), err, goldentest.Text(v.Result, v.Unordered))
	case v.Error == "":
		if got, want := goldentest.Text(drain(got), v.Unordered), goldentest.Text(v.Result, v.Unordered); got != want {
			t.Errorf("%s\n got %s\nwant %s", v.Expr, got, want)
		}
	case err == nil:
		t.Errorf("%s\n got %s\nwant %s: %s", v.Expr, goldentest.Text(got, v.Unordered), class, v.Message)
	case classOf(err) != class && class != "":
		t.Errorf("%s\n got %s: %v\nwant %s: %s", v.Expr, classOf(err), err, class, v.Message)
	case strings.Contains(v.Message, "0xADDR"):
	case err.Error() != v.Message:
		t.Errorf("%s: message\n got %s\nwant %s", v.Expr, err, v.Message)
	}
}

// lazy makes an iterator of a generator in the data.
func lazy(v value.Value) value.Value {
	if items, ok := v.(*goldentest.Items); ok {
		return &iterator{next: sliceSource(items.List)}
	}
	return v
}

// drain makes of an unconverted result what the corpus shows of it.
func drain(v value.Value) value.Value {
	if c, ok := v.(*view); ok {
		items := c.list()
		for i, item := range items {
			if pair, ok := item.(*value.Tuple); ok {
				if inner, ok := tuple(pair.At(1)); ok {
					items[i] = value.NewTuple([]value.Value{pair.At(0), value.NewTuple(inner)})
				}
			}
		}
		return &goldentest.Items{Form: "view", List: items}
	}
	return v
}

func compareValidation(t goldentest.Judge, v *goldentest.Vector, options Options) {
	t.Helper()
	_, err := ParseWith(v.Expr, options)
	got := "ok"
	if err != nil {
		got = classGrammar
	}
	if v.Validate != "" && got != v.Validate {
		t.Errorf("%s: validation gives %s (%v), want %s", v.Expr, got, err, v.Validate)
	}
}

var dateText = regexp.MustCompile(`"\d{4}-\d\d-\d\d"`)

func compareStored(t *goldentest.Verdict, v *goldentest.Vector, got value.Value) {
	t.Helper()
	if got == nil || v.Stored == nil && v.StoredError == nil {
		return
	}
	data, err := value.AppendJSON(nil, got)
	switch {
	case v.StoredError != nil && strings.Contains(goldentest.Text(got, false), "date "):
		if err != nil || !dateText.Match(data) {
			t.Errorf("%s: stored as %s, %v, want the date as text", v.Expr, data, err)
		}
		t.Better = `dates of YAML are stored as texts; Mistral fails ("Circular reference detected")`
	case v.StoredError != nil && err == nil:
		t.Errorf("%s: stored as %s, want %s", v.Expr, data, *v.StoredError)
	case v.Stored != nil && err != nil:
		t.Errorf("%s: not stored: %v, want %s", v.Expr, err, *v.Stored)
	case v.Stored != nil:
		a, err1 := value.ParseJSON(data)
		b, err2 := value.ParseJSON([]byte(*v.Stored))
		if err := errors.Join(err1, err2); err != nil && string(data) != *v.Stored {
			t.Errorf("%s: stored as %s: %v", v.Expr, data, err)
			return
		}
		unordered := got.Kind() == value.KindSet
		if fmt.Sprint(a) != "<nil>" && goldentest.Text(a, unordered) != goldentest.Text(b, unordered) {
			t.Errorf("%s: stored as %s, want %s", v.Expr, data, *v.Stored)
		}
	}
}
