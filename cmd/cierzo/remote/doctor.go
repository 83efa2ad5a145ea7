package remote

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cierzo/api/apitype"
	"cierzo/api/client"
	"cierzo/cmd/cierzo/connect"
	"cierzo/cmd/cierzo/show"
	"cierzo/fault"
)

// check is a line of the doctor's report.
type check struct {
	Check  string `json:"check"`
	Result string `json:"result"` // "ok", "warning", "failed", "skipped"
	Text   string `json:"text"`
	Hint   string `json:"hint,omitempty"`
}

func newDoctor() *cobra.Command {
	var noRun bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Check the connection, the clock, the database and the runners", GroupID: GroupServer, Args: cobra.NoArgs,
		Long: `Check step by step what a command needs: where the server is and who we are, the connection, the clocks, the database, what we
are allowed, maintenance, and whether a runner really runs an action. The exit code is 1 when something failed.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := printer(cmd)
			if err != nil {
				return err
			}
			target, err := connect.Find(cmd.Flags(), os.LookupEnv)
			if err != nil {
				return err
			}
			d := &doctor{cmd: cmd, target: target}
			d.examine(!noRun)
			return d.report(p)
		},
	}
	cmd.Flags().BoolVar(&noRun, "no-run", false, "don't run an action")
	return sessionFlags(cmd)
}

type doctor struct {
	cmd    *cobra.Command
	target *connect.Target
	checks []check
}

func (d *doctor) add(name, result, text, hint string) {
	d.checks = append(d.checks, check{name, result, text, hint})
}

// examine goes on as far as it makes sense.
func (d *doctor) examine(run bool) {
	ctx := d.cmd.Context()
	server := d.target.Server
	if server == "" {
		server = "(in Keystone's catalogue)"
	}
	d.add("settings", "ok", fmt.Sprintf("server %s, credentials %s, from %s", server, credentials(d.target), d.target.Origin), "")
	c, err := d.target.Open(ctx)
	if err != nil {
		d.fail("credentials", err)
		return
	}
	health, err := c.Health(ctx)
	switch {
	case fault.Is(err, fault.Unavailable) && health == nil:
		d.fail("connection", err)
		return
	case health != nil:
		d.add("connection", "ok", fmt.Sprintf("%s answers after %v", c.Address(), health.Took.Round(time.Millisecond)), "")
		d.clock(health)
		d.database(health, err)
	default:
		d.fail("connection", err)
		return
	}
	if !d.access(c) {
		return
	}
	if m, err := c.Maintenance(ctx); err == nil && m.Status != "RUNNING" {
		d.add("maintenance", "warning", "the service is "+m.Status+": changes are refused", "`cierzo maintenance resume` ends it")
	} else if err == nil {
		d.add("maintenance", "ok", "none", "")
	}
	d.actions(c, run)
}

func (d *doctor) fail(name string, err error) {
	text, hint, _ := strings.Cut(Hint(err).Error(), "\n  hint: ")
	var dns *net.DNSError
	if errors.As(err, &dns) {
		hint = "the name of the host is not known here"
	}
	d.add(name, "failed", text, hint)
}

// skewMax is how much the clocks may differ before it is worth a word; the server's answer has whole seconds.
const skewMax = 5 * time.Second

func (d *doctor) clock(h *client.Health) {
	if h.Clock.IsZero() {
		d.add("clock", "skipped", "the server doesn't say its time", "")
		return
	}
	skew := time.Since(h.Clock.Add(500 * time.Millisecond)).Round(time.Second)
	if skew.Abs() > skewMax {
		d.add("clock", "warning", fmt.Sprintf("this machine's clock and the server's differ by %v", skew.Abs()), "durations and first times are wrong by so much: look at NTP on both")
		return
	}
	d.add("clock", "ok", fmt.Sprintf("the server's differs by less than %v", max(skew.Abs(), time.Second)), "")
}

func (d *doctor) database(h *client.Health, err error) {
	switch {
	case fault.Is(err, fault.NotFound):
		d.add("database", "skipped", "the server has no /healthcheck", "it may be a Mistral, where it is optional")
	case err != nil:
		d.fail("database", err)
	case h.Store == "":
		d.add("database", "skipped", "the server doesn't say: it is no cierzo", "")
	default:
		d.add("database", "ok", fmt.Sprintf("%s answers, schema %d", h.Store, h.Schema), "")
	}
}

func (d *doctor) access(c *client.Client) bool {
	_, err := c.Executions(d.cmd.Context(), url.Values{"limit": {"1"}})
	if err != nil {
		d.fail("access", err)
		return !fault.Is(err, fault.Unavailable) && !errors.Is(err, client.ErrUnauthenticated)
	}
	d.add("access", "ok", "executions can be listed", "")
	return true
}

// actions looks whether there are any, and runs one that leaves nothing behind.
func (d *doctor) actions(c *client.Client, run bool) {
	ctx := d.cmd.Context()
	list, err := c.Actions(ctx, url.Values{"fields": {"name"}}, 0)
	if err != nil {
		d.fail("actions", err)
		return
	}
	d.add("actions", "ok", fmt.Sprintf("%d are known", len(list)), "")
	d.nodes(c)
	if !run {
		d.add("runners", "skipped", "--no-run", "")
		return
	}
	began := time.Now()
	a, err := c.RunAction(ctx, apitype.NewActionExecution{
		Name: "std.echo", Input: []byte(`{"output": "doctor"}`), Params: []byte(`{"run_sync": true, "timeout": 20}`),
	})
	took := time.Since(began).Round(time.Millisecond)
	switch {
	case err != nil:
		d.fail("runners", err)
	case a.State == "ERROR" || !strings.Contains(a.Output.Value, "doctor"):
		d.add("runners", "failed", fmt.Sprintf("std.echo was not run within %v: %s", took, a.Output.Value), "`cierzo server --roles runner --join HOST:PORT` starts a runner")
	default:
		d.add("runners", "ok", fmt.Sprintf("std.echo ran in %v", took), "")
	}
}

// nodes tells who is there: engines, and the runners that the answering one hears. A Mistral says nothing, and one that may not
// ask needs not know.
func (d *doctor) nodes(c *client.Client) {
	n, err := c.Nodes(d.cmd.Context())
	if err != nil {
		return
	}
	text := fmt.Sprintf("%d %s alive", len(n.Nodes), plural(len(n.Nodes), "node"))
	result, hint := "ok", ""
	if len(n.Runners) > 0 {
		text += fmt.Sprintf("; the answering one hears %d %s: ", len(n.Runners), plural(len(n.Runners), "runner"))
	}
	for i, r := range n.Runners {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%s (%s, %d of %d slots used)", strings.Join(r.Targets, "+"), r.State, r.Used, r.Slots)
		if r.State == "silent" {
			result, hint = "warning", "actions of a silent runner are given to others after its grace: look whether its process and network are alive"
		}
	}
	d.add("nodes", result, text, hint)
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

func (d *doctor) report(p *show.Printer) error {
	failed := false
	for _, c := range d.checks {
		failed = failed || c.Result == "failed"
	}
	if p.Format != "table" && p.Format != "wide" || p.Query != "" {
		if err := p.List("checks", nil, d.checks); err != nil {
			return err
		}
	} else {
		for _, c := range d.checks {
			state := map[string]string{"ok": "SUCCESS", "warning": "PAUSED", "failed": "ERROR", "skipped": "SKIPPED"}[c.Result]
			fmt.Fprintln(p.Out, p.Paint(state, fmt.Sprintf("%s %-12s", show.Icon(state), c.Check))+" "+show.Clean(c.Text))
			if c.Hint != "" {
				fmt.Fprintf(p.Out, "  %-12s hint: %s\n", "", c.Hint)
			}
		}
	}
	if failed {
		return show.Exit{Code: show.Failed}
	}
	return nil
}
