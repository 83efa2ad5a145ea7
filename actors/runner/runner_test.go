package runner

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"cierzo/fault"
	"cierzo/messages"
)

func TestRunActionDoubledRunsOnce(t *testing.T) {
	t.Parallel()
	onBench(t, 2, func(b *bench) {
		b.say(order("a", 1, 5))
		b.expect("first", "ActionStarted")
		b.say(order("a", 1, 5))
		b.expect("again while it runs: the engine has not heard that it began", "ActionStarted")
		b.say(order("a", 1, 5, func(m *messages.RunAction) { m.LeaseUntil = 0 }))
		b.expect("again, the engine knows that it runs", "")
		b.pass(5 * time.Second)
		b.expect("its end", "ActionFinished value")
		b.say(order("a", 1, 5))
		b.expect("again when it has ended", "ActionFinished value")
		b.say(ack("a", 1))
		b.say(order("a", 1, 5))
		b.pass(time.Minute)
		b.expect("again when it is over", "")
		if n := b.begun("a"); n != 1 {
			t.Errorf("it was begun %d times", n)
		}
		b.say(order("a", 2, 1))
		b.expect("another attempt", "ActionStarted")
		b.pass(2 * time.Second)
		b.say(ack("a", 2))
	})
}

// TestShortAttemptsSayNothingOfTheirBeginning: what has ended before anybody would ask is one message.
func TestShortAttemptsSayNothingOfTheirBeginning(t *testing.T) {
	t.Parallel()
	onBench(t, 2, func(b *bench) {
		b.say(order("a", 1, 5))
		b.say(order("b", 1, 1))
		b.expect("both have begun", "")
		b.pass(1500 * time.Millisecond)
		b.expect("one has ended, the other runs for a second", "ActionFinished value, ActionStarted")
		b.say(order("a", 1, 5))
		b.expect("the engine has not heard it", "ActionStarted")
	}, func(c *Config) { c.SayStarted = time.Second })
}

func TestMessagesForAnotherIncarnationAreIgnored(t *testing.T) {
	t.Parallel()
	onBench(t, 2, func(b *bench) {
		for _, m := range []*messages.ToRunner{order("a", 1, 5), cancelOf("a", 1), grantOf("a", 1)} {
			m.RunnerId = "the one before"
			b.say(m)
		}
		b.expect("messages to the one before", "")
	})
}

func TestAnswersToNoQuestionAreIgnored(t *testing.T) {
	t.Parallel()
	onBench(t, 2, func(b *bench) {
		b.say(grantOf("a", 1))
		b.say(denialOf("a", 1))
		b.say(ack("a", 1))
		b.say(&messages.ToRunner{})
		for _, m := range []*messages.ToRunner{
			{Message: &messages.ToRunner_Run{Run: &messages.RunAction{}}}, {Message: &messages.ToRunner_Cancel{Cancel: &messages.CancelAction{}}},
		} {
			b.say(m)
		}
		b.expect("nonsense", "")
		b.say(order("a", 1, 5))
		b.say(ack("a", 1))
		b.say(denialOf("a", 1))
		b.say(grantOf("a", 1))
		b.expect("answers while it runs", "ActionStarted")
		b.pass(5 * time.Second)
		b.say(denialOf("a", 1))
		b.say(ack("a", 2))
		b.expect("answers of another attempt", "ActionFinished value")
		if m := b.Metrics(); m.KnownNow != 1 {
			t.Errorf("%d attempts are known", m.KnownNow)
		}
		b.say(ack("a", 1))
		b.say(ack("a", 1))
	})
}

// TestAttemptWhoseLeaseRanOutInTheQueueAsksFirst: a second attempt waits a minute for the only slot.
func TestAttemptWhoseLeaseRanOutInTheQueueAsksFirst(t *testing.T) {
	t.Parallel()
	crowd := func(b *bench) {
		b.say(order("first", 1, 60))
		b.say(order("second", 1, 1))
		b.pass(60 * time.Second)
		b.say(ack("first", 1))
	}
	for name, c := range map[string]struct {
		answer func(b *bench)
		want   string
		begun  int
	}{
		"granted": {func(b *bench) { b.say(grantOf("second", 1)) }, "ActionStarted", 1},
		"granted twice": {func(b *bench) {
			b.say(grantOf("second", 1))
			b.say(grantOf("second", 1))
		}, "ActionStarted", 1},
		"denied": {func(b *bench) { b.say(denialOf("second", 1)) }, "", 0},
		"denied, and then granted by a late message": {func(b *bench) {
			b.say(denialOf("second", 1))
			b.say(grantOf("second", 1))
			b.say(order("second", 1, 1))
		}, "", 0},
		"cancelled":    {func(b *bench) { b.say(cancelOf("second", 1)) }, "ActionFinished cancelled", 0},
		"not answered": {func(b *bench) {}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBench(t, 1, func(b *bench) {
				crowd(b)
				b.expect("the first", "ActionStarted, ActionFinished value, StartRequest")
				c.answer(b)
				b.expect("the answer", c.want)
				if name == "not answered" {
					b.pass(10 * time.Second)
					b.expect("the question again", "StartRequest, StartRequest, StartRequest")
				}
				if n := b.begun("second"); n != c.begun {
					t.Errorf("it was begun %d times", n)
				}
				b.pass(2 * time.Second)
			})
		})
	}
}

