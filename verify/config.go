package verify

import (
	"math/rand/v2"
	"time"

	"cierzo/api/client"
	"cierzo/fault"
)

// Config says what to verify, how much of it, and how long.
type Config struct {
	// Clients are the REST APIs of one cluster. A request without an answer goes to the next one. At least one.
	Clients []*client.Client
	// Executions to start. Defaults to 100; at most ExecutionsMax.
	Executions int
	// Duration over which they are started. Defaults to 30 s.
	Duration time.Duration
	// Concurrency is how many of them are under way at a time. Defaults to 25; at most ConcurrencyMax.
	Concurrency int
	// Rate is the most requests per second. Defaults to 100, or to 4 for each of Concurrency; at most RateMax.
	Rate int
	// Seed of workflows and commands. Defaults to one that is drawn.
	Seed uint64
	// Settle is the time after the last fault within which everything must have ended, the time that the longest workflow
	// takes by itself added. Defaults to 30 s.
	Settle time.Duration
	// Nemesis is a command for the shell that breaks something. "": nothing is broken.
	Nemesis string
	// NemesisEvery is the time between two runs of it. Defaults to 0: it is run once, in the middle of Duration.
	NemesisEvery time.Duration
	// Heal is a command for the shell that mends what is broken, run once after the last run of Nemesis. "": nothing to mend.
	Heal string
	// ExpectFaults says that something else breaks things meanwhile: repairs by the cluster are no violation then.
	ExpectFaults bool
	// Keep leaves executions and workflows where they are. They stay, too, when something was found.
	Keep bool
	// Version is that of the program that verifies, for the report.
	Version string
	// Progress is told what happens, a line at a time. Defaults to nothing.
	Progress func(line string)
}

// The limits of Config.
const (
	ExecutionsMax  = 10_000
	ConcurrencyMax = 500
	RateMax        = 2000
	DurationMax    = 24 * time.Hour
)

func (c *Config) defaults() error {
	if len(c.Clients) == 0 {
		return fault.New(fault.Invalid, "verify: no server")
	}
	for _, limit := range []struct {
		name     string
		v        *int
		def, max int
	}{
		{"executions", &c.Executions, 100, ExecutionsMax},
		{"concurrency", &c.Concurrency, 25, ConcurrencyMax},
		{"rate", &c.Rate, max(100, 4*c.Concurrency), RateMax},
	} {
		if *limit.v == 0 {
			*limit.v = limit.def
		}
		if *limit.v < 1 || *limit.v > limit.max {
			return fault.New(fault.Invalid, "verify: %s is %d, it may be 1 to %d", limit.name, *limit.v, limit.max)
		}
	}
	if c.Rate < c.Concurrency {
		return fault.New(fault.Invalid, "verify: %d requests per second are too few for %d executions at a time: each wants one", c.Rate, c.Concurrency)
	}
	for _, limit := range []struct {
		name     string
		v        *time.Duration
		def, min time.Duration
	}{
		{"duration", &c.Duration, 30 * time.Second, time.Second},
		{"settle", &c.Settle, 30 * time.Second, time.Second},
	} {
		if *limit.v == 0 {
			*limit.v = limit.def
		}
		if *limit.v < limit.min || *limit.v > DurationMax {
			return fault.New(fault.Invalid, "verify: %s is %s, it may be %s to %s", limit.name, *limit.v, limit.min, DurationMax)
		}
	}
	if c.NemesisEvery < 0 || c.NemesisEvery > 0 && c.NemesisEvery < time.Second {
		return fault.New(fault.Invalid, "verify: the nemesis is to run every %s; the least is 1s", c.NemesisEvery)
	}
	if c.Nemesis == "" && (c.Heal != "" || c.NemesisEvery != 0) {
		return fault.New(fault.Invalid, "verify: there is no nemesis to repeat, or to heal after")
	}
	if c.Seed == 0 {
		c.Seed = 1 + uint64(rand.Uint32())
	}
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	return nil
}
