package node_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cierzo/node"
)

// TestMetricsAreExplained: every metric has its help, and the page and the dashboard know no others.
func TestMetricsAreExplained(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	n := start(ctx, t, node.Config{Store: "memory:"})
	help, shown := node.MetricHelp(), map[string]bool{}
	for name := range n.Metrics() {
		name, _, _ = strings.Cut(name, "{")
		if shown[name] = true; help[name] == "" {
			t.Errorf("nothing is said of %s", name)
		}
	}
	for name := range help {
		if configured := strings.HasPrefix(name, "cierzo_amqp_") || name == "cierzo_executions_expired_total"; !shown[name] && !configured {
			t.Errorf("%s is explained, and no node shows it", name)
		}
	}
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(cierzo_[a-z_]+)` \\| (.*) \\|$").FindAllStringSubmatch(string(page), -1) {
		said[row[1]] = row[2]
	}
	if !maps.Equal(said, help) {
		for _, name := range slices.Sorted(maps.Keys(help)) {
			if said[name] != help[name] {
				t.Errorf("docs/metrics.md: %s is %q, want %q", name, said[name], help[name])
			}
		}
		for name := range said {
			if help[name] == "" {
				t.Errorf("docs/metrics.md: there is no metric %s", name)
			}
		}
	}
	for _, file := range []string{"../docs/metrics.md", "../docs/grafana.json"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`cierzo_[a-z_]+[a-z]`).FindAllString(string(text), -1) {
			if help[name] == "" {
				t.Errorf("%s names %s, which is no metric", file, name)
			}
		}
	}
}
