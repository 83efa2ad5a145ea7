package workflow_test

import (
	"testing"
	"time"

	"cierzo/expr/value"
	"cierzo/internal/invariant"
	"cierzo/workflow"
)

// atATime is how many sub-workflows that have not answered are told something at a time in this build.
func atATime() int {
	if invariant.Expensive {
		return 2
	}
	return workflow.UnansweredMax
}

// TestFewStartsAtATime: of very many sub-workflows no more than UnansweredMax are told to start and have not answered; every other one is
// told when one has, or will never be; each of them once while time stands still, however often the execution is loaded again.
func TestFewStartsAtATime(t *testing.T) {
	t.Parallel()
	most := atATime()
	all := most + 157
	for name, reload := range map[string]bool{"in memory": false, "loaded before each event": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if err := w.define("workflow", "", subs(all), false); err != nil {
				t.Fatal(err)
			}
			var told []workflow.ExecutionID
			times := map[workflow.ExecutionID]int{}
			w.hold, w.reload = true, reload
			w.log = func(_ workflow.ExecutionID, s workflow.Send) {
				if s, ok := s.(workflow.StartChild); ok {
					told = append(told, s.Child)
					times[s.Child]++
				}
			}
			id, err := w.start("w", "", value.NewDict(0), value.NewDict(0))
			if err != nil {
				t.Fatal(err)
			}
			report := func(child workflow.ExecutionID, seq int, state workflow.State, refused bool) {
				t.Helper()
				ev := workflow.ChildReported{Child: child, Seq: seq, State: state, Refused: refused}
				if refused {
					ev.Info = "no"
				}
				if err := w.step(id, ev); err != nil {
					t.Fatal(err)
				}
			}
			for answered := range all {
				if want := min(answered+most, all); len(told) != want {
					t.Fatalf("%d have answered, %d are told to start, want %d", answered, len(told), want)
				}
				// They answer in any order, and in each of the ways.
				at := answered + (len(told)-answered)*(answered%7)/7
				told[answered], told[at] = told[at], told[answered]
				switch child := told[answered]; answered % 3 {
				case 0:
					report(child, 1, workflow.Running, false)
				case 1:
					report(child, 2, workflow.Success, false)
				default:
					report(child, 0, "", true)
				}
			}
			for child, n := range times {
				if n != 1 {
					t.Errorf("%s was told %d times", child, n)
				}
			}
			for i, child := range told {
				if i%3 == 0 {
					report(child, 2, workflow.Success, false)
				}
			}
			if got := w.execs[id].rec.State; got != workflow.Error { // some were refused
				t.Errorf("the execution is %s", got)
			}
		})
	}
}

// TestStartsAreRepeated: who doesn't answer is told again, also by the next engine, and nobody else is meanwhile.
func TestStartsAreRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := workflow.UnansweredMax + 100
	if err := w.define("workflow", "", subs(all), false); err != nil {
		t.Fatal(err)
	}
	most := atATime()
	times := map[workflow.ExecutionID]int{}
	w.hold = true
	w.log = func(_ workflow.ExecutionID, s workflow.Send) {
		if s, ok := s.(workflow.StartChild); ok {
			times[s.Child]++
		}
	}
	id, err := w.start("w", "", value.NewDict(0), value.NewDict(0))
	if err != nil {
		t.Fatal(err)
	}
	check := func(want int) {
		t.Helper()
		if len(times) != most {
			t.Errorf("%d are told to start, want %d", len(times), most)
		}
		for child, n := range times {
			if n != want {
				t.Errorf("%s was told %d times, want %d", child, n, want)
			}
		}
	}
	check(1)
	w.now = w.now.Add(time.Minute)
	if err := w.step(id, workflow.Ticked{}); err != nil {
		t.Fatal(err)
	}
	check(2)
	w.load(w.execs[id])
	if err := w.step(id, workflow.Recovered{}); err != nil {
		t.Fatal(err)
	}
	check(3)
	// What is stopped before it could begin is told so, and leaves its place to nobody: the execution is over.
	if err := w.step(id, workflow.Command{Op: workflow.Stop{State: workflow.Cancelled}}); err != nil {
		t.Fatal(err)
	}
	if w.execs[id].rec.State != workflow.Cancelled {
		t.Errorf("the execution is %s", w.execs[id].rec.State)
	}
	check(3)
}

// TestFewAreToldAtATime: so it is with commands that reach sub-workflows by their parent.
func TestFewAreToldAtATime(t *testing.T) {
	t.Parallel()
	most := atATime()
	all := most + 157
	w := newWorld(t)
	if err := w.define("workflow", "", subs(all), false); err != nil {
		t.Fatal(err)
	}
	var told []workflow.ExecutionID // since all have answered
	word := ""
	w.hold = true
	w.log = func(_ workflow.ExecutionID, s workflow.Send) {
		switch s := s.(type) {
		case workflow.StartChild:
			told = append(told, s.Child)
		case workflow.ControlChild:
			if s.Op != word {
				t.Errorf("%s is told to %s, want %s", s.Child, s.Op, word)
			}
			told = append(told, s.Child)
		}
	}
	id, err := w.start("w", "", value.NewDict(0), value.NewDict(0))
	if err != nil {
		t.Fatal(err)
	}
	seq := 0
	answer := func(state workflow.State) {
		t.Helper()
		seq++
		for i := range all {
			if want := min(i+most, all); len(told) != want {
				t.Fatalf("%s: %d have answered, %d are told, want %d", state, i, len(told), want)
			}
			if err := w.step(id, workflow.ChildReported{Child: told[i], Seq: seq, State: state, Output: value.Bool(true)}); err != nil {
				t.Fatal(err)
			}
		}
		told = nil
	}
	command := func(op workflow.Op, text string) {
		t.Helper()
		word = text
		if err := w.step(id, workflow.Command{Op: op}); err != nil {
			t.Fatal(err)
		}
	}
	answer(workflow.Running)
	command(workflow.Pause{}, "pause")
	answer(workflow.Paused)
	command(workflow.Resume{}, "resume")
	answer(workflow.Running)
	command(workflow.Stop{State: workflow.Cancelled}, "cancel")
	answer(workflow.Cancelled)
	if got := w.execs[id].rec.State; got != workflow.Cancelled {
		t.Errorf("the execution is %s", got)
	}
	for _, a := range w.execs[id].actions {
		if a.State != workflow.Cancelled {
			t.Errorf("%s is %s", a.ID, a.State)
		}
	}
}
