package jinja

import (
	"testing"

	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// TestPreparedFilters goes the short ways of filters over items, and where they end, against what Python gives.
func TestPreparedFilters(t *testing.T) {
	for _, c := range []struct{ template, want string }{
		{"{{ [1, true, 2]|sum }}", "4"},
		{"{{ [2147483647, 2147483647, 2147483647]|sum }}", "6442450941"},
		{"{{ [9223372036854775807, 1]|sum }}", "9223372036854775808"},
		{"{{ [1, 2.5, 3]|sum }}", "6.5"},
		{"{{ []|sum(start=7) }}", "7"},
		{"{{ [[1, 2], [3]]|map('map', 'string')|map('join')|list }}", "['12', '3']"},
		{"{{ [[[1, 2]], [[3]]]|map('map', 'map', 'string')|map('map', 'list')|map('list')|list }}", "[[['1', '2']], [['3']]]"},
		{"{{ [{'a': {'b': 1}}, {'a': {}}]|map(attribute='a.b', default=0)|list }}", "[1, 0]"},
		{"{{ [[{'u': 1}], [{'u': 0}]]|map('selectattr', 'u')|map('list')|list }}", "[[{'u': 1}], []]"},
		{"{% for g in [{'k': 'B', 'n': 1}, {'k': 'a', 'n': 2}, {'k': 'b', 'n': 3}]|groupby('k') %}{{ g.grouper }}{{ g.list|map(attribute='n')|list }}{% endfor %}", "a[2]B[1, 3]"},
		{"{{ [{'n': 1}, {}]|groupby('n', default=0)|map('first')|list }}", "[0, 1]"},
		{"{{ []|groupby('n') }}", "[]"},
		{"{{ []|map('nothing')|list }}", "[]"},
	} {
		tpl, err := Compile(c.template)
		if err != nil {
			t.Fatal(c.template, err)
		}
		got, err := tpl.Render(&scope.Env{})
		if err != nil || value.Str(got) != c.want {
			t.Errorf("%s: %v %v, want %s", c.template, got, err, c.want)
		}
	}
}

// TestPreparedErrors says that what is wrong with prepared arguments shows when an item is asked for.
func TestPreparedErrors(t *testing.T) {
	for template, want := range map[string]string{
		"{{ [1]|map('nothing')|list }}":                 "No filter named 'nothing'.",
		"{{ [1]|map(attribute='a', other=1)|list }}":    "Unexpected keyword argument 'other'",
		"{{ [[1]]|map('map')|map('list')|list }}":       "map requires a filter argument",
		"{{ [[1]]|map('map', 'no')|map('list')|list }}": "No filter named 'no'.",
		"{{ [1]|selectattr('a', 'nothing')|list }}":     "No test named 'nothing'.",
	} {
		tpl, err := Compile(template)
		if err == nil {
			_, err = tpl.Render(&scope.Env{})
		}
		e, ok := err.(*Error) //nolint:errorlint // Render answers it so
		if !ok || e.Message != want {
			t.Errorf("%s: %v, want %s", template, err, want)
		}
	}
}

// TestStepsAtOnce says that steps taken at once meet the limits that single ones meet.
func TestStepsAtOnce(t *testing.T) {
	asked := 0
	b := scope.NewBudget(scope.Limits{StepsMax: 5000, Expired: func() bool { asked++; return false }})
	for range 1000 {
		if b.Step() != nil {
			t.Fatal("too early")
		}
	}
	if b.Steps(4000) != nil || asked == 0 {
		t.Fatalf("4000 more are allowed, and the clock is looked at: %d times", asked)
	}
	if b.Step() == nil || b.Steps(1) == nil || b.Steps(1<<62) == nil {
		t.Fatal("the limit is met and stays so")
	}
	b = scope.NewBudget(scope.Limits{Expired: func() bool { return true }})
	if b.Steps(1023) != nil || b.Steps(1) == nil {
		t.Fatal("the time is up when the clock is looked at")
	}
}
