package runner

import (
	"slices"
	"testing"
	"time"

	"cierzo/messages"
)

// TestRoute: what the attempt's own engine doesn't acknowledge goes to each of the others in turn. The own one stood among
// them once, so an engine that was cut off from the database, and passed nothing on, could be asked four times in a row: an
// execution that others had long taken over stood still for 15 s.
func TestRoute(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, c := range []struct {
		name string
		own  string
		want []string
	}{
		{"the first in order", "a", []string{"a", "b", "a", "c", "a", "b"}},
		{"the last in order", "c", []string{"c", "a", "c", "b", "c", "a"}},
		{"nobody names it any more", "gone", []string{"a", "b", "c", "a", "b", "c"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := newEngines([]string{"seed"}, now)
			e.update(&messages.EngineView{Engines: []*messages.EngineNode{{Address: "b"}, {Address: "a"}, {Address: "c"}}}, 1, now)
			var got []string
			for sends := range c.want {
				got = append(got, e.route(c.own, sends, now))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("sent to %v, want %v", got, c.want)
			}
		})
	}
	alone := newEngines(nil, now)
	alone.update(&messages.EngineView{Engines: []*messages.EngineNode{{Address: "a"}}}, 1, now)
	for sends := range 3 {
		if got := alone.route("a", sends, now); got != "a" {
			t.Errorf("with one engine, message %d goes to %q", sends, got)
		}
	}
}

// TestOutcomeFollowsTheExecution: when engines come or go, what nobody has acknowledged is sent within a second to one that says
// so. It waited for its next repetition once, and an execution that had changed hands stood still for up to 10 s more.
func TestOutcomeFollowsTheExecution(t *testing.T) {
	t.Parallel()
	onBench(t, 1, func(b *bench) {
		b.say(order("a", 1, 0))
		b.pass(20 * time.Second) // the fifth time was 1 to 5 s ago, whatever the jitter, and the next is 10 s after it
		b.heard()
		b.view()
		b.silence(2 * time.Second)
		b.expect("the engines are the same", "")
		another := &messages.EngineView{Address: engineAt, Engines: []*messages.EngineNode{{Id: "e2", Address: "engine:2"}, {Id: "e1", Address: engineAt}}}
		b.say(&messages.ToRunner{Message: &messages.ToRunner_View{View: another}})
		b.silence(1100 * time.Millisecond)
		b.expect("there is another engine", "ActionFinished value")
		b.view()
		b.silence(1100 * time.Millisecond)
		b.expect("it has gone", "ActionFinished value")
		b.say(ack("a", 1))
		b.say(&messages.ToRunner{Message: &messages.ToRunner_View{View: another}})
		b.silence(2 * time.Second)
		b.expect("after the acknowledgement", "")
	})
}
