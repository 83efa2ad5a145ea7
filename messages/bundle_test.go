package messages

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
)

func outcome(action string, bytes int) *ToExecution {
	return &ToExecution{Message: &ToExecution_ActionFinished{ActionFinished: &ActionFinished{
		Attempt: &Attempt{ActionId: action}, Value: []byte(strings.Repeat("x", bytes)),
	}}}
}

func TestBundlesAreInOrderAndSmall(t *testing.T) {
	t.Parallel()
	var b Bundles[string, *ToExecution]
	want := map[string][]string{}
	for i := range 1000 {
		to, action := fmt.Sprint("to ", i%70), fmt.Sprint(i)
		b.Add(to, outcome(action, i*37%5000))
		want[to] = append(want[to], action)
	}
	b.Add("large", outcome("1", 10*bundleBytesMax))
	b.Add("large", outcome("2", 1))
	b.Add("large", outcome("3", 1))
	want["large"] = []string{"1", "2", "3"}
	for i := range bundleMax + 1 {
		b.Add("many", outcome(fmt.Sprint(i), 0))
		want["many"] = append(want["many"], fmt.Sprint(i))
	}
	got, sizes := map[string][]string{}, map[string][]int{}
	b.Take(func(to string, parts []*ToExecution) {
		m := BundleForExecution(to, parts)
		if n := proto.Size(m); n > 2*bundleBytesMax && len(parts) > 1 {
			t.Errorf("a bundle of %d messages has %d bytes", len(parts), n)
		}
		if m.ExecutionId != to {
			t.Errorf("a bundle for %q says it is for %q", to, m.ExecutionId)
		}
		for _, part := range m.Parts() {
			got[to] = append(got[to], part.GetActionFinished().Attempt.ActionId)
		}
		sizes[to] = append(sizes[to], len(parts))
	})
	for to := range want {
		if !slices.Equal(got[to], want[to]) {
			t.Errorf("to %q went %v, want %v", to, got[to], want[to])
		}
	}
	if fmt.Sprint(sizes["large"], sizes["many"]) != fmt.Sprintf("[1 2] [%d 1]", bundleMax) {
		t.Errorf("bundles of %v and %v messages", sizes["large"], sizes["many"])
	}
	if !b.Empty() {
		t.Error("something is left")
	}
}

func TestBundleForRunner(t *testing.T) {
	t.Parallel()
	run := func(action string) *ToRunner {
		return &ToRunner{Message: &ToRunner_Run{Run: &RunAction{Attempt: &Attempt{ActionId: action}}}}
	}
	one := BundleForRunner([]*ToRunner{run("a")})
	if one.GetBundle() != nil || len(one.Parts()) != 1 || one.Parts()[0].GetRun().Attempt.ActionId != "a" {
		t.Errorf("of one message: %v", one)
	}
	two := BundleForRunner([]*ToRunner{run("a"), run("b")})
	if len(two.Parts()) != 2 || two.Parts()[1].GetRun().Attempt.ActionId != "b" {
		t.Errorf("of two messages: %v", two)
	}
	in := &ToRunner{Message: &ToRunner_Bundle{Bundle: &RunnerBundle{Messages: []*ToRunner{two}}}}
	if parts := in.Parts(); len(parts) != 1 || parts[0].GetRun() != nil {
		t.Errorf("a bundle in a bundle: %v", parts)
	}
}
