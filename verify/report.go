package verify

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"cierzo/api/apitype"
	"cierzo/verify/check"
	"cierzo/workflow"
)

// Report is what a run has found, with every figure.
type Report struct {
	Passed   bool             `json:"passed"`
	Run      string           `json:"run"` // leads the names of its workflows
	Seed     uint64           `json:"seed"`
	Repeat   string           `json:"repeat"`  // the command that does the same again
	Version  string           `json:"version"` // of the program that verified
	Servers  []Server         `json:"servers"`
	Nodes    []apitype.Node   `json:"nodes"` // as the cluster named them before the run
	Runners  []apitype.Runner `json:"runners"`
	Began    time.Time        `json:"began"`
	Took     Seconds          `json:"took_s"`    // with the reading at the end
	Settled  Seconds          `json:"settled_s"` // from the last fault, or the last moment for starts, until all had ended
	Settings Settings         `json:"settings"`
	Counts   Counts           `json:"counts"`
	States   map[string]int   `json:"states"` // executions by their final state, sub-workflows too
	Rates    Rates            `json:"per_second"`
	Ends     Latency          `json:"execution_time"` // from the request to start until the end was seen
	Requests []Request        `json:"requests"`
	Errors   []Count          `json:"unanswered"` // what requests without an answer ended in
	Faults   []Fault          `json:"faults"`
	Repairs  []Count          `json:"repairs"` // by the cluster's watchdog, by cause
	Checkers []Verdict        `json:"checkers"`
	Trouble  []string         `json:"trouble"` // starts that were refused or never answered
	Timeline []Moment         `json:"timeline"`
	Left     string           `json:"left,omitempty"` // what is left in the cluster
}

// Server is an address that was asked.
type Server struct {
	Address string `json:"address"`
	Store   string `json:"store"`
	Schema  int    `json:"schema"`
}

// Settings is the Config of the run.
type Settings struct {
	Executions   int     `json:"executions"`
	Duration     Seconds `json:"duration_s"`
	Concurrency  int     `json:"concurrency"`
	Rate         int     `json:"rate"`
	Settle       Seconds `json:"settle_s"`
	Longest      Seconds `json:"longest_s"` // what the longest workflow takes by itself
	Nemesis      string  `json:"nemesis,omitempty"`
	NemesisEvery Seconds `json:"nemesis_every_s,omitempty"`
	Heal         string  `json:"heal,omitempty"`
	ExpectFaults bool    `json:"expect_faults,omitempty"`
}

// Counts is how much there was of what.
type Counts struct {
	Begun        int `json:"starts"`       // starts that were asked for
	Acknowledged int `json:"acknowledged"` // of them
	Executions   int `json:"executions"`   // that there are in the end
	Children     int `json:"sub_executions"`
	Tasks        int `json:"tasks"`
	Actions      int `json:"actions"`
	Attempts     int `json:"attempts"`
	Events       int `json:"events"`
	Commands     int `json:"commands"`
	Requests     int `json:"requests"`
	Repeated     int `json:"repeated"`
	ServerErrors int `json:"server_errors"` // answers 500
}

// Rates are figures per second of the load.
type Rates struct {
	Executions float64 `json:"executions"`
	Actions    float64 `json:"actions"`
	Requests   float64 `json:"requests"`
}

// Latency of something, in milliseconds.
type Latency struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50_ms"`
	P99   float64 `json:"p99_ms"`
	Max   float64 `json:"max_ms"`
}

// Request is one kind of requests, repetitions in one with the first.
type Request struct {
	Kind         string  `json:"kind"`
	Done         int     `json:"done"`
	Refused      int     `json:"refused"`
	Unknown      int     `json:"unknown"` // never answered
	Repeated     int     `json:"repeated"`
	ServerErrors int     `json:"server_errors"`
	Latency      Latency `json:"latency"`
}

// Count is how often there was something.
type Count struct {
	What  string `json:"what"`
	Count int    `json:"count"`
}

// Verdict is what one checker says.
type Verdict struct {
	Checker    string      `json:"checker"`
	Promise    string      `json:"promise"`
	Checked    int         `json:"checked"`
	Of         string      `json:"of"`
	Violations []Violation `json:"violations"`
	More       int         `json:"more,omitempty"` // violations that are not listed
}

// Violation is a promise that wasn't kept.
type Violation struct {
	Execution string `json:"execution,omitempty"`
	Text      string `json:"text"`
}

