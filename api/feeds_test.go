package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cierzo/api/apitype"
	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// livingStore has executions that live for ever and counts who looks at them.
type livingStore struct {
	mu      sync.Mutex
	records map[workflow.ExecutionID]*workflow.ExecutionRecord
	history map[workflow.ExecutionID][]workflow.HistoryEvent
	lists   int
	slow    time.Duration // that a list takes
	err     error
}

func newLivingStore(n int) *livingStore {
	s := &livingStore{records: map[workflow.ExecutionID]*workflow.ExecutionRecord{}, history: map[workflow.ExecutionID][]workflow.HistoryEvent{}}
	for i := range n {
		id := workflow.ExecutionID(fmt.Sprintf("e%d", i))
		s.records[id] = &workflow.ExecutionRecord{ID: id, ProjectID: "p", WorkflowName: "w", State: workflow.Running, CreatedAt: time.Now().Add(-time.Hour), UpdatedAt: time.Now().Add(-time.Hour)}
		s.happen(id, time.Now().Add(-time.Hour))
	}
	return s
}

func (s *livingStore) happen(id workflow.ExecutionID, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := *s.records[id]
	r.Runtime.HistorySeq++
	r.UpdatedAt = at
	s.records[id] = &r
	s.history[id] = append(s.history[id], workflow.HistoryEvent{Seq: r.Runtime.HistorySeq, At: at, Kind: "task.state", Info: "<&>"})
}

func (s *livingStore) looked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lists
}

func (s *livingStore) FindExecution(_ context.Context, _ string, id workflow.ExecutionID) (*workflow.ExecutionRecord, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.records[id]; r != nil {
		return r, nil
	}
	return nil, fault.New(fault.NotFound, "no %s", id)
}

func (s *livingStore) ListExecutions(_ context.Context, q persistence.ExecutionsQuery) ([]*workflow.ExecutionRecord, error) {
	pass(s.slow)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lists++
	if s.err != nil {
		return nil, s.err
	}
	var out []*workflow.ExecutionRecord
	for _, r := range s.records {
		if q.ProjectID == r.ProjectID && (q.Before == nil || r.ID < q.Before.ID) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *workflow.ExecutionRecord) int { return strings.Compare(string(b.ID), string(a.ID)) })
	return out[:min(q.Limit, len(out))], nil
}

func (s *livingStore) History(_ context.Context, id workflow.ExecutionID, after uint64, limit int) ([]workflow.HistoryEvent, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.history[id][after:]
	return slices.Clone(list[:min(limit, len(list))]), nil
}

// pass lets the time of a bubble of synctest pass.
func pass(d time.Duration) {
	if d > 0 {
		<-time.After(d)
	}
}

// heard drains what a listener has got.
func heard(l *listener) string {
	var out []string
	for {
		select {
		case k, ok := <-l.looks:
			if !ok {
				return strings.Join(append(out, "cut off"), " ")
			}
			for _, e := range l.news(k) {
				out = append(out, fmt.Sprintf("%s/%d", e.execution, e.event.Seq))
			}
		default:
			return strings.Join(out, " ")
		}
	}
}

// TestListenersShareAFeed: many listeners of one project make no more looks than one, all hear the same, those of another
// project hear nothing, and when the last has gone nothing looks any more.
func TestListenersShareAFeed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newLivingStore(3)
		fs := newFeeds(store, time.Now, nil)
		var ls []*listener
		for range 20 {
			l, _ := fs.join(t.Context(), feedKey{project: "p"})
			ls = append(ls, l)
		}
		other, leaveOther := fs.join(t.Context(), feedKey{project: "q"})
		synctest.Wait()
		before := store.looked()
		store.happen("e1", time.Now())
		pass(10*feedPause + feedPause/2)
		synctest.Wait()
		if n := store.looked() - before; n != 2*2*10 { // two lists for each look, of two feeds
			t.Errorf("%d lists were read for 10 looks of 2 feeds", n)
		}
		for i, l := range ls {
			if got := heard(l); got != "e1/2" {
				t.Errorf("listener %d hears %q", i, got)
			}
		}
		if got := heard(other); got != "" {
			t.Errorf("another project hears %q", got)
		}
		leaveOther()
		for _, l := range ls {
			l.leave()
			l.leave()
		}
		if len(fs.open) != 0 {
			t.Errorf("%d feeds are left", len(fs.open))
		}
		before = store.looked()
		pass(time.Hour) // a goroutine that is left would be told by synctest, too
		if n := store.looked() - before; n != 0 {
			t.Errorf("%d lists were read for nobody", n)
		}
	})
}