func TestGrantThatComesTooLateIsNoGrant(t *testing.T) {
	t.Parallel()
	onBench(t, 1, func(b *bench) {
		b.say(order("a", 1, 1, func(m *messages.RunAction) { m.LeaseUntil = time.Now().Add(-time.Second).UnixMilli() }))
		b.expect("a lease that has run out", "StartRequest")
		late := grantOf("a", 1)
		b.pass(7 * time.Second)
		b.kinds()
		b.say(order("b", 1, 40)) // takes the slot
		b.say(late)
		b.expect("it waits", "ActionStarted")
		b.pass(45 * time.Second)
		if got := b.kinds(); !strings.HasSuffix(got, "StartRequest, StartRequest") && !strings.Contains(got, "StartRequest") || b.begun("a") != 0 {
			t.Errorf("after its grant has run out too: %q, begun %d times", got, b.begun("a"))
		}
	})
}

func TestAttemptThatTheEngineBelievesBegunAsksFirst(t *testing.T) {
	t.Parallel()
	onBench(t, 1, func(b *bench) {
		b.say(order("a", 1, 1, func(m *messages.RunAction) { m.LeaseUntil = 0 }))
		b.expect("an attempt that is not known here", "StartRequest")
		if b.begun("a") != 0 {
			t.Error("it was begun")
		}
		// The engine sends it again: then it listens, and the question needn't wait for its next moment.
		b.say(order("a", 1, 1, func(m *messages.RunAction) { m.LeaseUntil = 0 }))
		b.expect("the same again", "StartRequest")
		b.say(denialOf("a", 1))
	})
}

func TestCancel(t *testing.T) {
	t.Parallel()
	onBench(t, 1, func(b *bench) {
		b.say(cancelOf("early", 1))
		b.expect("a cancel that overtakes its attempt", "ActionFinished cancelled")
		b.say(order("early", 1, 1))
		b.expect("the attempt", "ActionFinished cancelled")
		b.say(ack("early", 1))
		b.say(order("early", 1, 1))
		b.say(cancelOf("early", 1))
		b.expect("both again", "")

		b.say(order("runs", 1, 100))
		b.say(order("waits", 1, 100))
		b.say(cancelOf("waits", 1))
		b.expect("one that waits", "ActionStarted, ActionFinished cancelled")
		b.say(cancelOf("runs", 1))
		b.expect("one that runs", "ActionFinished cancelled")
		b.say(cancelOf("runs", 1))
		b.expect("once more", "ActionFinished cancelled")
		b.say(ack("runs", 1))
		b.say(ack("waits", 1))
		if b.begun("early") != 0 || b.begun("waits") != 0 {
			t.Error("a cancelled attempt was begun")
		}
	})
}

func TestEveryOutcomeIsOneMessage(t *testing.T) {
	t.Parallel()
	for end, want := range map[string]struct{ kind, text string }{
		"value":     {"ActionFinished value", `"done"`},
		"error":     {"ActionFinished error", `"told to"`},
		"cancelled": {"ActionFinished error", `"action work cancelled itself"`},
		"deferred":  {"ActionFinished deferred", ""},
		"panic":     {"ActionFinished error", `"action work panicked: told to"`},
		"nothing":   {"ActionFinished error", `"action work returned no result"`},
		"large":     {"ActionFinished error", `"result is too large: 1048578 bytes (limit 1048576)"`},
		"deep":      {"ActionFinished error", `"result can't be stored: value is nested deeper than 200"`},
	} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			onBench(t, 1, func(b *bench) {
				b.say(order("a", 1, 0, func(m *messages.RunAction) { m.Input = fmt.Appendf(nil, `{"seconds": 0, "end": %q}`, end) }))
				heard := b.heard()
				if len(heard) != 2 || heard[1].kind != want.kind {
					t.Fatalf("heard %v", heard)
				}
				f := heard[1].m.(*messages.ToExecution).GetActionFinished()
				if string(f.Value) != want.text || f.RunnerId != "r1" {
					t.Errorf("outcome %s of %s, want %s", f.Value, f.RunnerId, want.text)
				}
				b.say(ack("a", 1))
			})
		})
	}
}

