package chaos

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cierzo/expr/value"
	"cierzo/verify/check"
	"cierzo/workflow"
)

// incident is a fault that has happened.
type incident struct {
	*trouble
	begun, end time.Time
	owned      map[workflow.ExecutionID]bool // by the engines that were hit; nil: no engine in particular
	runners    []string                      // ids of runners that were hit
}

// since is the moment from which recovery counts.
func (i *incident) since() time.Time {
	if i.from == fromEnd {
		return i.end
	}
	return i.begun
}

// figures are recovery times of all rounds, by fault.
type figures struct {
	mu      sync.Mutex
	of      map[string]*figure
	rounds  int
	all     verdicts
	settled time.Duration // the longest time from the last fault of a round until everything was final
}

func (f *figures) count(v verdicts, settled time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rounds++
	f.all.executions += v.executions
	f.all.attempts += v.attempts
	f.all.runs += v.runs
	f.all.late += v.late
	f.settled = max(f.settled, settled)
}

// summary is what all rounds have seen.
func (f *figures) summary() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fmt.Sprintf("%d rounds, half of them with a cluster on PostgreSQL, half with a node on SQLite; %d executions, %d attempts at actions, %d late results refused, no violation. After a round's last fault everything "+
		"was at its end within %s.\n\n", f.rounds, f.all.executions, f.all.attempts, f.all.late, seconds(f.settled))
}

type figure struct {
	*trouble
	times int // how often it happened
	took  []time.Duration
	lasts []time.Duration
}

// add reads from the histories when what an incident has hit went on.
func (f *figures) add(t *testing.T, i *incident, all map[workflow.ExecutionID]*check.Execution) {
	f.mu.Lock()
	defer f.mu.Unlock()
	g := f.of[i.name]
	if g == nil {
		g = &figure{trouble: i.trouble}
		f.of[i.name] = g
	}
	g.times++
	g.lasts = append(g.lasts, i.end.Sub(i.begun))
	for _, x := range all {
		if x.ParentID == "" && !commanded(x) {
			took := i.took(x)
			g.took = append(g.took, took...)
			if *rounds > 0 && len(took) > 0 && slices.Max(took) > tellBeyond {
				t.Logf("%s: execution %s stood still for %s from %s on:\n%s", i.name, x.ID, seconds(slices.Max(took)), i.since().Format(timeFormat), around(x, i.since()))
			}
		}
	}
}

// tellBeyond is how long something has to stand still to be told of.
const tellBeyond = 9 * time.Second

const timeFormat = "15:04:05.000"

