package chaos

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"cierzo/internal/proctest"
)

// startSmall starts a node that is everything in one process on a SQLite file, and runners with a ledger beside it.
func startSmall(ctx context.Context, t *testing.T, s shape) *site {
	t.Helper()
	c := &site{t: t, net: newNetwork(t), folder: t.TempDir()}
	c.ledger = newLedger(t, c.net.home())
	dir := t.TempDir()
	if err := smallDisk(t, dir, "64m"); err != nil {
		t.Logf("no file system of its own for the database, its disk can't be filled: %v", err)
	} else {
		c.full = dir
	}
	c.dsn = "sqlite://" + filepath.Join(dir, "cierzo.db")
	h := c.net.host("node")
	n := &node{host: h, api: h.port(8989), bind: h.port(7000)}
	n.Process = proctest.Launch(t, proctest.Config{
		Name: "node", Enter: h.enter, Build: proctest.Build{Race: s.race}, Env: []string{"GOMAXPROCS=1"},
		Args: []string{
			"server", "--store", c.dsn, "--listen", n.api, "--bind", n.bind, "--targets", "web", "--slots", strconv.Itoa(slots),
			"--lease", leaseTTL.String(), "--runner-grace", runnerGrace.String(), "--drain-timeout", "2s",
			"--idle-max", crowded,
		},
	})
	n.AwaitHealth(ctx, n.api)
	c.engines = []*node{n}
	for i := range s.ledgers {
		c.ledgers = append(c.ledgers, c.ledgerRunner(i, i == s.ledgers-1 && i > 0, []string{n.bind}))
	}
	return c
}

// smallFaults are what can happen to a single node. Nobody takes anything over from it.
func smallFaults() []*trouble {
	all := func(name string, from moment, do func(ctx context.Context, r *round, n *node, i *incident) error) *trouble {
		return &trouble{name: "SQLite: " + name, from: from, hits: executions, do: func(ctx context.Context, r *round, i *incident) error {
			r.hitAll(i)
			return do(ctx, r, r.engines[0], i)
		}}
	}
	list := []*trouble{
		all("the node is killed", fromBegin, func(ctx context.Context, r *round, n *node, _ *incident) error {
			n.Kill()
			r.again(ctx, n)
			return nil
		}),
		all("the node is restarted as an operator does it", fromBegin, func(ctx context.Context, r *round, n *node, _ *incident) error {
			return r.restart(ctx, n)
		}),
		all("the node stands still for longer than its lease", fromEnd, func(ctx context.Context, _ *round, n *node, _ *incident) error {
			n.Signal(syscall.SIGSTOP)
			wait(ctx, takeover)
			n.Signal(syscall.SIGCONT)
			return nil
		}),
		all("the node gets no more memory and dies", fromBegin, func(ctx context.Context, r *round, n *node, i *incident) error {
			return starve(ctx, r, n, i)
		}),
		all("the disk is full", fromEnd, func(ctx context.Context, r *round, _ *node, _ *incident) error {
			filler := filepath.Join(r.full, "filler")
			err := fillUp(filler)
			wait(ctx, while)
			return errors.Join(err, os.Remove(filler))
		}),
	}
	for i, f := range list {
		f.no = 1000 + i
		f.smoke = i == 0 || i == len(list)-1
	}
	list[len(list)-1].needs = disk
	return list
}

// listed are the faults that happen in this form of the test.
func listed(all []*trouble) (out []*trouble) {
	for _, f := range all {
		if *only != "" && strings.Contains(f.name, *only) || *only == "" && (f.smoke || *rounds > 0) {
			out = append(out, f)
		}
	}
	return out
}

// smallRound is one node on SQLite, from its beginning to its judgement.
func smallRound(t *testing.T, r *round, f *figures) {
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Minute)
	defer cancel()
	list := listed(smallFaults())
	if *rounds > 0 {
		list = append(list, list...) // they are few
	}
	if len(list) == 0 {
		t.Skip("no such faults")
	}
	r.site = startSmall(ctx, t, r.form)
	r.through(ctx, list, f)
}