// TestAQuietFeedDoesNotLook: while the count of changes stays, the store is looked at seldom; but it is.
func TestAQuietFeedDoesNotLook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newLivingStore(3)
		var mu sync.Mutex
		count, alone := uint64(7), true
		set := func(c uint64, a bool) {
			mu.Lock()
			defer mu.Unlock()
			count, alone = c, a
		}
		fs := newFeeds(store, time.Now, func(context.Context) (uint64, bool) {
			mu.Lock()
			defer mu.Unlock()
			return count, alone
		})
		l, leave := fs.join(t.Context(), feedKey{project: "p"})
		defer leave()
		synctest.Wait()
		looks := func(d time.Duration) int {
			before := store.looked()
			pass(d)
			synctest.Wait()
			return (store.looked() - before) / 2
		}
		if n := looks(time.Minute); n < 10 || n > 12 {
			t.Errorf("%d looks in a quiet minute", n)
		}
		store.happen("e0", time.Now())
		set(8, true)
		looks(feedPause)
		if got := heard(l); got != "e0/2" {
			t.Errorf("after a change it hears %q", got)
		}
		set(8, false)
		if n := looks(time.Minute); n < 115 {
			t.Errorf("%d looks in a minute in which others may write", n)
		}
		// The first time alone again still looks: the others may have written until then.
		store.happen("e2", time.Now())
		set(8, true)
		looks(feedPause)
		if got := heard(l); got != "e2/2" {
			t.Errorf("alone again it hears %q", got)
		}
	})
}

// TestAFeedTakesAShareOfTheTime: looks that take long are made less often, those that take very long each few seconds.
func TestAFeedTakesAShareOfTheTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newLivingStore(1)
		store.slow = 100 * time.Millisecond // twice a look
		fs := newFeeds(store, time.Now, nil)
		_, leave := fs.join(t.Context(), feedKey{project: "p"})
		defer leave()
		pass(time.Minute)
		if n := store.looked() / 2; n < 25 || n > 32 {
			t.Errorf("%d looks of 0.2 s in a minute, want one in 2 s", n)
		}
	})
}

// TestWhoComesBackMissesNothing: what happened while nobody listened and what happens during the reading of it is heard once.
func TestWhoComesBackMissesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newLivingStore(2)
		fs := newFeeds(store, time.Now, nil)
		away := time.Now()
		pass(time.Minute)
		store.happen("e0", time.Now())
		pass(time.Minute)
		_, leaveFirst := fs.join(t.Context(), feedKey{project: "p"})
		defer leaveFirst()
		synctest.Wait()
		store.happen("e1", time.Now()) // the running feed has yet to find it
		l, leave := fs.join(t.Context(), feedKey{project: "p"})
		defer leave()
		missed, err := l.catchUp(t.Context(), away)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range missed {
			got = append(got, fmt.Sprintf("%s/%d", e.execution, e.event.Seq))
			if !strings.Contains(string(e.line), `"info":"<&>"`) || !strings.HasSuffix(string(e.line), "\n") {
				t.Errorf("the line is %q", e.line)
			}
		}
		slices.Sort(got)
		if text := strings.Join(got, " "); text != "e0/2 e1/2" {
			t.Errorf("missed %q", text)
		}
		pass(feedPause)
		synctest.Wait()
		if text := heard(l); text != "" {
			t.Errorf("%q comes twice", text)
		}
		store.happen("e0", time.Now())
		pass(5 * feedPause)
		synctest.Wait()
		if text := heard(l); text != "e0/3" {
			t.Errorf("then it hears %q", text)
		}
		if l.seen != nil {
			t.Error("it still keeps what it has heard")
		}
	})
}