// around is an execution's history shortly before and after a moment.
func around(x *check.Execution, at time.Time) string {
	var b strings.Builder
	for _, h := range x.History {
		if d := h.At.Sub(at); d > -2*time.Second && d < 30*time.Second {
			fmt.Fprintf(&b, "  %s %s %s %s %s %s", h.At.Format(timeFormat), h.Kind, h.Task, h.ActionID, h.State, h.Info)
			if h.Detail != nil {
				b.WriteString(" " + value.Str(h.Detail))
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// commanded reports whether a user has kept the execution from going on, or has set it going again.
func commanded(x *check.Execution) bool {
	return slices.ContainsFunc(x.History, func(h workflow.HistoryEvent) bool { return h.Kind == "command" })
}

// took is how long the execution stood still because of the incident: until its first event, or, if a runner was hit, until
// the first one of each action that the runner had. Nothing if the incident had nothing to do with it.
func (i *incident) took(x *check.Execution) []time.Duration {
	at := i.since()
	if len(i.runners) > 0 {
		return i.tookActions(x, at)
	}
	if i.owned != nil && !i.owned[x.ID] || len(x.History) == 0 || !x.History[0].At.Before(at) {
		return nil
	}
	for _, h := range x.History {
		if h.At.After(at) {
			return []time.Duration{h.At.Sub(at)}
		}
	}
	return nil
}

func (i *incident) tookActions(x *check.Execution, at time.Time) (out []time.Duration) {
	held := map[workflow.ActionID]bool{}
	for _, h := range x.History {
		switch {
		case h.ActionID == "":
		case h.At.After(at):
			if held[h.ActionID] {
				out = append(out, h.At.Sub(at))
				delete(held, h.ActionID)
			}
		case h.Kind == "action.attempt" && h.State == workflow.Running:
			held[h.ActionID] = slices.Contains(i.runners, runnerOf(h))
		case h.State.Final():
			delete(held, h.ActionID)
		}
	}
	return out
}

func runnerOf(h workflow.HistoryEvent) string {
	if d, ok := h.Detail.(*value.Dict); ok {
		if v, ok := d.GetString("runner"); ok {
			return value.Str(v)
		}
	}
	return ""
}

// percentile of sorted times: the smallest that so many of a hundred don't exceed.
func percentile(sorted []time.Duration, p int) time.Duration {
	return sorted[max((len(sorted)*p+99)/100, 1)-1]
}

// table is the recovery times in Markdown, in the order of the list of faults.
func (f *figures) table() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []*figure
	for _, g := range f.of {
		list = append(list, g)
	}
	slices.SortFunc(list, func(a, b *figure) int { return cmp.Compare(a.no, b.no) })
	var b strings.Builder
	b.WriteString("| fault | times | lasts | counted from | what it hit | p50 | p99 | longest |\n|---|---:|---:|---|---:|---:|---:|---:|\n")
	for _, g := range list {
		slices.Sort(g.lasts)
		lasts := "–"
		if g.from == fromEnd || percentile(g.lasts, 50) > time.Second {
			lasts = seconds(percentile(g.lasts, 50))
		}
		fmt.Fprintf(&b, "| %s | %d | %s | %s | ", g.name, g.times, lasts, g.from)
		if g.unmeasured || len(g.took) == 0 {
			b.WriteString("– | – | – | – |\n")
			continue
		}
		slices.Sort(g.took)
		fmt.Fprintf(&b, "%d %s | %s | %s | %s |\n", len(g.took), g.hits, seconds(percentile(g.took, 50)), seconds(percentile(g.took, 99)), seconds(g.took[len(g.took)-1]))
	}
	return b.String()
}

// stored is what a file keeps of figures.
type stored struct {
	Rounds, Executions, Runs, Attempts, Late int
	Settled                                  time.Duration
	Faults                                   map[string]storedFigure // by name
}

type storedFigure struct {
	Times       int
	Took, Lasts []time.Duration
}

// merge adds what a file has kept of other rounds. A file that isn't there has nothing.
func (f *figures) merge(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var s stored
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		t.Fatalf("the figures of %s: %v", file, err)
	}
	f.rounds += s.Rounds
	f.all.executions += s.Executions
	f.all.runs += s.Runs
	f.all.attempts += s.Attempts
	f.all.late += s.Late
	f.settled = max(f.settled, s.Settled)
	for _, k := range slices.Concat(allFaults(), smallFaults()) {
		more, ok := s.Faults[k.name]
		if !ok {
			continue // also a fault that there was once
		}
		g := f.of[k.name]
		if g == nil {
			g = &figure{trouble: k}
			f.of[k.name] = g
		}
		g.times += more.Times
		g.took = append(g.took, more.Took...)
		g.lasts = append(g.lasts, more.Lasts...)
	}
}

// keep writes all figures into a file.
func (f *figures) keep(t *testing.T, file string) {
	t.Helper()
	s := stored{
		Rounds: f.rounds, Executions: f.all.executions, Runs: f.all.runs, Attempts: f.all.attempts, Late: f.all.late, Settled: f.settled,
		Faults: map[string]storedFigure{},
	}
	for name, g := range f.of {
		s.Faults[name] = storedFigure{Times: g.times, Took: g.took, Lasts: g.lasts}
	}
	data, err := json.Marshal(s)
	if err == nil {
		err = os.WriteFile(file, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// The marks around the table.
const (
	tableBegin = "<!-- chaos: written by make chaos -->\n"
	tableEnd   = "<!-- chaos: end -->\n"
)

// writeTable puts a text between the marks of a page.
func writeTable(t *testing.T, page, text string) {
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
	if err := os.WriteFile(page, []byte(before+tableBegin+text+tableEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
