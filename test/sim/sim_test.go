package sim

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cierzo/internal/planted"
)

var (
	seedsFlag = flag.Int("sim.seeds", 0, "how many seeds are run; 0: as many as a smoke needs")
	fromFlag  = flag.Uint64("sim.from", 1, "the first seed")
	seedFlag  = flag.Uint64("sim.seed", 0, "run only this seed")
	traceFlag = flag.String("sim.trace", "", "write the trace of the only seed or plan to this file")
	planFlag  = flag.String("sim.plan", "", "run only the plan in this file")
)

func TestMain(m *testing.M) {
	flag.Parse()
	debug.SetGCPercent(400) // worlds are small and many
	os.Exit(m.Run())
}

// smoke is how many seeds are run when nobody says how many.
func smoke() int {
	switch {
	case planted.Enabled:
		return 0
	case raceEnabled:
		return 60
	}
	return 500
}

// TestSim runs seeds. What it finds is shrunk and printed with the command that repeats it.
func TestSim(t *testing.T) {
	switch {
	case *planFlag != "":
		runOne(t, readPlan(t, *planFlag))
		return
	case *seedFlag != 0:
		runOne(t, draw(*seedFlag))
		return
	}
	n := *seedsFlag
	if n == 0 {
		n = smoke()
	}
	began := time.Now()
	var next atomic.Uint64
	next.Store(*fromFlag)
	last := *fromFlag + uint64(n)
	var mu sync.Mutex
	var sum stats
	var resumed []time.Duration
	done := 0
	t.Run("seeds", func(t *testing.T) {
		for range 3 {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for seed := next.Add(1) - 1; seed < last && !t.Failed(); seed = next.Add(1) - 1 {
					p := draw(seed)
					res := carryOut(t, p, false)
					mu.Lock()
					sum.add(res.stats)
					done++
					if res.stats.Resumed > 0 {
						resumed = append(resumed, res.stats.Resumed)
					}
					mu.Unlock()
					if len(res.violations) > 0 {
						explain(t, p, res.violations)
					}
				}
			})
		}
	})
	real := time.Since(began)
	t.Logf("%d seeds in %s, %.0f a minute: %+v", done, real.Round(time.Second), float64(done)/real.Minutes(), sum)
	if slices.Sort(resumed); len(resumed) > 0 {
		t.Logf("in %d of them something was under way after the last fault; until it moved it took p50 %s, p99 %s, most %s", len(resumed),
			resumed[len(resumed)/2], resumed[len(resumed)*99/100], resumed[len(resumed)-1])
	}
}

func readPlan(t *testing.T, file string) *plan {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p := &plan{}
	if err := json.Unmarshal(data, p); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return p
}

func runOne(t *testing.T, p *plan) {
	t.Helper()
	res := carryOut(t, p, *traceFlag != "")
	if *traceFlag != "" {
		if err := os.WriteFile(*traceFlag, []byte(p.text()+"\n"+res.text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range res.violations {
		t.Errorf("seed %d: %s", p.Seed, v)
	}
	t.Logf("trace %016x, %+v", res.trace, res.stats)
}

// TestFound repeats what the simulation has found so far, shrunk; the file's name says what it was.
func TestFound(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no plans: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			runOne(t, readPlan(t, file))
		})
	}
}

// TestSameSeedSameTrace: a seed repeats itself, message by message and commit by commit.
func TestSameSeedSameTrace(t *testing.T) {
	t.Parallel()
	n, differ := uint64(30), 0
	if raceEnabled {
		n = 5
	}
	for seed := uint64(1); seed <= n; seed++ {
		if a, b := carryOut(t, draw(seed), false), carryOut(t, draw(seed), false); a.trace != b.trace {
			differ++
		}
	}
	if t.Logf("%d of %d seeds have differed", differ, n); differ > int(n)/2 { // one in ten is usual
		t.Errorf("the same seed gives another trace in %d cases of %d", differ, n)
	}
}
