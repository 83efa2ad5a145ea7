//go:build planted

package sim

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"cierzo/internal/planted"
	"cierzo/verify/check"
)

var (
	plantedMax  = flag.Int("sim.planted", 400, "how many seeds a planted bug may take")
	plantedOnly = flag.String("sim.bug", "", "run only this bug")
	plantedPage = flag.String("sim.page", "", "write the table into this page, between its marks")
)

// TestPlanted lets each planted bug in and runs seeds until a checker notices. A bug that none notices is a hole in the
// suite.
func TestPlanted(t *testing.T) {
	var rows []string
	for _, bug := range planted.All() {
		if *plantedOnly != "" && string(bug) != *plantedOnly {
			continue
		}
		planted.Let(bug)
		seed, found := hunt(t)
		planted.Let("")
		if seed == 0 {
			if name, found := replay(t, bug); name != "" {
				row := fmt.Sprintf("| %s | %s | %s |", bug, strings.Join(checkers(found), ", "), name)
				t.Logf("%s %s", row, found[0])
				rows = append(rows, row)
				continue
			}
			t.Errorf("%s: not found in %d seeds", bug, *plantedMax)
			continue
		}
		row := fmt.Sprintf("| %s | %s | %d |", bug, strings.Join(checkers(found), ", "), seed)
		t.Logf("%s %s", row, found[0])
		rows = append(rows, row)
	}
	if *plantedPage != "" && !t.Failed() {
		writeTable(t, *plantedPage, rows)
	}
}

// replay runs the plans of what was found before: some bugs are too rare for a few hundred seeds.
func replay(t *testing.T, bug planted.Bug) (string, []check.Violation) {
	t.Helper()
	planted.Let(bug)
	defer planted.Let("")
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if found := carryOut(t, readPlan(t, file), false).violations; len(found) > 0 {
			return strings.TrimSuffix(filepath.Base(file), ".json"), found
		}
	}
	return "", nil
}

// hunt runs seeds, two at a time, and gives the first one that shows something.
func hunt(t *testing.T) (uint64, []check.Violation) {
	var next, last atomic.Uint64
	last.Store(uint64(*plantedMax))
	var mu sync.Mutex
	var first uint64
	var found []check.Violation
	t.Run("hunt", func(t *testing.T) {
		for range 2 {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for seed := next.Add(1); seed <= last.Load(); seed = next.Add(1) {
					res := carryOut(t, draw(seed), false)
					if len(res.violations) == 0 {
						continue
					}
					last.Store(min(last.Load(), seed))
					mu.Lock()
					if first == 0 || seed < first {
						first, found = seed, res.violations
					}
					mu.Unlock()
				}
			})
		}
	})
	return first, found
}

func checkers(found []check.Violation) []string {
	var out []string
	for _, v := range found {
		if !slices.Contains(out, v.Checker) {
			out = append(out, v.Checker)
		}
	}
	return out
}

// The marks around the table.
const (
	tableBegin = "<!-- planted: written by make planted -->\n"
	tableEnd   = "<!-- planted: end -->\n"
)

func writeTable(t *testing.T, page string, rows []string) {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(data), tableBegin)
	_, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no marks for the table", page)
	}
	table := "| bug | caught by | seeds |\n|---|---|---:|\n" + strings.Join(rows, "\n") + "\n"
	if err := os.WriteFile(page, []byte(before+tableBegin+table+tableEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
