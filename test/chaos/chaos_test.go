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
	kills  = flag.Int("chaos.kills", 3, "how often each fault happens to the SQLite node")
	users  = flag.Int("chaos.users", 0, "users at a time; 0: 6 in the short form, 16 in the long one")
	seed   = flag.Uint64("chaos.seed", 0, "seed of the order of faults; 0 takes the time")
	only   = flag.String("chaos.only", "", "only faults whose name has this in it")
	page   = flag.String("chaos.page", "", "write the recovery times into this page, between its marks")
)

// TestChaosCluster lets everything go wrong with a cluster on PostgreSQL. A third of the rounds of the long form is with
// processes that have the race detector.
func TestChaosCluster(t *testing.T) {
	s := *seed
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("repeat with -chaos.seed=%d", s)
	f := &figures{of: map[string]*figure{}}
	o := patches(t)
	for k := range max(*rounds, 1) {
		t.Run(fmt.Sprintf("round-%02d", k+1), func(t *testing.T) {
			chaosRound(t, rand.New(rand.NewPCG(s, uint64(k))), o, k%3 == 2, f)
		})
	}
	table := f.table()
	t.Logf("recovery:\n%s", table)
	if *page != "" && !t.Failed() {
		writeTable(t, *page, fmt.Sprintf("%d rounds.\n\n%s", *rounds, table))
	}
}

// chaosRound is one cluster, from its beginning to its judgement.
func chaosRound(t *testing.T, rng *rand.Rand, o overlays, race bool, f *figures) {
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Minute)
	defer cancel()
	c := startCluster(ctx, t, shape{engines: 3, web: 2, ledgers: 2, race: race, overlays: o})
	c.upload(ctx)
	c.awaitRunners(ctx)
	n := *users
	if n == 0 {
		n = 16
		if *rounds == 0 {
			n = 6
		}
	}
	r := &round{site: c, load: c.load(ctx, n), rng: rng, overlays: o, race: race}
	proctest.Pass(ctx, time.Second)
	incidents := r.allOf(ctx)
	calm := time.Now()
	stuck := r.settle(settleMax)
	t.Logf("all has come to its end %.1f s after the last fault", time.Since(calm).Seconds())
	c.rest(ctx)
	c.stop(ctx, r.upgraded)
	v, all := c.judge(ctx, r.load, stuck)
	for _, i := range incidents {
		f.add(i, all)
	}
	t.Logf("%d executions, %d attempts of actions, %d runs in the runners' ledgers, %d late results refused; starts by tries: %v",
		v.executions, v.attempts, v.runs, v.late, r.tries)
}

// allOf lets all faults happen, in a random order.
func (r *round) allOf(ctx context.Context) (out []*incident) {
	list := allFaults()
	r.rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	for _, f := range list {
		if *rounds == 0 && *only == "" && !f.smoke || *only != "" && !strings.Contains(f.name, *only) {
			continue
		}
		if why := r.lacks(f.needs); why != "" {
			r.t.Logf("left out, %s: %s", why, f.name)
			continue
		}
		proctest.Pass(ctx, time.Second)
		r.t.Logf("%s %s", time.Now().Format(time.TimeOnly), f.name)
		i := &incident{fault: f}
		err := f.do(ctx, r, i)
		i.end = time.Now()
		if err != nil {
			r.t.Errorf("%s: %v", f.name, err)
		}
		out = append(out, i)
	}
	return out
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

// stop ends all processes as an operator does. A database of the next version is made one of this again: the judge has
// no other store, and what the migration added is nothing to it.
func (c *site) stop(ctx context.Context, upgraded bool) {
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