// Moment is a second of the run.
type Moment struct {
	At      int `json:"at_s"`
	Started int `json:"started"`
	Ended   int `json:"ended"`
	Missed  int `json:"unanswered"`
}

// Seconds is a time in seconds, to the millisecond.
type Seconds float64

func seconds(d time.Duration) Seconds { return Seconds(math.Round(d.Seconds()*1000) / 1000) }

func (s Seconds) duration() time.Duration { return time.Duration(float64(s) * float64(time.Second)) }

func (s Seconds) String() string { return s.duration().Round(time.Millisecond).String() }

func latency(list []time.Duration) Latency {
	ms := func(q float64) float64 { return math.Round(quantile(list, q).Seconds()*1e4) / 10 }
	return Latency{Count: len(list), P50: ms(.5), P99: ms(.99), Max: ms(1)}
}

// promises says in a sentence what each checker holds the cluster to.
func promises() map[string]string {
	return map[string]string{
		"lost":     "An execution whose start was acknowledged is there.",
		"double":   "What is sent again under the same key is carried out once, and answered as before.",
		"seen":     "What users were shown of a history stays in it.",
		"history":  "Histories have no gaps, states go the ways that exist, and there is one final state, which only a rerun or skip takes back.",
		"outcome":  "Each action has one result, and it is the one that its input calls for, or that its user gave.",
		"grant":    "Nothing of an execution is granted after its cancel.",
		"graph":    "The tasks are those that definition and results ask for, no more and no fewer, and so is the end.",
		"limits":   "No task runs more items at a time than its concurrency allows.",
		"register": "What users were told fits some order of what they did: reads and commands are linearizable.",
		"stuck":    "Everything has come to its end in time.",
		"repair":   "Without faults nothing had to be repaired.",
	}
}

// violationsMax bounds the violations that a report lists of each checker.
const violationsMax = 100

func (r *run) begin() *Report {
	c := &r.cfg
	return &Report{
		Run: r.plan.run, Seed: c.Seed, Version: c.Version, Repeat: c.command(), Servers: []Server{}, Nodes: []apitype.Node{}, Runners: []apitype.Runner{},
		Settings: Settings{
			Executions: c.Executions, Duration: seconds(c.Duration), Concurrency: c.Concurrency, Rate: c.Rate, Settle: seconds(c.Settle),
			Longest: seconds(r.plan.longest()), Nemesis: c.Nemesis, NemesisEvery: seconds(c.NemesisEvery), Heal: c.Heal, ExpectFaults: c.ExpectFaults,
		},
		States: map[string]int{}, Requests: []Request{}, Errors: []Count{}, Faults: []Fault{}, Repairs: []Count{}, Checkers: []Verdict{},
		Trouble: []string{}, Timeline: []Moment{},
	}
}

// command is the command line that repeats the run.
func (c *Config) command() string {
	var b strings.Builder
	fmt.Fprintf(&b, "cierzo verify --seed %d --executions %d --duration %s --concurrency %d --rate %d --settle %s", c.Seed, c.Executions, c.Duration, c.Concurrency, c.Rate, c.Settle)
	if len(c.Clients) > 1 {
		var list []string
		for _, cl := range c.Clients {
			list = append(list, strings.TrimSuffix(cl.Address(), "/v2"))
		}
		b.WriteString(" --servers " + strings.Join(list, ","))
	}
	if c.Nemesis != "" {
		b.WriteString(" --nemesis " + quoted(c.Nemesis))
	}
	if c.NemesisEvery > 0 {
		fmt.Fprintf(&b, " --nemesis-every %s", c.NemesisEvery)
	}
	if c.Heal != "" {
		b.WriteString(" --heal " + quoted(c.Heal))
	}
	if c.ExpectFaults {
		b.WriteString(" --expect-faults")
	}
	return b.String()
}

