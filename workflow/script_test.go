package workflow_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/workflow"
)

var rewrite = flag.Bool("rewrite", false, "write what the scripts print into testdata/*.txt; read the diff before you commit it")

// TestScripts runs testdata/*.txt: blocks of a command (with a text below it where the command wants one), a line ----,
// and what it prints, up to an empty line. Every script runs twice, the second time with the execution loaded again from
// its rows before each event: it must print the same.
//
//	workflow|action|workbook   the text below is defined
//	start NAME [input] [params]
//	assign [RUNNER]            gives slots to all that is wanted
//	slot ACTION RUNNER         gives one slot
//	begin ACTION; finish ACTION [json]; fail ACTION [json]; cancelled ACTION; defer ACTION; request ACTION
//	                           a runner's word; attempt=N and runner=R instead of the newest ones
//	complete ACTION STATE [json]
//	child ACTION STATE seq=N [json]; refused ACTION TEXT; acked STATE
//	tick DURATION              lets time pass, then Ticked
//	lost RUNNER; recover; pause; resume [env]; stop STATE [text]; rerun TASK [keep | input JSON]; skip TASK
//	again COMMAND …            the same request id twice
//	state                      prints all rows
//
// ACTION is TASK.N: the N-th action of the task, from 0; TASK is NAME or NAME#N.
func TestScripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, file := range files {
		if filepath.Base(file) == "known_failures.txt" {
			continue
		}
		ran++
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := runScript(t, string(text), false)
			if again := runScript(t, string(text), true); again != got {
				t.Errorf("loading the execution again before each event changes what is printed:\n%s", firstDifference(got, again))
			}
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(text) {
				t.Errorf("prints something else (go test -run Scripts -rewrite, then read the diff):\n%s", firstDifference(string(text), got))
			}
		})
	}
	if ran == 0 {
		t.Error("there are no scripts")
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range w {
		if i >= len(g) || w[i] != g[i] {
			from, line := max(0, i-6), "nothing"
			if i < len(g) {
				line = g[i]
			}
			return fmt.Sprintf("line %d, after\n%s\nwant: %s\ngot:  %s", i+1, strings.Join(w[from:i], "\n"), w[i], line)
		}
	}
	return fmt.Sprintf("%d more lines", len(g)-len(w))
}

// script is a run of one file.
type script struct {
	t    *testing.T
	w    *world
	id   workflow.ExecutionID
	out  strings.Builder // what the command prints
	seen int             // history events printed
}

func runScript(t *testing.T, text string, reload bool) string {
	w := newWorld(t)
	w.hold, w.noSlots, w.reload = true, true, reload
	s := &script{t: t, w: w}
	w.log = func(_ workflow.ExecutionID, send workflow.Send) { s.printSend(send) }
	var result strings.Builder
	for i, block := range strings.Split(text, "\n\n") {
		block = strings.Trim(block, "\n")
		if i > 0 {
			result.WriteString("\n")
		}
		if block == "" || strings.HasPrefix(block, "#") {
			result.WriteString(block + "\n")
			continue
		}
		input, _, _ := strings.Cut(block, "\n----")
		line, body, _ := strings.Cut(input, "\n")
		s.out.Reset()
		s.run(line, body+"\n")
		result.WriteString(input + "\n----\n" + s.out.String())
	}
	return result.String()
}

func (s *script) run(line, body string) {
	words := strings.Fields(line)
	switch words[0] {
	case "workflow", "action", "workbook":
		if err := s.w.define(words[0], "", body, true); err != nil {
			fmt.Fprintf(&s.out, "error: %v\n", err)
		}
	case "start":
		name, rest, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "start")), " ")
		input, params, _ := strings.Cut(rest, " params=")
		id, err := s.w.start(name, "", s.dict(input), orEmptyDict(s.dict(params)))
		if err != nil {
			s.refused(err)
			return
		}
		s.id, s.seen = id, 0
		s.printChanges()
	case "state":
		s.printState()
	default:
		s.event(words, line)
	}
}

func orEmptyDict(d *value.Dict) *value.Dict {
	if d == nil {
		return value.NewDict(0)
	}
	return d
}

func (s *script) event(words []string, line string) {
	again := words[0] == "again"
	if again {
		words = words[1:]
	}
	ev := s.parse(words, line)
	if c, ok := ev.(workflow.Command); ok && again {
		c.RequestID = "once"
		ev = c
	}
	r := s.w.execs[s.id]
	if err := s.w.step(s.id, ev); err != nil {
		s.refused(err)
		if f := r.ex.Flush(); f.Writes.Execution != nil || len(f.Sends) > 0 {
			s.t.Errorf("%s: was refused and has effects", line)
		}
		return
	}
	s.printChanges()
}

func (s *script) refused(err error) {
	kinds := map[fault.Kind]string{fault.Invalid: "invalid", fault.NotFound: "not found", fault.Conflict: "conflict", fault.TooLarge: "too large"}
	kind := kinds[fault.KindOf(err)]
	if kind == "" {
		s.t.Errorf("the step failed: %v", err)
	}
	fmt.Fprintf(&s.out, "refused, %s: %s\n", kind, s.names(err.Error()))
}

