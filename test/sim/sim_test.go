package sim

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	seedsFlag = flag.Int("sim.seeds", 500, "how many seeds are run")
	fromFlag  = flag.Uint64("sim.from", 1, "the first seed")
	seedFlag  = flag.Uint64("sim.seed", 0, "run only this seed")
	traceFlag = flag.String("sim.trace", "", "write the trace of the seed to this file")
	planFlag  = flag.String("sim.plan", "", "run the plan of this file")
)

// TestSim runs seeds. What it finds is shrunk and printed with the command that repeats it.
func TestSim(t *testing.T) {
	if *planFlag != "" {
		data, err := os.ReadFile(*planFlag)
		if err != nil {
			t.Fatal(err)
		}
		p := &plan{}
		if err := json.Unmarshal(data, p); err != nil {
			t.Fatal(err)
		}
		runOne(t, p)
		return
	}
	if *seedFlag != 0 {
		runOne(t, draw(*seedFlag))
		return
	}
	began := time.Now()
	var next atomic.Uint64
	next.Store(*fromFlag)
	last := *fromFlag + uint64(*seedsFlag)
	var mu sync.Mutex
	var sum stats
	var took []time.Duration
	t.Run("seeds", func(t *testing.T) {
		for range 4 {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for seed := next.Add(1) - 1; seed < last && !t.Failed(); seed = next.Add(1) - 1 {
					res := carryOut(t, draw(seed), false)
					mu.Lock()
					sum.add(res.stats)
					took = append(took, res.stats.Took)
					mu.Unlock()
					for _, v := range res.violations {
						t.Errorf("seed %d: %s", seed, v)
					}
				}
			})
		}
	})
	t.Logf("%d seeds in %s: %+v", len(took), time.Since(began).Round(time.Millisecond), sum)
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
	fmt.Printf("trace %016x, %+v\n", res.trace, res.stats)
}

func TestPlan(t *testing.T) {
	data, _ := json.MarshalIndent(draw(*seedFlag), "", " ")
	t.Log(string(data))
}