// TestSlowListenersAreCutOff: they keep no looks for ever, and disturb nobody.
func TestSlowListenersAreCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newLivingStore(1)
		fs := newFeeds(store, time.Now, nil)
		slow, leaveSlow := fs.join(t.Context(), feedKey{project: "p"})
		quick, leaveQuick := fs.join(t.Context(), feedKey{project: "p"})
		synctest.Wait()
		var all []string
		for range looksMax + 3 {
			store.happen("e0", time.Now())
			pass(feedPause + time.Millisecond)
			synctest.Wait()
			all = append(all, heard(quick))
		}
		if n := len(strings.Fields(strings.Join(all, " "))); n != looksMax+3 {
			t.Errorf("the quick one has heard %d events", n)
		}
		got := strings.Fields(heard(slow))
		if len(got) != looksMax+2 || got[looksMax+1] != "off" || slow.err != nil {
			t.Errorf("the slow one has heard %d: %v, %v", len(got), got[max(0, len(got)-3):], slow.err)
		}
		leaveSlow()
		leaveQuick()
	})
}

// TestAFeedEndsWithItsStore: when a look fails all listeners are told, and who comes next has a new feed.
func TestAFeedEndsWithItsStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newLivingStore(1)
		fs := newFeeds(store, time.Now, nil)
		l, leave := fs.join(t.Context(), feedKey{project: "p"})
		synctest.Wait()
		broken := errors.New("broken")
		store.mu.Lock()
		store.err = broken
		store.mu.Unlock()
		pass(feedPause)
		synctest.Wait()
		if got := heard(l); got != "cut off" || !errors.Is(l.err, broken) {
			t.Errorf("%q, %v", got, l.err)
		}
		next, leaveNext := fs.join(t.Context(), feedKey{project: "p"})
		if _, err := next.catchUp(t.Context(), time.Now()); !errors.Is(err, broken) {
			t.Errorf("the next hears %v", err)
		}
		leave()
		leaveNext()
		if len(fs.open) != 0 {
			t.Errorf("%d feeds are left", len(fs.open))
		}
	})
}

// TestThePastComesInPages: a page reads a bounded number of events and goes on amid a long history, also of one that has been
// deleted meanwhile; all pages together have each wanted event once.
func TestThePastComesInPages(t *testing.T) {
	t.Parallel()
	store := newLivingStore(5)
	from := time.Now()
	for i := range 2*pastEventsMax + 500 {
		store.happen("e2", from.Add(time.Duration(i)*time.Millisecond))
	}
	for id, list := range store.history {
		for i := range list {
			list[i].Kind = "task.state"
			if i%100 == 0 {
				list[i].Kind = "command"
			}
		}
		store.history[id] = list
	}
	read := func(marker string, limit int) apitype.PastEvents {
		t.Helper()
		mark, err := readPastMark(marker)
		if err != nil {
			t.Fatal(err)
		}
		p := past{store: store, kinds: []string{"comm"}, left: pastEventsMax}
		if err := p.read(t.Context(), feedKey{project: "p"}, mark, limit); err != nil {
			t.Fatal(err)
		}
		return p.out
	}
	seen := map[string]bool{}
	marker, pages := "", 0
	for ; pages == 0 || marker != ""; pages++ {
		page := read(marker, 2)
		for _, e := range page.Events {
			name := fmt.Sprintf("%s/%d", e.ExecutionID, e.Seq)
			if seen[name] || e.Kind != "command" {
				t.Errorf("%s of %s comes again, or isn't wanted", name, e.Kind)
			}
			seen[name] = true
		}
		if len(page.Events) > pastEventsMax/100+15 || page.Executions > 3 || (page.Since == "") != (page.Executions == 0) {
			t.Errorf("a page of %d events of %d executions since %q", len(page.Events), page.Executions, page.Since)
		}
		if marker = page.Next; pages > 20 {
			t.Fatal("there is no end")
		}
	}
	if want := 4 + (2*pastEventsMax+501+99)/100; len(seen) != want || pages < 4 {
		t.Errorf("%d events on %d pages, want %d", len(seen), pages, want)
	}
	delete(store.records, "e2")
	created := store.records["e3"].CreatedAt.UnixMicro()
	if page := read(fmt.Sprintf("%d-700-e2", created), 100); page.Executions != 2 || len(page.Events) != 2 || page.Next != "" {
		t.Errorf("behind one that is gone: %+v", page)
	}
	for _, bad := range []string{"x", "1-2", "-1-2-e", "1-2-", "1-x-e"} {
		if _, err := readPastMark(bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("marker %q: %v", bad, err)
		}
	}
}
