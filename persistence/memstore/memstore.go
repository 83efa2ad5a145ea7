// Package memstore is the store in memory: for tests, for simulations with virtual time, and to see what the contract
// asks of a store in its simplest form.
//
// It keeps rows as every store does, so what comes back is what a database would give back. Failures are injected, see
// Store.Inject: a call can fail before it is carried out (Fault.Before), be slow (Fault.Delay), or be carried out and not be
// heard of (Fault.After, after which persistence.IsAmbiguous holds). A database that is down is Before for every call.
package memstore

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"cierzo/fault"
	"cierzo/internal/wait"
	"cierzo/persistence"
	"cierzo/workflow"
)

// Config of a store; the zero value is right for most.
type Config struct {
	// Now is the database's clock. Defaults to time.Now.
	Now func() time.Time
	// NewID makes the ids of definitions. Defaults to random UUIDs.
	NewID func() string
}

// Fault is what happens to one call; the zero value is nothing.
type Fault struct {
	// Delay passes first.
	Delay time.Duration
	// Before is returned, and nothing is done.
	Before error
	// After makes the call be carried out and its answer be lost: the caller gets persistence.Ambiguous(After). A read
	// just fails.
	After error
}

// Store is a persistence.Store in memory.
type Store struct {
	cfg Config

	mu          sync.Mutex
	closed      bool
	inject      func(op string, attempt int) Fault
	attempts    map[string]int
	commits     uint64
	executions  map[workflow.ExecutionID]*execution
	nodes       map[persistence.NodeID]*member
	definitions map[persistence.DefinitionKey]*persistence.Definition // newest revisions
	changes     uint64                                                // of definitions
	revisions   map[string]*persistence.Definition                    // all, by id
	resources   map[string]persistence.Resource                       // by id
	notices     map[persistence.NoticeLane][]notice                   // by Seq
}

var _ persistence.Store = (*Store)(nil)

// execution is an execution with what is below it. Tasks and actions are by Seq.
type execution struct {
	row     persistence.ExecutionRow
	epoch   uint64
	owner   persistence.NodeID
	given   string
	data    string
	tasks   map[int64]persistence.TaskRow
	actions map[int64]persistence.ActionRow
	history []persistence.HistoryRow
}

type member struct {
	node  persistence.Node
	until time.Time
}

// New makes an empty store.
func New(cfg Config) *Store {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.NewID == nil {
		cfg.NewID = uuid.NewString
	}
	return &Store{
		cfg: cfg, attempts: map[string]int{}, executions: map[workflow.ExecutionID]*execution{},
		nodes:       map[persistence.NodeID]*member{},
		definitions: map[persistence.DefinitionKey]*persistence.Definition{}, revisions: map[string]*persistence.Definition{},
		resources: map[string]persistence.Resource{}, notices: map[persistence.NoticeLane][]notice{},
	}
}

// Inject asks f what happens to each call from now on; nil ends it. op is the name of the method, attempt counts the
// calls of that method from 1, since the store was made. f is called by several goroutines, one at a time.
func (s *Store) Inject(f func(op string, attempt int) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inject = f
}

// Owner says which node activated the execution last, and its epoch; "" and 0 if there is no such execution.
func (s *Store) Owner(id workflow.ExecutionID) (persistence.NodeID, uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.executions[id]
	if e == nil {
		return "", 0
	}
	return e.owner, e.epoch
}

// enter lets the fault of a call happen and takes the lock unless it returns an error.
func (s *Store) enter(ctx context.Context, op string) (Fault, error) {
	s.mu.Lock()
	s.attempts[op]++
	var f Fault
	if s.inject != nil {
		f = s.inject(op, s.attempts[op])
	}
	s.mu.Unlock()
	if err := wait.For(ctx, f.Delay); err != nil {
		return f, fault.Wrap(fault.Unavailable, err, "%s", op)
	}
	if f.Before != nil {
		return f, f.Before
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return f, fault.New(fault.Unavailable, "%s: the store is closed", op)
	}
	return f, nil
}

// write runs fn as a transaction. fn changes nothing when it returns an error.
func (s *Store) write(ctx context.Context, op string, fn func() error) error {
	f, err := s.enter(ctx, op)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	err = fn()
	if err == nil {
		s.commits++
	}
	if f.After != nil { // an answer that says no is lost like any other
		return persistence.Ambiguous(f.After)
	}
	return err
}

func (s *Store) read(ctx context.Context, op string, fn func() error) error {
	f, err := s.enter(ctx, op)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	if f.After != nil {
		return fault.Wrap(fault.Unavailable, f.After, "%s", op)
	}
	return fn()
}

// Info implements persistence.Store.
func (s *Store) Info(ctx context.Context) (persistence.Info, error) {
	var info persistence.Info
	err := s.read(ctx, "Info", func() error {
		info = persistence.Info{Kind: "memory", Version: "1", Schema: 1, Commits: s.commits, BatchMax: 64, Exclusive: true}
		return nil
	})
	return info, err
}

// Close implements persistence.Store.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}
