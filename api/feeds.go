package api

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"cierzo/persistence"
	"cierzo/workflow"
)

// Streams of all executions share their feeds: a node looks once for all that ask for the same, and not at all when nobody
// does. A stream that goes on behind an event reads for itself what it has missed, and then hears what the others hear.

const (
	// feedPause lies between two looks of a feed, and feedShare is which part of the time they may take: one over this. A look
	// at thousands of executions is made less often.
	feedPause = 500 * time.Millisecond
	feedShare = 10
	// feedPauseMax is the longest pause. A feed also looks this often when nothing seems to have changed.
	feedPauseMax = 5 * time.Second
	// looksMax is how many looks with events a listener may lag behind. One that is slower is cut off: its client goes on
	// behind the last event that it has got.
	looksMax = 64
)

// feedKey says of what a feed tells.
type feedKey struct{ project, workflow string }

// feeds are those that somebody listens to.
type feeds struct {
	store feedStore
	now   func() time.Time
	// changes is Config.Changes.
	changes func(ctx context.Context) (count uint64, all bool)

	mu   sync.Mutex
	open map[feedKey]*sharedFeed
}

// sharedFeed is a feed with its listeners. Its goroutine ends with the last of them, or when a look fails.
type sharedFeed struct {
	owner  *feeds
	key    feedKey
	cancel context.CancelFunc
	begun  chan struct{} // closed when it hears
	ended  chan struct{} // closed when the goroutine ends; err is set before
	err    error

	listeners map[*listener]struct{} // under owner.mu; nil: it has ended
}

// look is what a feed has found at once.
type look struct {
	at     time.Time // when it began
	events []feedEvent
}

// listener is a stream that hears a feed.
type listener struct {
	of    *sharedFeed
	looks chan look // closed when nothing comes any more
	err   error     // why; nil: it was too slow. It is set before
	// late: a look without events says something to it, too.
	late atomic.Bool

	// What catchUp has given: the last event of each execution, which a look may give again. Looks that begin twice behind
	// known can't.
	seen  map[workflow.ExecutionID]uint64
	known time.Time
	after int
}

func newFeeds(store feedStore, now func() time.Time, changes func(ctx context.Context) (uint64, bool)) *feeds {
	return &feeds{store: store, now: now, changes: changes, open: map[feedKey]*sharedFeed{}}
}

// join makes a listener. Call leave when it hears no more; the last one of a feed waits until its goroutine has ended.
func (fs *feeds) join(ctx context.Context, key feedKey) (l *listener, leave func()) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f := fs.open[key]
	if f == nil {
		// It lives as long as any of its listeners, not as the first one.
		run, cancel := context.WithCancel(context.WithoutCancel(ctx))
		f = &sharedFeed{
			owner: fs, key: key, cancel: cancel, begun: make(chan struct{}), ended: make(chan struct{}), listeners: map[*listener]struct{}{},
		}
		fs.open[key] = f
		go f.run(run)
	}
	l = &listener{of: f, looks: make(chan look, looksMax)}
	f.listeners[l] = struct{}{}
	return l, l.leave
}

func (l *listener) leave() {
	f, fs := l.of, l.of.owner
	fs.mu.Lock()
	delete(f.listeners, l)
	last := f.listeners != nil && len(f.listeners) == 0
	if last && fs.open[f.key] == f {
		delete(fs.open, f.key)
	}
	fs.mu.Unlock()
	if last {
		f.cancel()
		<-f.ended
	}
}

// run looks until the context ends.
func (f *sharedFeed) run(ctx context.Context) {
	defer f.cancel()
	err := f.follow(ctx)
	if ctx.Err() != nil {
		err = nil
	}
	f.owner.mu.Lock()
	defer f.owner.mu.Unlock()
	if f.owner.open[f.key] == f {
		delete(f.owner.open, f.key)
	}
	f.err = err
	for l := range f.listeners {
		l.err = err
		close(l.looks)
	}
	f.listeners = nil
	close(f.ended)
}

func (f *sharedFeed) follow(ctx context.Context) error {
	own := f.owner.feed(f.key, f.owner.now())
	changed, all := f.owner.changed(ctx)
	if err := own.begin(ctx, false); err != nil {
		return err
	}
	close(f.begun)
	looked, pause := time.Now(), feedPause
	for {
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
		// Counted before the look: what is committed meanwhile makes the next one.
		count, sure := f.owner.changed(ctx)
		if sure && all && count == changed && time.Since(looked) < feedPauseMax {
			continue
		}
		from := time.Now()
		now := f.owner.now()
		events, err := own.poll(ctx, now)
		if err == nil {
			err = encode(events)
		}
		if err != nil {
			return err
		}
		f.tell(look{at: now, events: events})
		changed, all, looked = count, sure, from
		pause = min(max(feedPause, (feedShare-1)*time.Since(from)), feedPauseMax)
	}
}

func (fs *feeds) feed(key feedKey, since time.Time) *feed {
	return &feed{
		store: fs.store, query: persistence.ExecutionsQuery{ProjectID: key.project, WorkflowName: key.workflow},
		since: since, seen: map[workflow.ExecutionID]uint64{},
	}
}

func (fs *feeds) changed(ctx context.Context) (count uint64, all bool) {
	if fs.changes == nil {
		return 0, false
	}
	return fs.changes(ctx)
}

// tell gives a look to all listeners, and cuts off those that are too slow.
func (f *sharedFeed) tell(k look) {
	f.owner.mu.Lock()
	defer f.owner.mu.Unlock()
	for l := range f.listeners {
		if len(k.events) == 0 && !l.late.Load() {
			continue
		}
		select {
		case l.looks <- k:
		default:
			close(l.looks)
			delete(f.listeners, l)
		}
	}
}

// catchUp gives what has happened since a time, until now.
func (l *listener) catchUp(ctx context.Context, since time.Time) ([]feedEvent, error) {
	// What happens from here on comes by the looks.
	select {
	case <-l.of.begun:
	case <-l.of.ended:
		return nil, l.of.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	fs := l.of.owner
	own := fs.feed(l.of.key, since)
	if err := own.begin(ctx, true); err != nil {
		return nil, err
	}
	events, err := own.poll(ctx, fs.now())
	if err != nil {
		return nil, err
	}
	l.seen, l.known = map[workflow.ExecutionID]uint64{}, fs.now()
	l.late.Store(true)
	for _, e := range events {
		l.seen[e.execution] = max(l.seen[e.execution], e.event.Seq)
	}
	return events, encode(events)
}

// news are the events of a look that catchUp hasn't given.
func (l *listener) news(k look) []feedEvent {
	if l.seen == nil {
		return k.events
	}
	var out []feedEvent
	for _, e := range k.events {
		if e.event.Seq > l.seen[e.execution] {
			out = append(out, e)
		}
	}
	if k.at.After(l.known) {
		if l.after++; l.after == 2 {
			l.seen = nil
			l.late.Store(false)
		}
	}
	return out
}

// encode makes the lines that all listeners send.
func encode(events []feedEvent) error {
	for i := range events {
		e := &events[i]
		item, err := eventJSON(e.execution, &e.event)
		if err != nil {
			return err
		}
		item.WorkflowName = e.workflow
		if e.line, err = jsonLine(item); err != nil {
			return fmt.Errorf("event %d of execution %s: %w", e.event.Seq, e.execution, err)
		}
	}
	return nil
}
