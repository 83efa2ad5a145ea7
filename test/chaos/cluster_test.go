package chaos

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cierzo/api/apitype"
	"cierzo/api/client"
	"cierzo/internal/dbtest"
	"cierzo/internal/proctest"
	"cierzo/persistence/sqlstore"
	"cierzo/workflow"
)

var (
	executions = flag.Int("chaos.executions", 40, "executions of the cluster test")
	rounds     = flag.Int("chaos.rounds", 1, "how often the cluster test goes through all faults")
	kills      = flag.Int("chaos.kills", 4, "how often the SQLite test kills its node")
	seed       = flag.Uint64("chaos.seed", 0, "seed of the order of faults; 0 takes the time")
)

// leaseTTL of the engines: short, so that a takeover is seen in a test.
const leaseTTL = 3 * time.Second

type cluster struct {
	t       *testing.T
	db      *dbtest.Server
	dsn     string
	engines []*proctest.Process
	runners []*proctest.Process
	apis    []string // address of each engine's REST API
	ledger  *ledger
}

func startCluster(ctx context.Context, t *testing.T, engines, runners int) *cluster {
	t.Helper()
	db, err := dbtest.StartPostgres(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Stop(); err != nil {
			t.Errorf("stop PostgreSQL: %v", err)
		}
	})
	c := &cluster{t: t, db: db, dsn: db.DSN("postgres"), ledger: newLedger(t)}
	var binds []string
	for i := range engines {
		api, bind := proctest.FreeAddress(t), proctest.FreeAddress(t)
		c.apis, binds = append(c.apis, api), append(binds, bind)
		c.engines = append(c.engines, proctest.Start(t, fmt.Sprintf("engine-%d", i), "server", "--roles", "engine,api", "--store", c.dsn,
			"--listen", api, "--bind", bind, "--lease", leaseTTL.String(), "--drain-timeout", "2s"))
		// One after the other: the first one migrates the database.
		c.engines[i].AwaitHealth(ctx, api)
	}
	for i := range runners {
		c.runners = append(c.runners, proctest.Start(t, fmt.Sprintf("runner-%d", i), "server", "--roles", "runner", "--join", strings.Join(binds, ","),
			"--bind", proctest.FreeAddress(t), "--slots", "16", "--drain-timeout", "2s"))
	}
	return c
}

// client of an engine's API.
func (c *cluster) client(i int) *client.Client {
	cl, err := client.New("http://" + c.apis[i%len(c.apis)])
	if err != nil {
		c.t.Fatal(err)
	}
	return cl
}

// upload stores the workflow, on whichever engine answers.
func (c *cluster) upload(ctx context.Context) {
	await(ctx, c.t, "upload", func() (bool, error) {
		_, err := c.client(0).CreateWorkflows(ctx, "", []byte(chaosWorkflow(c.ledger.server.URL)))
		return err == nil, err
	})
}

// itemsMax is how many items the fan-out of a run has at most.
const itemsMax = 6

func runID(i int) string { return fmt.Sprintf("%08d-0000-4000-8000-%012d", i*7919, i) }

// load starts the executions, each until it is acknowledged, through whichever engine answers. They are spread over the
// time, so that every fault finds some at work.
func (c *cluster) load(ctx context.Context, n int, over time.Duration) {
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := w; i < n; i += 4 {
				try := 0
				proctest.Pass(ctx, over*4/time.Duration(n))
				await(ctx, c.t, "start "+runID(i), func() (bool, error) {
					try++
					return c.startOne(ctx, i, i+try)
				})
			}
		})
	}
	wg.Wait()
}

func (c *cluster) startOne(ctx context.Context, i, engine int) (bool, error) {
	var items []int
	for k := range 1 + i%itemsMax {
		items = append(items, k+1)
	}
	input, err := json.Marshal(map[string]any{"run": runID(i), "items": items})
	if err != nil {
		return false, err
	}
	callCtx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err = c.client(engine).StartExecution(callCtx, apitype.NewExecution{ID: runID(i), WorkflowName: "chaos", Input: input})
	return err == nil, err
}

