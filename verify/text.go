package verify

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// textMax bounds the violations of one checker in the summary; the other forms have all that were kept.
const textMax = 5

// Text writes the summary for people.
func (rep *Report) Text(out io.Writer) error {
	var b strings.Builder
	n := rep.Counts
	fmt.Fprintf(&b, "%s: run %s, seed %d, %s\n", rep.verdict(), rep.Run, rep.Seed, rep.Took)
	fmt.Fprintf(&b, "%d executions (%d of them sub-workflows), %d tasks, %d actions, %d events; %d commands; %.1f actions/s\n",
		n.Executions, n.Children, n.Tasks, n.Actions, n.Events, n.Commands, rep.Rates.Actions)
	fmt.Fprintf(&b, "%d requests, %d of them sent again, %d answers 500; an execution took p50 %.0f ms, p99 %.0f ms\n",
		n.Requests, n.Repeated, n.ServerErrors, rep.Ends.P50, rep.Ends.P99)
	for _, f := range rep.Faults {
		fmt.Fprintf(&b, "%s %d at %s: exit %d; %d executions were under way and went on after p50 %.0f ms, p99 %.0f ms\n",
			f.Phase, f.Round, f.At, f.Exit, f.Recovery.Count, f.Recovery.P50, f.Recovery.P99)
	}
	for _, c := range rep.Repairs {
		fmt.Fprintf(&b, "repaired by the cluster: %s, %d times\n", c.What, c.Count)
	}
	for _, t := range rep.Trouble[:min(len(rep.Trouble), textMax)] {
		fmt.Fprintf(&b, "trouble: %s\n", t)
	}
	b.WriteString("\n")
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "request\tdone\trefused\tunanswered\tsent again\tp50 ms\tp99 ms")
	for _, r := range rep.Requests {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%.0f\t%.0f\n", r.Kind, r.Done, r.Refused, r.Unknown, r.Repeated, r.Latency.P50, r.Latency.P99)
	}
	fmt.Fprintln(w, "\t\t\t\t\t\t")
	fmt.Fprintln(w, "checker\tchecked\t\tviolations\t\t\t")
	for _, v := range rep.Checkers {
		fmt.Fprintf(w, "%s\t%d\t%s\t%d\t\t\t\n", v.Checker, v.Checked, v.Of, len(v.Violations)+v.More)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, v := range rep.Checkers {
		for i, one := range v.Violations {
			if i == textMax {
				fmt.Fprintf(&b, "%s: and %d more\n", v.Checker, len(v.Violations)+v.More-textMax)
				break
			}
			fmt.Fprintf(&b, "%s: %s%s\n", v.Checker, about(one.Execution), one.Text)
		}
	}
	fmt.Fprintf(&b, "\nrepeat: %s\n", rep.Repeat)
	if rep.Left != "" {
		fmt.Fprintln(&b, rep.Left)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func (rep *Report) verdict() string {
	if rep.Passed {
		return "PASSED"
	}
	return "FAILED"
}

func about(execution string) string {
	if execution == "" {
		return ""
	}
	return "execution " + execution + ": "
}
