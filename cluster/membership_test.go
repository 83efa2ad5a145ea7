package cluster

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cierzo/fault"
	"cierzo/internal/slogtest"
	"cierzo/persistence"
	"cierzo/persistence/memstore"
)

// member is a membership with what it has said.
type member struct {
	*Membership
	mu     sync.Mutex
	parked []time.Time
	seen   []seen
}

type seen struct {
	at   time.Time
	self persistence.NodeID
	view *View
}

const ttl = 9 * time.Second

func join(t *testing.T, store persistence.Nodes, address string) *member {
	t.Helper()
	m, err := tryJoin(t, store, address)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func tryJoin(t *testing.T, store persistence.Nodes, address string) (*member, error) {
	t.Helper()
	log, _ := slogtest.New(t)
	m := &member{}
	var err error
	m.Membership, err = Join(t.Context(), MembershipConfig{
		Nodes: store, Address: address, Roles: []string{"engine"}, TTL: ttl, Logger: log,
		Park: func() {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.parked = append(m.parked, time.Now())
		},
		Changed: func(self persistence.NodeID, v *View) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.seen = append(m.seen, seen{time.Now(), self, v})
		},
	})
	return m, err
}

// said are the times at which it parked, and the views that it reported.
func (m *member) said() ([]time.Time, []seen) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.parked, m.seen
}

func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func live(t *testing.T, store persistence.Nodes) []persistence.Node {
	t.Helper()
	nodes, err := store.LiveNodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return nodes
}

// during makes calls of the given methods fail, or hang, for a while.
func during(s *memstore.Store, d time.Duration, f memstore.Fault, ops ...string) {
	s.Inject(func(op string, _ int) memstore.Fault {
		for _, o := range ops {
			if o == op {
				return f
			}
		}
		return memstore.Fault{}
	})
	pass(d)
	s.Inject(nil)
}

var down = fault.New(fault.Unavailable, "the store is down")

func TestMemberIsSeenAndKeepsItsLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		a := join(t, store, "a:1")
		if _, seen := a.said(); len(seen) != 1 || !seen[0].view.Has(a.ID()) {
			t.Errorf("Join has returned before the first view: %v", seen)
		}
		b := join(t, store, "b:1")
		pass(time.Hour)
		if len(live(t, store)) != 2 || !a.Valid() || !b.Valid() {
			t.Error("a lease was not kept for an hour")
		}
		if parked, seen := a.said(); len(parked) != 0 || len(seen) != 2 || len(seen[1].view.Nodes) != 2 {
			t.Errorf("parked %v, seen %v", parked, seen)
		}
		for range 2 {
			if err := b.Leave(t.Context()); err != nil {
				t.Errorf("leave: %v", err)
			}
		}
		pass(ttl / 5)
		if _, seen := a.said(); len(seen) != 3 || len(seen[2].view.Nodes) != 1 {
			t.Errorf("seen after the other has left: %v", seen)
		}
		_ = a.Leave(t.Context())
	})
}

// TestLostLeaseParksBeforeTheRowEnds: others take over when the row ends, and by then the node has stopped.
func TestLostLeaseParksBeforeTheRowEnds(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]memstore.Fault{
		"the store is down": {Before: down}, "the store hangs": {Delay: time.Hour}, "done and not heard": {After: errors.New("cut")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := memstore.New(memstore.Config{})
				a := join(t, store, "a:1")
				before := a.ID()
				pass(20 * time.Second)
				began := time.Now()
				rowEnds := began.Add(ttl)
				during(store, ttl, f, "Renew")
				parked, _ := a.said()
				if len(parked) != 1 || !parked[0].Before(rowEnds) {
					t.Fatalf("parked at %v, the row ends at %v at the latest", parked, rowEnds)
				}
				if parked[0].Before(began.Add(ttl / 2)) {
					t.Errorf("parked after %v of trouble, a lease is %v", parked[0].Sub(began), ttl)
				}
				pass(2 * ttl) // a renewal that hangs ends by its time limit, and a new lease is got
				if !a.Valid() || a.ID() == before {
					t.Errorf("valid %t, id %s, was %s", a.Valid(), a.ID(), before)
				}
				if nodes := live(t, store); len(nodes) != 1 || nodes[0].ID != a.ID() {
					t.Errorf("rows: %v", nodes)
				}
				_, seen := a.said()
				if last := seen[len(seen)-1]; last.self != a.ID() || !last.view.Has(a.ID()) || last.at.Before(parked[0]) {
					t.Errorf("the last view is %v", last)
				}
				_ = a.Leave(t.Context())
			})
		})
	}
}

