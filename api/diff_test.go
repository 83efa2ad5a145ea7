package api

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestDiff(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ from, to, want string }{
		{"", "", ""},
		{"a\n", "a\n", ""},
		{"", "a\n", "@@ -0,0 +1 @@\n+a\n"},
		{"a\n", "", "@@ -1 +0,0 @@\n-a\n"},
		{"a\nb\nc\n", "a\nx\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n"},
		{"a", "a\n", "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"},
		{"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n", "@@ -7,3 +7,4 @@\n 7\n 8\n 9\n+10\n"},
	} {
		got, err := unifiedDiff(test.from, test.to)
		if err != nil || got != test.want {
			t.Errorf("%q to %q: %v\n%s", test.from, test.to, err, got)
		}
	}
	if _, err := unifiedDiff(strings.Repeat("a\n", 3000), strings.Repeat("b\n", 3000)); err == nil {
		t.Error("a difference without a limit")
	}
}

// TestDiffIsRight applies differences of random texts: to the old text by a dumb twin of patch, and, where there is one,
// compares their length with diff's.
func TestDiffIsRight(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	text := func() string {
		var b strings.Builder
		for range r.IntN(30) {
			fmt.Fprintf(&b, "%d\n", r.IntN(6))
		}
		return b.String()
	}
	for range 500 {
		from, to := text(), text()
		diff, err := unifiedDiff(from, to)
		if err != nil {
			t.Fatal(err)
		}
		if got := patched(t, from, diff); got != to {
			t.Fatalf("%q to %q: the difference\n%s gives %q", from, to, diff, got)
		}
	}
	tool, err := exec.LookPath("diff")
	if err != nil {
		return
	}
	dir := t.TempDir()
	for range 20 {
		from, to := text(), text()
		a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
		for name, s := range map[string]string{a: from, b: to} {
			if err := os.WriteFile(name, []byte(s), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, _ := exec.CommandContext(t.Context(), tool, "-u", "-d", a, b).Output()
		got, err := unifiedDiff(from, to)
		if err != nil {
			t.Fatal(err)
		}
		if changes(got) > changes(string(want)) {
			t.Errorf("%q to %q: longer than diff's\n%s\n%s", from, to, got, want)
		}
	}
}

// changes counts the changed lines of a difference.
func changes(diff string) int {
	n := 0
	for line := range strings.SplitSeq(diff, "\n") {
		if (strings.HasPrefix(line, "+") || strings.HasPrefix(line, "-")) && !strings.HasPrefix(line, "+++") && !strings.HasPrefix(line, "---") {
			n++
		}
	}
	return n
}

// patched applies a difference.
func patched(t *testing.T, from, diff string) string {
	t.Helper()
	lines := strings.SplitAfter(from, "\n")
	var out strings.Builder
	at := 0
	for line := range strings.SplitAfterSeq(diff, "\n") {
		switch {
		case line == "":
		case strings.HasPrefix(line, "@@"):
			place := strings.TrimPrefix(strings.Fields(line)[1], "-")
			first, count, ok := strings.Cut(place, ",")
			n, err := strconv.Atoi(first)
			if err != nil {
				t.Fatal(err)
			}
			if ok && count == "0" {
				n++
			}
			for at < n-1 {
				out.WriteString(lines[at])
				at++
			}
		case line[0] == '+':
			out.WriteString(line[1:])
		case lines[at] != line[1:]:
			t.Fatalf("line %d is %q, the difference says %q", at, lines[at], line)
		case line[0] == ' ':
			out.WriteString(lines[at])
			at++
		default:
			at++
		}
	}
	for ; at < len(lines); at++ {
		out.WriteString(lines[at])
	}
	return out.String()
}