// quoted is a word for the shell.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// judge has the checkers look at the case, and fills in the figures.
func (r *run) judge(c *check.Case) {
	rep := r.report
	rep.Faults = append(rep.Faults, r.nemesis.faults...)
	for i := range rep.Faults {
		rep.Faults[i].Recovery = latency(r.load.under(rep.Faults[i].At.duration()))
	}
	r.repairs(c)
	rep.Passed = true
	for _, v := range c.Judge() {
		out := Verdict{Checker: v.Checker, Promise: promises()[v.Checker], Checked: v.Checked, Of: v.Of, Violations: []Violation{}}
		for i, one := range v.Violations {
			if i == violationsMax {
				out.More = len(v.Violations) - violationsMax
				break
			}
			out.Violations = append(out.Violations, Violation{string(one.Execution), one.Text})
		}
		rep.Passed = rep.Passed && len(v.Violations) == 0
		rep.Checkers = append(rep.Checkers, out)
	}
	rep.Trouble = append(rep.Trouble, r.load.trouble...)
	rep.Took = seconds(r.cluster.since())
	r.count(c)
	r.requests()
	r.timeline()
}

// repairs counts what the cluster's watchdog had to do. Where nothing was broken there is nothing to repair.
func (r *run) repairs(c *check.Case) {
	causes := map[string]int{}
	for _, x := range c.Executions {
		for _, h := range x.History {
			cause, ok := h.Repair()
			if !ok {
				continue
			}
			causes[string(cause)]++
			if r.cfg.Nemesis == "" && !r.cfg.ExpectFaults {
				c.Repairs = append(c.Repairs, fmt.Sprintf("execution %s, event %d: %s", x.ID, h.Seq, h.Info))
			}
		}
	}
	slices.Sort(c.Repairs)
	r.report.Repairs = counts(causes)
}

// counts lists what there was most of first.
func counts(of map[string]int) []Count {
	out := []Count{}
	for _, what := range slices.Sorted(maps.Keys(of)) {
		out = append(out, Count{what, of[what]})
	}
	slices.SortStableFunc(out, func(a, b Count) int { return cmp.Compare(b.Count, a.Count) })
	return out
}

func (r *run) count(c *check.Case) {
	n := &r.report.Counts
	for _, x := range c.Executions {
		n.Executions++
		if x.ParentTaskID != "" {
			n.Children++
		}
		n.Tasks += len(x.Tasks)
		n.Events += len(x.History)
		r.report.States[string(x.State)]++
		for _, a := range x.Actions {
			if a.Kind == workflow.KindAction {
				n.Actions++
				n.Attempts += a.Attempt
			}
		}
	}
	n.Begun = len(r.load.began)
	n.Acknowledged = len(r.load.answers)
	for _, op := range c.Ops {
		if op.Kind != check.Get && op.Kind != check.Start {
			n.Commands++
		}
	}
	var took []time.Duration
	var last time.Duration
	for no, end := range r.load.ended {
		took = append(took, end-r.load.began[no])
		last = max(last, end)
	}
	r.report.Ends = latency(took)
	if last > 0 {
		per := func(k int) float64 { return math.Round(float64(k)/last.Seconds()*10) / 10 }
		r.report.Rates = Rates{Executions: per(n.Executions), Actions: per(n.Actions)}
	}
}

func (r *run) requests() {
	r.cluster.mu.Lock()
	defer r.cluster.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(r.cluster.kinds)) {
		k := r.cluster.kinds[name]
		r.report.Requests = append(r.report.Requests, Request{
			Kind: name, Done: k.done, Refused: k.refused, Unknown: k.unknown, Repeated: k.repeated, ServerErrors: k.serverx, Latency: latency(k.took),
		})
		r.report.Counts.Requests += k.tries
		r.report.Counts.Repeated += k.repeated
		r.report.Counts.ServerErrors += k.serverx
	}
	r.report.Rates.Requests = math.Round(float64(r.report.Counts.Requests)/max(r.cluster.since().Seconds(), 1)*10) / 10
	r.report.Errors = counts(r.cluster.errors)
}

// timeline counts by seconds.
func (r *run) timeline() {
	at := func(d time.Duration) *Moment {
		s := int(d / time.Second)
		for len(r.report.Timeline) <= s {
			r.report.Timeline = append(r.report.Timeline, Moment{At: len(r.report.Timeline)})
		}
		return &r.report.Timeline[s]
	}
	for _, d := range r.load.began {
		at(d).Started++
	}
	for _, d := range r.load.ended {
		at(d).Ended++
	}
	for _, d := range r.cluster.missed {
		at(d).Missed++
	}
}

// JSON is the report for programs.
func (rep *Report) JSON() ([]byte, error) {
	out, err := json.MarshalIndent(rep, "", "  ")
	return append(out, '\n'), err
}