func TestOutcomesThatNeedNoRun(t *testing.T) {
	t.Parallel()
	onBench(t, 1, func(b *bench) {
		b.say(order("unknown", 1, 0, func(m *messages.RunAction) { m.Action = "nothing.like.it" }))
		b.expect("an action that isn't known", "ActionFinished error")
		b.say(ack("unknown", 1))
		b.say(order("broken", 1, 0, func(m *messages.RunAction) { m.Input = []byte("{") }))
		b.expect("an input that is no JSON", "ActionFinished error")
		b.say(ack("broken", 1))
		b.say(order("async", 1, 0, func(m *messages.RunAction) { m.Action = "later" }))
		b.expect("an asynchronous action", "ActionStarted, ActionFinished deferred")
		b.say(ack("async", 1))
		b.say(order("dead", 1, 60, func(m *messages.RunAction) { m.Deadline = time.Now().Add(5 * time.Second).UnixMilli() }))
		b.pass(6 * time.Second)
		heard := b.heard()
		if f := heard[1].m.(*messages.ToExecution).GetActionFinished(); string(f.GetValue()) != `"action work was stopped at its deadline"` {
			t.Errorf("an action at its deadline: %s", f.GetValue())
		}
		b.say(ack("dead", 1))
	})
}

func TestOutcomeIsSentUntilItIsAcknowledged(t *testing.T) {
	t.Parallel()
	onBench(t, 1, func(b *bench) {
		b.say(order("a", 1, 0))
		began := time.Now()
		b.pass(3 * time.Minute)
		var gaps []time.Duration
		last := began
		for _, s := range b.heard() {
			if s.kind == "ActionFinished value" {
				gaps = append(gaps, s.at.Sub(last).Round(time.Second))
				last = s.at
			}
		}
		if len(gaps) < 15 || len(gaps) > 25 || gaps[0] != 0 || gaps[len(gaps)-1] < 9*time.Second {
			t.Errorf("it was sent after %v", gaps)
		}
		refusal := ack("a", 1)
		refusal.GetFinishedAck().Accepted = false
		b.say(refusal)
		b.pass(time.Minute)
		b.expect("after the acknowledgement", "")
		if m := b.Metrics(); m.Refused != 1 || m.KnownNow != 0 {
			t.Errorf("refused %d, known %d", m.Refused, m.KnownNow)
		}
	})
}

func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	onBench(t, 1, func(b *bench) {
		for i := range queueMin + 5 {
			b.say(order(fmt.Sprint("a", i), 1, 1000))
		}
		if m := b.Metrics(); m.KnownNow != queueMin || m.Dropped != 5 || m.RunningNow != 1 {
			t.Errorf("known %d, dropped %d, running %d", m.KnownNow, m.Dropped, m.RunningNow)
		}
	})
}

func TestRunnerThatHearsNobodyGivesItsRepeatableActionsUp(t *testing.T) {
	t.Parallel()
	onBench(t, 2, func(b *bench) {
		safe := func(m *messages.RunAction) { m.SafeRerun = true }
		b.say(order("safe", 1, 100, safe))
		b.say(order("once", 1, 100))
		b.kinds()
		b.silence(7 * time.Second)
		if m := b.Metrics(); m.RunningNow != 2 {
			t.Errorf("after 7 s: %d run", m.RunningNow)
		}
		b.silence(2 * time.Second)
		if m := b.Metrics(); m.RunningNow != 1 || m.Isolated != 1 {
			t.Errorf("after 9 s: %d run, %d were given up", m.RunningNow, m.Isolated)
		}
		if got := b.kinds(); !strings.HasPrefix(got, "StartRequest") || strings.Contains(got, "Finished") {
			t.Errorf("it said %q, want questions only", got)
		}
		b.view()
		b.say(grantOf("safe", 1))
		if b.begun("safe") != 2 || b.begun("once") != 1 {
			t.Errorf("begun %d and %d times", b.begun("safe"), b.begun("once"))
		}
		b.pass(120 * time.Second)
		b.say(ack("safe", 1))
		b.say(ack("once", 1))
	})
}