func TestChaosClusterOnPostgreSQL(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(2+2**rounds)*time.Minute)
	defer cancel()
	c := startCluster(ctx, t, 3, 2)
	c.upload(ctx)
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		c.load(ctx, *executions-*executions/3, time.Duration(*rounds)*12*time.Second)
	}()
	c.faults(ctx, *executions-*executions/3)
	<-loaded
	c.awaitFinal(ctx, *executions)
	c.judge(ctx, *executions)
}

// burst starts executions all at once, and returns when the first is acknowledged; wait returns when all are.
func (c *cluster) burst(ctx context.Context, from, to int) (wait func()) {
	var wg sync.WaitGroup
	first := make(chan struct{}, to-from+1)
	for i := from; i < to; i++ {
		wg.Go(func() {
			try := 0
			await(ctx, c.t, "start "+runID(i), func() (bool, error) {
				try++
				return c.startOne(ctx, i, i+try)
			})
			first <- struct{}{}
		})
	}
	if to > from {
		<-first
	}
	return wg.Wait
}

// faults goes through all kinds of fault in a random order, rounds times. The executions from the number on are started in
// bursts, just before an engine freezes: it wakes up with turns in its hands that are not its own any more.
func (c *cluster) faults(ctx context.Context, from int) {
	bursts := (*executions - from + *rounds - 1) / *rounds
	s := *seed
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	c.t.Logf("repeat with -chaos.seed=%d", s)
	rng := rand.New(rand.NewPCG(s, 1))
	faults := []struct {
		name string
		do   func()
	}{
		{"kill an engine", func() {
			p := c.engines[rng.IntN(len(c.engines))]
			p.Kill()
			proctest.Pass(ctx, 500*time.Millisecond)
			p.Restart()
		}},
		{"freeze an engine for longer than its lease", func() {
			p := c.engines[rng.IntN(len(c.engines))]
			to := min(from+bursts, *executions)
			wait := c.burst(ctx, from, to)
			from = to
			p.Signal(syscall.SIGSTOP)
			proctest.Pass(ctx, leaseTTL+2*time.Second)
			p.Signal(syscall.SIGCONT)
			wait()
		}},
		{"kill a runner", func() {
			p := c.runners[rng.IntN(len(c.runners))]
			p.Kill()
			proctest.Pass(ctx, 500*time.Millisecond)
			p.Restart()
		}},
		{"restart an engine as an operator does", func() {
			p := c.engines[rng.IntN(len(c.engines))]
			stopCtx, cancel := context.WithTimeout(ctx, 20*time.Second)
			defer cancel()
			if err := p.Stop(stopCtx); err != nil {
				c.t.Error(err)
			}
			p.Restart()
		}},
		{"restart the database", func() {
			if err := c.db.Restart(true); err != nil {
				c.t.Errorf("restart PostgreSQL: %v", err)
			}
		}},
	}
	for range *rounds {
		rng.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
		for _, f := range faults {
			proctest.Pass(ctx, time.Second)
			c.t.Log(f.name)
			f.do()
		}
	}
}

func (c *cluster) awaitFinal(ctx context.Context, n int) {
	for i := range n {
		try := 0
		await(ctx, c.t, "end of "+runID(i), func() (bool, error) {
			try++
			e, err := c.client(i+try).Execution(ctx, runID(i))
			if err != nil {
				return false, err
			}
			return workflow.State(e.State).Final(), fmt.Errorf("state %s", e.State)
		})
	}
}

// judge compares what the database says and what the ledger has seen with what the workflow demands.
func (c *cluster) judge(ctx context.Context, n int) {
	store, err := sqlstore.Open(ctx, c.dsn, sqlstore.Config{})
	if err != nil {
		c.t.Fatal(err)
	}
	defer store.Close()
	late, attempts := 0, 0
	for i := range n {
		l, a := judgeRun(ctx, c.t, store, c.ledger, i)
		late, attempts = late+l, attempts+a
	}
	c.t.Logf("%d executions, %d attempts of actions, %d late results refused, %d stale commits refused", n, attempts, late, c.refused(ctx))
}

// refused counts the stale commits that the living engines have seen refused.
func (c *cluster) refused(ctx context.Context) int {
	total := 0
	for i := range c.engines {
		total += metric(ctx, c.t, c.apis[i], "cierzo_turns_fenced_total")
	}
	return total
}
