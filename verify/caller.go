package verify

import (
	"context"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"cierzo/api/client"
	"cierzo/fault"
	"cierzo/internal/wait"
	"cierzo/verify/check"
)

const (
	// tryTimeout is how long one request may take.
	tryTimeout = 15 * time.Second
	// The pauses before a request without an answer is sent again.
	againMin, againMax = 100 * time.Millisecond, time.Second
)

// cluster is the servers, as all callers share them.
type cluster struct {
	clients []*client.Client
	began   time.Time
	limit   limiter

	mu     sync.Mutex
	kinds  map[string]*kind
	errors map[string]int  // what requests without an answer ended in, by text
	missed []time.Duration // when there was no answer
}

// missedMax bounds what is remembered of requests without an answer.
const missedMax = 100_000

// kind is what one kind of request has come to.
type kind struct {
	took                     []time.Duration // of the answered ones, from the first try on
	done, refused, unknown   int
	tries, repeated, serverx int // requests sent; of them sent again; answered by an error 500
}

func newCluster(clients []*client.Client, rate int) *cluster {
	return &cluster{
		clients: clients, began: time.Now(), limit: limiter{gap: time.Second / time.Duration(rate)}, kinds: map[string]*kind{}, errors: map[string]int{},
	}
}

// since is the time on the clock of the whole run.
func (c *cluster) since() time.Duration { return time.Since(c.began) }

// limiter spreads requests over time.
type limiter struct {
	gap time.Duration
	mu  sync.Mutex
	at  time.Time
}

// wait returns when the next request may be sent; an error when ctx is done before.
func (l *limiter) wait(ctx context.Context) error {
	l.mu.Lock()
	now := time.Now()
	if l.at.Before(now) {
		l.at = now
	}
	d := l.at.Sub(now)
	l.at = l.at.Add(l.gap)
	l.mu.Unlock()
	return wait.For(ctx, d)
}

// caller is one user: it stays with a server until that doesn't answer.
type caller struct {
	*cluster
	at int
}

// answered is what became of a request with its repetitions.
type answered struct {
	call, end time.Duration
	// again: it was sent more than once, so an earlier try may have been carried out.
	again bool
	err   error
}

// unknown reports whether there was no answer, or one that says nothing.
func (a answered) unknown() bool {
	return fault.Is(a.err, fault.Unavailable) || fault.Is(a.err, fault.Internal)
}

// answer is what a command's user knows. One that was refused when it was sent again may have been carried out before, or may
// be still.
func (a answered) answer() check.Answer {
	switch {
	case a.err == nil:
		return check.Done
	case a.unknown() || a.again:
		return check.Unknown
	}
	return check.Refused
}

// do sends a request until it is answered or ctx is done: the same one, so it must be safe to repeat. name is its kind.
func (c *caller) do(ctx context.Context, name string, fn func(context.Context, *client.Client) error) answered {
	a := answered{call: c.since()}
	began := time.Now()
	tries, broken := 0, 0
	for pause := againMin; ; pause = min(2*pause, againMax) {
		if err := c.limit.wait(ctx); err != nil {
			if a.err == nil {
				a.err = fault.Wrap(fault.Unavailable, err, "%s", name)
			}
			break
		}
		if tries == 0 {
			a.call, began = c.since(), time.Now()
		}
		tries++
		try, cancel := context.WithTimeout(ctx, tryTimeout)
		a.err = fn(try, c.clients[c.at%len(c.clients)])
		cancel()
		if !a.unknown() {
			break
		}
		if fault.Is(a.err, fault.Internal) {
			broken++
		}
		c.noted(a.err)
		a.again = true
		c.at++
		if wait.For(ctx, pause) != nil {
			break
		}
	}
	a.end = c.since()
	c.count(name, a, time.Since(began), tries, broken)
	return a
}

// noted counts an error by its text, without what differs each time.
func (c *cluster) noted(err error) {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 && len(text)-i < 60 {
		text = text[i+2:]
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.missed) < missedMax {
		c.missed = append(c.missed, c.since())
	}
	if _, known := c.errors[text]; known || len(c.errors) < 50 {
		c.errors[text]++
	}
}

func (c *cluster) count(name string, a answered, took time.Duration, tries, broken int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.kinds[name]
	if k == nil {
		k = &kind{}
		c.kinds[name] = k
	}
	k.tries += tries
	k.repeated += max(tries-1, 0)
	k.serverx += broken
	switch {
	case a.err == nil:
		k.done++
		k.took = append(k.took, took)
	case a.unknown():
		k.unknown++
	default:
		k.refused++
		k.took = append(k.took, took)
	}
}

// quantile of durations: the smallest that so many (0 to 1) of them don't exceed. 0 of none.
func quantile(list []time.Duration, q float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	return sorted[min(max(int(math.Ceil(q*float64(len(sorted))))-1, 0), len(sorted)-1)]
}
