package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cierzo/internal/dbtest"
	"cierzo/node"
	"cierzo/workflow"
)

// childStore makes the test's program a measurement on this store that is to be killed; childLoad is its workload.
const (
	childStore = "CIERZO_BENCH_CHILD_STORE"
	childLoad  = "CIERZO_BENCH_CHILD_LOAD"
)

var killAll = flag.Bool("bench.kill", false, "kill in each workload on each database; else each in one")

func TestMain(m *testing.M) {
	flag.Parse()
	if store := os.Getenv(childStore); store != "" {
		if err := child(store, os.Getenv(childLoad)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child runs a workload again and again and says of each start that it is acknowledged.
func child(store, workload string) error {
	var mu sync.Mutex
	b, err := New(context.Background(), Config{Store: store, Workloads: []string{workload}, Executions: 300, Started: func(id string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(id)
	}})
	if err != nil {
		return err
	}
	for {
		if err := b.Run(context.Background(), func(Result) {}); err != nil {
			return err
		}
	}
}

// TestKilledInTheMiddle kills a measurement, engine and runner, in the middle of each workload, and opens its store again: what
// was acknowledged is there, runs to its end, and has each of its results once. So no figure is of work that could be lost.
func TestKilledInTheMiddle(t *testing.T) {
	stores := map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite://" + filepath.Join(t.TempDir(), "bench.db") },
		"postgres": postgresStore,
	}
	t.Parallel()
	for name, store := range stores {
		for _, workload := range []string{"W1", "W2", "W3", "W4", "W4F"} {
			if !*killAll && (name == "sqlite") == (workload == "W2" || workload == "W4") {
				continue
			}
			t.Run(name+"/"+workload, func(t *testing.T) {
				t.Parallel()
				dsn := store(t)
				// Behind the warming up, 104 executions; W3 has one at a time.
				ids := killed(t, dsn, workload, map[string]int{"W3": 105, "W4": 110, "W4F": 110}[workload])
				finish(t, dsn, ids)
			})
		}
	}
}

func postgresStore(t *testing.T) string {
	t.Helper()
	db, err := dbtest.StartPostgresAt(t.TempDir(), dbtest.Place{Settings: []string{"autovacuum=off"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Stop(); err != nil {
			t.Error(err)
		}
	})
	return db.DSN("postgres")
}

// killed runs a measurement until it has acknowledged so many starts (0: 250), and gives all that it has said.
func killed(t *testing.T, store, workload string, after int) []string {
	t.Helper()
	if after == 0 {
		after = 250
	}
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childStore+"="+store, childLoad+"="+workload)
	c.Stderr = os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var ids []string
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break // a half of a line isn't an acknowledgement
		}
		if err != nil {
			t.Fatal(err)
		}
		if ids = append(ids, strings.TrimSpace(line)); len(ids) == after {
			if err := c.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := c.Wait(); err == nil || len(ids) < after {
		t.Fatalf("the measurement wasn't killed: %v, %d starts", err, len(ids))
	}
	return ids
}

// finish opens the store again and waits for the executions.
func finish(t *testing.T, store string, ids []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	reg, err := registry()
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.New(ctx, node.Config{Actions: reg, Slots: 256, Store: store})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := n.Stop(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	}()
	for _, id := range ids {
		e, err := n.Wait(ctx, id)
		if err != nil {
			t.Fatalf("execution %s was acknowledged: %v", id, err)
		}
		if e.State != string(workflow.Success) {
			t.Errorf("execution %s ended in %s: %s", id, e.State, e.StateInfo)
		}
		actions, err := n.Store().ListActions(ctx, workflow.ExecutionID(id), "", -1, 1000)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]int{}
		for _, a := range actions {
			if a.Accepted {
				seen[fmt.Sprint(a.TaskID, a.Index)]++
			}
		}
		if want := actionsOf(t, e); len(seen) != want {
			t.Errorf("execution %s of %s has the results of %d actions, want %d", id, e.Workflow, len(seen), want)
		}
		for what, times := range seen {
			if times != 1 {
				t.Errorf("execution %s: action %s has %d accepted results", id, what, times)
			}
		}
	}
}

// actionsOf is how many actions an execution must have carried out.
func actionsOf(t *testing.T, e *node.Execution) int {
	t.Helper()
	if e.Workflow != "bench_fan" {
		return map[string]int{"bench_seq_1": 1, "bench_seq_2": 2, "bench_seq_20": 20, "bench_fork_50": 51}[e.Workflow]
	}
	var input struct{ N int }
	if err := json.Unmarshal(e.Input, &input); err != nil {
		t.Fatal(err)
	}
	return input.N
}