// parse makes the event of a command line.
func (s *script) parse(words []string, line string) workflow.Event {
	arg := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	switch words[0] {
	case "assign":
		runner := arg(1)
		if runner == "" {
			runner = "r1"
		}
		var slots []workflow.Slot
		for _, want := range s.w.execs[s.id].ex.Wants(1000) {
			slots = append(slots, workflow.Slot{Action: want.Action, Runner: workflow.RunnerID(runner), LeaseUntil: s.w.now.Add(30 * time.Second)})
		}
		return workflow.Assigned{Slots: slots}
	case "slot":
		return workflow.Assigned{Slots: []workflow.Slot{{Action: s.action(arg(1)).ID, Runner: workflow.RunnerID(arg(2)), LeaseUntil: s.w.now.Add(30 * time.Second)}}}
	case "begin", "finish", "fail", "cancelled", "defer", "request":
		return s.runnerEvent(words)
	case "complete":
		a := s.action(arg(1))
		return workflow.Command{Op: workflow.CompleteAction{Action: a.ID, State: workflow.State(arg(2)), Output: s.json(words[3:])}}
	case "child":
		seq, _ := strconv.Atoi(strings.TrimPrefix(arg(3), "seq="))
		return workflow.ChildReported{Child: workflow.ExecutionID(s.action(arg(1)).ID), State: workflow.State(arg(2)), Seq: seq, Output: s.json(words[4:])}
	case "refused":
		return workflow.ChildReported{Child: workflow.ExecutionID(s.action(arg(1)).ID), Refused: true, Info: strings.Join(words[2:], " ")}
	case "acked":
		return workflow.ParentAcked{State: workflow.State(arg(1))}
	case "tick":
		d, err := time.ParseDuration(arg(1))
		if err != nil {
			s.t.Fatalf("%s: %v", line, err)
		}
		s.w.now = s.w.now.Add(d)
		return workflow.Ticked{}
	case "lost":
		return workflow.RunnerLost{Runner: workflow.RunnerID(arg(1))}
	case "recover":
		s.w.load(s.w.execs[s.id])
		return workflow.Recovered{}
	}
	return workflow.Command{Op: s.op(words)}
}

func (s *script) op(words []string) workflow.Op {
	switch words[0] {
	case "pause":
		return workflow.Pause{}
	case "resume":
		return workflow.Resume{Env: s.dict(strings.Join(words[1:], " "))}
	case "stop":
		return workflow.Stop{State: workflow.State(words[1]), Message: strings.Join(words[2:], " ")}
	case "rerun":
		if len(words) > 2 && words[2] == "input" {
			return workflow.Rerun{Task: s.task(words[1]).ID, Reset: true, Input: s.dict(strings.Join(words[3:], " "))}
		}
		return workflow.Rerun{Task: s.task(words[1]).ID, Reset: len(words) < 3}
	case "skip":
		return workflow.Skip{Task: s.task(words[1]).ID}
	}
	s.t.Fatalf("unknown command %v", words)
	return nil
}

func (s *script) runnerEvent(words []string) workflow.Event {
	a := s.action(words[1])
	attempt, runner := a.Attempt, a.Runner
	rest := words[2:]
	for len(rest) > 0 {
		if v, ok := strings.CutPrefix(rest[0], "attempt="); ok {
			attempt, _ = strconv.Atoi(v)
		} else if v, ok := strings.CutPrefix(rest[0], "runner="); ok {
			runner = workflow.RunnerID(v)
		} else {
			break
		}
		rest = rest[1:]
	}
	finished := workflow.ActionFinished{Action: a.ID, Attempt: attempt, Runner: runner}
	switch words[0] {
	case "begin":
		return workflow.ActionStarted{Action: a.ID, Attempt: attempt, Runner: runner}
	case "request":
		return workflow.StartRequested{Action: a.ID, Attempt: attempt, Runner: runner}
	case "finish":
		finished.Outcome = workflow.Outcome{Kind: workflow.OutcomeValue, Value: s.json(rest)}
	case "fail":
		finished.Outcome = workflow.Outcome{Kind: workflow.OutcomeError, Value: s.json(rest)}
	case "cancelled":
		finished.Outcome.Kind = workflow.OutcomeCancelled
	case "defer":
		finished.Outcome.Kind = workflow.OutcomeDeferred
	}
	return finished
}

func (s *script) json(words []string) value.Value {
	text := strings.Join(words, " ")
	if text == "" {
		return value.Null{}
	}
	v, err := value.ParseJSON([]byte(text))
	if err != nil {
		s.t.Fatalf("%s: %v", text, err)
	}
	return v
}

func (s *script) dict(text string) *value.Dict {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	d, ok := s.json([]string{text}).(*value.Dict)
	if !ok {
		s.t.Fatalf("%s is no object", text)
	}
	return d
}

func (s *script) task(ref string) *workflow.TaskRecord {
	name, n, _ := strings.Cut(ref, "#")
	i, _ := strconv.Atoi(n)
	t := s.w.taskNamed(s.id, name, i)
	if t == nil {
		return &workflow.TaskRecord{ID: workflow.TaskID("no-such-" + ref)}
	}
	return t
}

func (s *script) action(ref string) *workflow.ActionRecord {
	dot := strings.LastIndexByte(ref, '.')
	if dot < 0 {
		return &workflow.ActionRecord{ID: workflow.ActionID("no-such-" + ref)}
	}
	i, _ := strconv.Atoi(ref[dot+1:])
	list := s.w.actionsOf(s.id, s.task(ref[:dot]).ID)
	if i >= len(list) {
		return &workflow.ActionRecord{ID: workflow.ActionID("no-such-" + ref)}
	}
	return list[i]
}
