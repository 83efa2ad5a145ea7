package suggest_test

import (
	"testing"

	"cierzo/internal/suggest"
)

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"name", "name", 0},
		{"name", "nam", 1},
		{"nam", "name", 1},
		{"name", "nime", 1},
		{"kitten", "sitting", 3},
		{"adn", "and", 2},
		{"jürgen", "jurgen", 1}, // one character, two bytes
	} {
		if got := suggest.Distance(tc.a, tc.b, 5); got != tc.want {
			t.Errorf("%q to %q: %d, want %d", tc.a, tc.b, got, tc.want)
		}
		if got := suggest.Distance(tc.b, tc.a, 5); got != tc.want {
			t.Errorf("%q to %q: %d, want %d", tc.b, tc.a, got, tc.want)
		}
	}
	if got := suggest.Distance("a", "a much longer name", 3); got <= 3 {
		t.Errorf("far words are %d apart, want more than 3", got)
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		word  string
		names []string
		most  int
		want  string
		fold  string // with NearestFold
	}{
		{"deply", []string{"delete", "deploy"}, 2, "deploy", "deploy"},
		{"tast", []string{"task", "test"}, 1, "task", "task"}, // as near: the first
		{"deploy", []string{"build", "check"}, 2, "", ""},
		{"adn", []string{"and"}, 1, "", ""},
		{"adn", []string{"and"}, 2, "and", "and"},
		{"PROD", []string{"prod"}, 2, "", "prod"},
		{"Prdo", []string{"prod", "Prod"}, 2, "Prod", "prod"},
		{"same", []string{"sane", "same"}, 1, "same", "same"},
		{"any", nil, 2, "", ""},
	} {
		if got := suggest.Nearest(tc.word, tc.names, tc.most); got != tc.want {
			t.Errorf("nearest to %q of %q: %q, want %q", tc.word, tc.names, got, tc.want)
		}
		if got := suggest.NearestFold(tc.word, tc.names, tc.most); got != tc.fold {
			t.Errorf("nearest to %q of %q in any case: %q, want %q", tc.word, tc.names, got, tc.fold)
		}
	}
}

func TestHint(t *testing.T) {
	t.Parallel()
	if got, want := suggest.Hint("projct", []string{"user", "project"}), `did you mean "project"?`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := suggest.Hint("prjt", []string{"user", "project"}); got != "" {
		t.Errorf("three mistakes: got %q, want no hint", got)
	}
}
