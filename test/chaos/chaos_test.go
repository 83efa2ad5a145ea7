package chaos

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"cierzo/internal/proctest"
)

var (
	rounds = flag.Int("chaos.rounds", 0, "rounds of the long form, each a fresh cluster to which every fault happens; 0: one round of the short form")
	users  = flag.Int("chaos.users", 0, "users at a time; 0: 6 in the short form, 16 in the long one")
	seed   = flag.Uint64("chaos.seed", 0, "seed of the order of faults; 0 takes the time")
	only   = flag.String("chaos.only", "", "only faults whose name has this in it")
	page   = flag.String("chaos.page", "", "write the recovery times into this page, between its marks")
	kept   = flag.String("chaos.figures", "", "keep the figures in this file, and add them to what it has; of several files, with a comma between, the others are only read")
)

// TestChaos lets everything go wrong with a cluster on PostgreSQL, and with a node on SQLite. A third of the rounds of the long
// form is with processes that have the race detector.
func TestChaos(t *testing.T) {
	s := *seed
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("repeat with -chaos.seed=%d", s)
	f := &figures{of: map[string]*figure{}}
	var files []string
	if *kept != "" {
		files = strings.Split(*kept, ",")
	}
	if len(files) > 0 {
		f.merge(t, files[0])
	}
	var o overlays // the short form has no use for them
	if *rounds > 0 || *only != "" {
		o = patches(t)
	}
	for k := range max(*rounds, 1) {
		form := shape{engines: 3, web: 2, ledgers: 2, race: k%3 == 2, overlays: o}
		newRound := func() *round { return &round{rng: rand.New(rand.NewPCG(s, uint64(k))), form: form} }
		t.Run(fmt.Sprintf("postgres-%02d", k+1), func(t *testing.T) { chaosRound(t, newRound(), f) })
		t.Run(fmt.Sprintf("sqlite-%02d", k+1), func(t *testing.T) { smallRound(t, newRound(), f) })
		// After each round, for the rounds take long.
		if len(files) > 0 && !t.Failed() {
			f.keep(t, files[0])
		}
		all := f
		if len(files) > 1 {
			all = &figures{of: map[string]*figure{}}
			for _, file := range files {
				all.merge(t, file)
			}
		}
		table := all.table()
		t.Logf("recovery:\n%s", table)
		if *page != "" && !t.Failed() {
			writeTable(t, *page, all.summary()+table)
		}
	}
}

// chaosRound is one cluster, from its beginning to its judgement.
func chaosRound(t *testing.T, r *round, f *figures) {
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Minute)
	defer cancel()
	list := listed(allFaults())
	if len(list) == 0 {
		t.Skip("no such faults")
	}
	r.site = startCluster(ctx, t, r.form)
	r.through(ctx, list, f)
}

// through puts load on a cluster, lets the faults happen, and judges.
func (r *round) through(ctx context.Context, list []*trouble, f *figures) {
	t := r.t
	r.upload(ctx)
	r.awaitRunners(ctx)
	n := *users
	if n == 0 {
		n = 16
		if *rounds == 0 {
			n = 6
		}
	}
	r.load = r.site.load(ctx, n)
	proctest.Pass(ctx, 3*time.Second)
	incidents := r.allOf(ctx, list)
	calm := time.Now()
	stuck := r.settle(r.patience())
	took := time.Since(calm)
	t.Logf("all has come to its end %.1f s after the last fault", took.Seconds())
	r.rest(ctx, r.patience())
	r.stopAll(ctx, r.upgraded)
	v, all := r.judge(ctx, r.load, stuck)
	for _, i := range incidents {
		f.add(t, i, all)
	}
	f.count(v, took)
	t.Logf("%d executions, %d attempts of actions, %d runs in the runners' ledgers, %d late results refused; starts by tries: %v",
		v.executions, v.attempts, v.runs, v.late, r.tries)
}

// settleMax is how long after the last fault everything may take to come to its end.
const settleMax = 30 * time.Second

// patience is that, and more where the machine may have other things to do (the short form runs beside other tests), or the race
// detector makes everything slow.
func (r *round) patience() time.Duration {
	if *rounds == 0 || r.form.race {
		return 4 * settleMax
	}
	return settleMax
}

// allOf lets all faults happen, in a random order.
func (r *round) allOf(ctx context.Context, list []*trouble) (out []*incident) {
	r.rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	for _, f := range list {
		if why := r.lacks(f.needs); why != "" {
			r.t.Logf("left out, %s: %s", why, f.name)
			continue
		}
		r.t.Logf("%s %s", time.Now().Format(time.TimeOnly), f.name)
		i := &incident{trouble: f}
		err := f.do(ctx, r, i)
		i.end = time.Now()
		if err != nil {
			r.t.Errorf("%s: %v", f.name, err)
		}
		out = append(out, i)
		r.calm(ctx)
	}
	return out
}

// calmMax is how long the next fault waits for what the one before has hit. Beyond, what is stuck in one is counted there
// although the next one keeps it.
const calmMax = 15 * time.Second

// calm waits until what was under way has come to its end, so that each fault's consequences are its own.
func (r *round) calm(ctx context.Context) {
	proctest.Pass(ctx, time.Second)
	if *rounds == 0 { // the short form looks for mistakes, not for figures
		return
	}
	ctx, cancel := context.WithTimeout(ctx, calmMax)
	defer cancel()
	ids := r.underWay()
	_ = until(ctx, func() (bool, error) { return !r.anyOpen(ids), nil }) // the long way is part of the experiment
}

func (r *round) lacks(n need) string {
	switch {
	case n == spaces && !r.net.spaces():
		return "no network namespaces"
	case n == disk && r.full == "":
		return "no file system of its own"
	case n == oneBuild && r.upgraded:
		return "already the next version"
	}
	return ""
}

// stopAll ends all processes as an operator does. A database of the next version is made one of this again: the judge has
// no other store, and what the migration added is nothing to it.
func (c *site) stopAll(ctx context.Context, upgraded bool) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for _, n := range slices.Concat(c.runners(), c.engines) {
		if err := n.Stop(ctx); err != nil {
			c.t.Error(err)
		}
	}
	if upgraded {
		if _, err := c.direct.ExecContext(ctx, `UPDATE cierzo_schema SET version = version - 1`); err != nil {
			c.t.Error(err)
		}
	}
}
