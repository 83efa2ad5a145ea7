package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"cierzo/fault"
)

// insidePeer ends the name of a measurement whose actions ran in the engine's process.
const insidePeer = "-inside"

// floorOf is the minimal engine with the same kind of database that costs are compared with, by the peer's name.
func floorOf(peer string) string {
	if strings.Contains(peer, "sqlite") || strings.Contains(peer, "sqlfile") || strings.Contains(peer, "sqlmem") {
		return "floorg-sqlite"
	}
	return "floorg-pg"
}

// results are those of several programs, by program and workload.
type results struct {
	by    map[[2]string][]Result
	peers []string // in order
}

func readResults(r io.Reader) (*results, error) {
	all := &results{by: map[[2]string][]Result{}}
	for d := json.NewDecoder(r); ; {
		var row struct {
			Result
			Run json.RawMessage `json:"run"` // some write a text
		}
		err := d.Decode(&row)
		if errors.Is(err, io.EOF) {
			slices.Sort(all.peers)
			return all, nil
		}
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "results")
		}
		if row.Error != "" || row.Peer == "limits" {
			continue
		}
		key := [2]string{row.Peer, row.Workload}
		all.by[key] = append(all.by[key], row.Result)
		if !slices.Contains(all.peers, row.Peer) {
			all.peers = append(all.peers, row.Peer)
		}
	}
}

// middle is the median of what a program's runs of a workload say; 0 is nothing.
func (a *results) middle(peer, workload string, of func(Result) float64) float64 {
	var all []float64
	for _, r := range a.by[[2]string{peer, workload}] {
		if v := of(r); v > 0 {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// Ratios reads results of several programs, an object a line, and gives tables of their medians: what an action costs, that in
// units of the floor of the same runs, and the throughput in units of theirs. Members of the objects are those of Result.
func Ratios(r io.Reader) (string, error) {
	all, err := readResults(r)
	if err != nil {
		return "", err
	}
	peers, middle := all.peers, all.middle
	cpu := func(r Result) float64 { return r.CPU }
	rate := func(r Result) float64 { return r.Throughput }
	var b strings.Builder
	table := func(title string, workloads []string, cell func(peer, workload string) string) {
		fmt.Fprintf(&b, "%s\n\n| |%s|\n|---|%s\n", title, strings.Join(workloads, "|"), strings.Repeat("--:|", len(workloads)))
		for _, p := range peers {
			fmt.Fprintf(&b, "| %s |", p)
			for _, w := range workloads {
				fmt.Fprintf(&b, " %s |", cell(p, w))
			}
			b.WriteByte('\n')
		}
		b.WriteByte('\n')
	}
	costs := []string{"W1", "W2", "W3", "W4", "W5"}
	table("Processor time for an action, milliseconds: engine, runner, client and database", costs, func(p, w string) string {
		return figure(middle(p, w, cpu), 3)
	})
	table("The same in units of the floor with the same database", costs, func(p, w string) string {
		return ratio(middle(p, w, cpu), middle(floorOf(p), w, cpu))
	})
	throughput := func(title, kind string) {
		table(title, costs[:4], func(p, w string) string {
			own := "cierzo-pg"
			if floorOf(p) == "floorg-sqlite" {
				own = "cierzo-sqlite"
			}
			return ratio(middle(own+kind, w, rate), middle(p, w, rate))
		})
	}
	throughput("Actions a second, cierzo's in units of each", "")
	if slices.ContainsFunc(peers, func(p string) bool { return strings.HasSuffix(p, insidePeer) }) {
		throughput("Actions a second, in units of each, of cierzo with its runner in the engine's process", insidePeer)
	}
	table("Bytes of write-ahead log for an action", []string{"W1", "W2", "W3", "W4", "W7"}, func(p, w string) string {
		return figure(middle(p, w, func(r Result) float64 { return r.WAL }), 0)
	})
	table("Writing transactions for an action", []string{"W1", "W2", "W3", "W4", "W7"}, func(p, w string) string {
		return figure(middle(p, w, func(r Result) float64 { return max(r.Writing, r.Commits) }), 3)
	})
	table("Latency of a workflow of one action, milliseconds", []string{"p50", "p95", "p99"}, func(p, w string) string {
		return figure(middle(p, "W5", func(r Result) float64 {
			return map[string]float64{"p50": r.P50, "p95": r.P95, "p99": r.P99}[w]
		}), 2)
	})
	return b.String(), nil
}

func figure(v float64, digits int) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.*f", digits, v)
}

func ratio(a, b float64) string {
	if a == 0 || b == 0 {
		return "-"
	}
	if a/b >= 10 {
		return fmt.Sprintf("%.0f", a/b)
	}
	return fmt.Sprintf("%.2f", a/b)
}
