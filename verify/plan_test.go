package verify

import (
	"fmt"
	"testing"
	"time"

	"cierzo/dsl"
	"cierzo/workflow"
)

// TestPlansAreWorkflows: whatever the seed, what is drawn is valid, compiles, and ends within a bounded time.
func TestPlansAreWorkflows(t *testing.T) {
	t.Parallel()
	runs := []string{"0badcafe", "72719088", "12e45678"} // the second and the third are numbers to YAML
	for seed := range uint64(40) {
		p := draw(runs[seed%3], seed, 5, time.Second)
		doc, diagnostics := dsl.Parse("plan.yaml", []byte(p.text()))
		if len(diagnostics) > 0 {
			t.Fatalf("seed %d: %v\n%s", seed, diagnostics, p.text())
		}
		if len(doc.Workflows) != len(p.flows) {
			t.Fatalf("seed %d: %d workflows of %d flows", seed, len(doc.Workflows), len(p.flows))
		}
		for _, w := range doc.Workflows {
			if _, err := workflow.Compile(w, w.Name, ""); err != nil {
				t.Errorf("seed %d, %s: %v", seed, w.Name, err)
			}
		}
		if d := p.longest(); d < time.Second || d > 5*time.Minute {
			t.Errorf("seed %d: the longest workflow takes %s", seed, d)
		}
	}
}

// TestSameSeedSamePlan: a seed decides everything but the names.
func TestSameSeedSamePlan(t *testing.T) {
	t.Parallel()
	describe := func(seed uint64) string {
		p := draw("0badcafe", seed, 50, time.Minute)
		text := p.text()
		for _, s := range p.subjects {
			text += fmt.Sprintln(s.no, s.flow.name, s.key, s.named, s.at, s.commands)
		}
		return text
	}
	if first, again := describe(7), describe(7); first != again {
		t.Error("the same seed gives different plans")
	}
	if describe(7) == describe(8) {
		t.Error("different seeds give the same plan")
	}
}