// TestRunnerThatStoodStillGivesNothingUp: to it all engines have been silent, and what they have said is in line.
func TestRunnerThatStoodStillGivesNothingUp(t *testing.T) {
	t.Parallel()
	var stood atomic.Int64
	onBench(t, 2, func(b *bench) {
		b.say(order("safe", 1, 30, func(m *messages.RunAction) { m.SafeRerun = true }))
		b.kinds()
		b.pass(time.Second)
		stood.Store(int64(15 * time.Second))
		b.silence(1500 * time.Millisecond) // it has looked at the time once
		if m := b.Metrics(); m.Isolated != 0 {
			t.Error("it gave a repeatable action up before it could hear anybody")
		}
		b.view()
		b.pass(3 * time.Second)
		if m := b.Metrics(); m.Isolated != 0 || m.RunningNow != 1 {
			t.Errorf("%d were given up, %d run", m.Isolated, m.RunningNow)
		}
		b.silence(9 * time.Second)
		if m := b.Metrics(); m.Isolated != 1 {
			t.Errorf("%d were given up after 9 s in which nobody was heard", m.Isolated)
		}
		b.view()
		b.say(grantOf("safe", 1))
		b.pass(time.Minute)
		b.say(ack("safe", 1))
	}, func(c *Config) { c.Now = func() time.Time { return time.Now().Add(time.Duration(stood.Load())) } })
}

func TestDrainEndsWhenEverythingIsAcknowledged(t *testing.T) {
	t.Parallel()
	onBench(t, 2, func(b *bench) {
		b.say(order("a", 1, 10))
		drained := make(chan error, 1)
		go func() { drained <- b.Drain(b.t.Context()) }()
		b.pass(20 * time.Second)
		select {
		case err := <-drained:
			t.Errorf("it has ended before the acknowledgement: %v", err)
		default:
		}
		if h := b.hello(); !h.Draining || h.Leaving {
			t.Errorf("hello: %v", h)
		}
		short, cancel := context.WithTimeout(b.t.Context(), time.Second)
		defer cancel()
		if err := b.Drain(short); !fault.Is(err, fault.Unavailable) {
			t.Errorf("a drain that ends before: %v", err)
		}
		b.say(ack("a", 1))
		b.pass(5 * time.Second)
		select {
		case err := <-drained:
			if err != nil {
				t.Errorf("drain: %v", err)
			}
		default:
			t.Error("it doesn't end")
		}
	})
}

func TestStopSaysThatItLeavesAndCancelsWhatRuns(t *testing.T) {
	t.Parallel()
	onBench(t, 2, func(b *bench) {
		b.say(order("a", 1, 1000))
		b.kinds()
		if err := b.Stop(b.t.Context()); err != nil {
			t.Errorf("stop: %v", err)
		}
		if h := b.hello(); !h.Leaving {
			t.Errorf("the last word: %v", h)
		}
		b.expect("after the end", "")
		if err := b.Drain(b.t.Context()); err != nil {
			t.Errorf("drain after the end: %v", err)
		}
	})
}

func TestStopDoesNotWaitForEverForADeafAction(t *testing.T) {
	t.Parallel()
	onBench(t, 2, func(b *bench) {
		b.say(order("a", 1, 0, func(m *messages.RunAction) { m.Action = "deaf" }))
		ctx, cancel := context.WithTimeout(b.t.Context(), 5*time.Second)
		defer cancel()
		if err := b.Stop(ctx); !fault.Is(err, fault.Unavailable) {
			t.Errorf("stop: %v", err)
		}
	})
}

func TestHelloSaysWhatTheRunnerHas(t *testing.T) {
	t.Parallel()
	onBench(t, 8, func(b *bench) {
		b.say(order("a", 1, 100))
		b.pass(3 * time.Second)
		h := b.hello()
		if h.RunnerId != "r1" || h.Address != b.Address() || h.Actor != ActorName("r1") || h.Slots != 8 || h.Granted != 8 || len(h.Attempts) != 1 {
			t.Errorf("hello: %v", h)
		}
	}, func(c *Config) { c.Targets = []string{"gpu"} })
}

func TestProgressIsClipped(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"short": "short", strings.Repeat("x", 2000): strings.Repeat("x", 1024), strings.Repeat("ż", 600) + "!": strings.Repeat("ż", 512),
		"x" + strings.Repeat("ż", 600): "x" + strings.Repeat("ż", 511),
	} {
		if got := clip(text); got != want {
			t.Errorf("%.10s…: %d bytes, want %d", text, len(got), len(want))
		}
	}
}