func TestEvictedNodeParksAtItsNextRenewal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		a := join(t, store, "a:1")
		before := a.ID()
		if err := store.Unregister(t.Context(), before); err != nil {
			t.Fatal(err)
		}
		pass(ttl / 5)
		if parked, _ := a.said(); len(parked) != 1 || a.Valid() {
			t.Errorf("parked %v, valid %t", parked, a.Valid())
		}
		pass(2 * ttl / 5)
		if !a.Valid() || a.ID() == before {
			t.Error("it has not registered again")
		}
		_ = a.Leave(t.Context())
	})
}

func TestOutageOfTheListKeepsTheOldView(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]memstore.Fault{"down": {Before: down}, "hangs": {Delay: time.Hour}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := memstore.New(memstore.Config{})
				a, b := join(t, store, "a:1"), join(t, store, "b:1")
				pass(ttl)
				_, before := a.said()
				during(store, time.Minute, f, "LiveNodes")
				if parked, seen := a.said(); len(parked) != 0 || len(seen) != len(before) || !a.Valid() {
					t.Errorf("parked %v, %d new views", parked, len(seen)-len(before))
				}
				_ = b.Leave(t.Context())
				pass(20 * time.Second)
				if _, seen := a.said(); len(seen) != len(before)+1 {
					t.Errorf("%d new views after the outage, want one", len(seen)-len(before))
				}
				_ = a.Leave(t.Context())
			})
		})
	}
}

func TestRestartAtTheSameAddressReplacesTheRow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		old := join(t, store, "a:1")
		now := join(t, store, "a:1") // the process before is dead, it only doesn't know
		if nodes := live(t, store); len(nodes) != 1 || nodes[0].ID != now.ID() {
			t.Errorf("rows: %v", nodes)
		}
		_ = old.Leave(t.Context())
		_ = now.Leave(t.Context())
	})
}

func TestDrainingIsSeenByTheOthersAndKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		a, b := join(t, store, "a:1"), join(t, store, "b:1")
		for range 2 {
			if err := a.Drain(t.Context()); err != nil {
				t.Errorf("drain: %v", err)
			}
		}
		pass(time.Minute) // renewals keep it
		_, seen := b.said()
		if last := seen[len(seen)-1].view; len(last.Shards(b.ID())) != persistence.ShardsMax {
			t.Errorf("the other owns %d shards", len(last.Shards(b.ID())))
		}
		during(store, 2*ttl, memstore.Fault{Before: down}, "Renew", "Register")
		pass(ttl)
		for _, n := range live(t, store) {
			if n.Address == "a:1" && n.State != Draining {
				t.Errorf("registered again as %s, want still draining", n.State)
			}
		}
		_ = a.Leave(t.Context())
		_ = b.Leave(t.Context())
	})
}

func TestJoinThatFailsLeavesNoRow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		for _, op := range []string{"Register", "LiveNodes"} {
			store.Inject(func(o string, _ int) memstore.Fault {
				if o == op {
					return memstore.Fault{Before: down}
				}
				return memstore.Fault{}
			})
			if _, err := tryJoin(t, store, "a:1"); !fault.Is(err, fault.Unavailable) {
				t.Errorf("%s is down: %v", op, err)
			}
			store.Inject(nil)
			if nodes := live(t, store); len(nodes) != 0 {
				t.Errorf("%s was down: rows %v", op, nodes)
			}
		}
	})
}

func TestWatchReportsChangesUntilItIsStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New(memstore.Config{})
		log, _ := slogtest.New(t)
		var views []*View
		stop, err := Watch(t.Context(), store, time.Second, log, func(v *View) { views = append(views, v) })
		if err != nil || len(views) != 1 {
			t.Fatalf("%v, %d views", err, len(views))
		}
		a := join(t, store, "a:1")
		pass(time.Minute)
		stop()
		stop()
		if len(views) != 2 || !views[1].Has(a.ID()) {
			t.Errorf("%d views, want one of nobody and one of the node", len(views))
		}
		_ = a.Leave(t.Context())
		pass(time.Minute)
		if len(views) != 2 {
			t.Error("a view was reported after the end")
		}
		store.Inject(func(string, int) memstore.Fault { return memstore.Fault{Before: down} })
		if _, err := Watch(t.Context(), store, time.Second, log, func(*View) {}); !fault.Is(err, fault.Unavailable) {
			t.Errorf("first read fails: %v", err)
		}
	})
}
