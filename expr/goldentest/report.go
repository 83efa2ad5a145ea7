package goldentest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// ReportVariable names the environment variable with the folder that reports are written to, a file for each corpus. Unset:
// a report is only logged.
const ReportVariable = "CIERZO_CONFORMANCE"

// Judge is where a judgement of a vector puts what is wrong. *testing.T is one.
type Judge interface {
	Helper()
	Errorf(format string, args ...any)
}

// Verdict gathers what is wrong with one case. It is a Judge.
type Verdict struct {
	faults []string
	// Better says why a case is judged by another answer than the recorded one, which must be a better one. Whoever sets it
	// has compared with the better answer. "": the recorded one counts.
	Better string
}

// Helper is part of Judge.
func (v *Verdict) Helper() {}

// Errorf is part of Judge.
func (v *Verdict) Errorf(format string, args ...any) {
	v.faults = append(v.faults, fmt.Sprintf(format, args...))
}

// Failed reports whether something is wrong.
func (v *Verdict) Failed() bool { return len(v.faults) > 0 }

// Text is what is wrong.
func (v *Verdict) Text() string { return strings.Join(v.faults, "\n") }

// Report counts the cases of a corpus by area.
type Report struct {
	corpus string
	mu     sync.Mutex
	areas  map[string]*tally
	better map[string][]string // by reason: the cases
	failed []string            // "id: what is wrong", a line each
	left   map[string]int      // not run, by reason
}

type tally struct{ passed, total int }

// NewReport is a report of a corpus, such as "jinja". When all of the test's cases are over it is written, and fails the
// test when less than floor of the cases (0…1) passed.
func NewReport(t *testing.T, corpus string, floor float64) *Report {
	r := &Report{corpus: corpus, areas: map[string]*tally{}, better: map[string][]string{}, left: map[string]int{}}
	t.Cleanup(func() { r.finish(t, floor) })
	return r
}

// Add counts a case.
func (r *Report) Add(area, id string, v *Verdict) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.areas[area]
	if a == nil {
		a = &tally{}
		r.areas[area] = a
	}
	a.total++
	if v.Failed() {
		line := strings.Join(strings.Fields(v.Text()), " ")
		r.failed = append(r.failed, fmt.Sprintf("%s: %.400s", id, line))
		return
	}
	a.passed++
	if v.Better != "" {
		r.better[v.Better] = append(r.better[v.Better], id)
	}
}

// Leave notes a case that isn't run.
func (r *Report) Leave(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left[why]++
}

func (r *Report) finish(t *testing.T, floor float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := tally{}
	for _, a := range r.areas {
		all.passed += a.passed
		all.total += a.total
	}
	if all.total == 0 {
		return // no corpus, or none of its cases was asked for
	}
	text := r.text(all)
	t.Log("\n" + text)
	if dir := os.Getenv(ReportVariable); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, r.corpus+".txt"), []byte(text), 0o600); err != nil {
			t.Error(err)
		}
	}
	if float64(all.passed) < floor*float64(all.total) {
		t.Errorf("%s: %d of %d cases pass, fewer than %.1f %%", r.corpus, all.passed, all.total, 100*floor)
	}
}

func (r *Report) text(all tally) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-16s %5d of %5d  %6.2f %%\n", r.corpus, all.passed, all.total, percent(all))
	for _, name := range sorted(r.areas) {
		a := r.areas[name]
		fmt.Fprintf(&b, "    %-24s %5d of %5d\n", name, a.passed, a.total)
	}
	for _, why := range sorted(r.left) {
		fmt.Fprintf(&b, "    not run: %d, %s\n", r.left[why], why)
	}
	for _, why := range sorted(r.better) {
		slices.Sort(r.better[why])
		fmt.Fprintf(&b, "    better answer asserted: %s\n        %s\n", why, strings.Join(r.better[why], " "))
	}
	slices.Sort(r.failed)
	for _, line := range r.failed {
		fmt.Fprintf(&b, "    FAIL %s\n", line)
	}
	return b.String()
}

func percent(t tally) float64 { return 100 * float64(t.passed) / float64(t.total) }

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Each judges every vector of a corpus in a subtest of its own. A vector that makes the judge panic fails, and the others
// are judged all the same.
func Each(t *testing.T, file string, floor float64, judge func(v *Vector, verdict *Verdict)) {
	t.Helper()
	report := NewReport(t, strings.TrimSuffix(file, ".jsonl"), floor)
	for _, v := range Load(t, file) {
		if !v.Portable {
			report.Leave("recorded as not portable")
			continue
		}
		t.Run(v.ID, func(t *testing.T) {
			t.Parallel()
			verdict := &Verdict{}
			defer func() {
				if r := recover(); r != nil {
					verdict.Errorf("panic: %v", r)
				}
				report.Add(v.Area, v.ID, verdict)
				if verdict.Failed() {
					t.Error(verdict.Text())
				}
			}()
			judge(&v, verdict)
		})
	}
}