// TestGravesTellAttemptsApart: ids that are UUIDs, others, and numbers.
func TestGravesTellAttemptsApart(t *testing.T) {
	t.Parallel()
	const id = "e25fbfbb-0000-800b-b34a-2bffde6044e5"
	keys := []key{
		{id, 1},
		{id, 2},
		{id, 1 << 31},
		{"e25fbfbb-0000-800b-b34a-2bffde6044e6", 1},
		{"{" + id + "}", 1},
		{"urn:uuid:" + id, 1},
		{strings.ReplaceAll(id, "-", ""), 1},
		{"a", 1},
		{"b", 1},
		{"a", 2},
		{strings.Repeat("a", 36), 1},
		{strings.Repeat("a", 100), 1},
	}
	for _, k := range keys {
		g := newGraves()
		for _, other := range keys {
			if other != k {
				g.add(other, time.Now())
			}
		}
		if len(g.known) != len(keys)-1 || g.has(k) {
			t.Errorf("%v is taken for another one", k)
		}
		if g.add(k, time.Now()); !g.has(k) {
			t.Errorf("%v is not remembered", k)
		}
	}
}

func TestGravesAreBounded(t *testing.T) {
	t.Parallel()
	g, now := newGraves(), time.Now()
	for i := range gravesMax + 10 {
		g.add(key{fmt.Sprint(i), 1}, now)
		g.add(key{fmt.Sprint(i), 1}, now)
	}
	if len(g.known) != gravesMax || g.has(key{"9", 1}) || !g.has(key{"10", 1}) {
		t.Errorf("%d graves", len(g.known))
	}
	g.forget(now.Add(graveTime + 1))
	if len(g.known) != 0 || len(g.order) != 0 {
		t.Errorf("%d graves after their time", len(g.known))
	}
}

func TestGrantsSplitTheSlotsByDemand(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		slots  int
		demand map[string]uint32
		want   map[string]uint32
	}{
		"one engine":            {16, map[string]uint32{"a": 0}, map[string]uint32{"a": 16}},
		"no demand":             {16, map[string]uint32{"a": 0, "b": 0}, map[string]uint32{"a": 8, "b": 8}},
		"all by one":            {16, map[string]uint32{"a": 100, "b": 0}, map[string]uint32{"a": 14, "b": 2}},
		"both more than enough": {16, map[string]uint32{"a": 100, "b": 100}, map[string]uint32{"a": 8, "b": 8}},
		"fewer slots than engines: each may begin": {1, map[string]uint32{"a": 1, "b": 1}, map[string]uint32{"a": 1, "b": 1}},
		"none": {4, nil, map[string]uint32{}},
	} {
		e := newEngines(nil, time.Now())
		for address, demand := range c.demand {
			e.known[address] = &engine{demand: demand}
		}
		if diff := gocmp.Diff(c.want, e.grants(c.slots)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestEnginesAreForgottenWhenNobodyNamesThemAndKeptWhenNobodySpeaks(t *testing.T) {
	t.Parallel()
	now := time.Now()
	e := newEngines([]string{"seed"}, now)
	if diff := gocmp.Diff([]string{"seed"}, e.addresses(now)); diff != "" {
		t.Errorf("at first: %s", diff)
	}
	name := func(at time.Time, addresses ...string) {
		v := &messages.EngineView{Address: addresses[0]}
		for _, a := range addresses {
			v.Engines = append(v.Engines, &messages.EngineNode{Address: a})
		}
		e.heard(addresses[0], at)
		e.update(v, 1, at)
	}
	name(now, "a", "b")
	if diff := gocmp.Diff([]string{"a", "b"}, e.addresses(now)); diff != "" {
		t.Errorf("known: %s", diff)
	}
	later := now.Add(unlistedMax + time.Second)
	name(later, "a")
	e.forget(later)
	if diff := gocmp.Diff([]string{"a"}, e.addresses(later)); diff != "" {
		t.Errorf("b is gone: %s", diff)
	}
	silent := later.Add(time.Hour)
	e.forget(silent)
	if diff := gocmp.Diff([]string{"a", "seed"}, e.addresses(silent)); diff != "" {
		t.Errorf("nobody speaks: %s", diff)
	}
	if got := e.route("a", 0, silent) + e.route("a", 1, silent) + e.route("gone", 0, silent); got != "aseeda" {
		t.Errorf("routes: %s", got)
	}
}

func TestConfigurationsThatLackSomethingAreRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		if _, err := Start(Config{}); !fault.Is(err, fault.Invalid) {
			t.Errorf("empty: %v", err)
		}
		b := &bench{t: t}
		cfg := Config{Network: b, Actions: b.registry(), Slots: -1}
		if _, err := Start(cfg); !fault.Is(err, fault.Invalid) {
			t.Errorf("no actors: %v", err)
		}
	})
}
