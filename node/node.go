// Package node is a cierzo node: engine, action runner and REST API in one process, or any of the three.
//
// It is the one package that knows all the others. The command, tests, benchmarks and programs that embed cierzo make
// nodes by New:
//
//	n, err := node.New(ctx, node.Config{})          // a whole engine on a private temporary SQLite file
//	defer n.Stop(ctx)
//	_, err = n.Upload(ctx, "hello.yaml", source)
//	id, err := n.Start(ctx, node.StartRequest{Workflow: "hello", Input: map[string]any{"name": "you"}})
//	result, err := n.Wait(ctx, id)
//
// Many nodes can live in one process; they share nothing but what their configuration says.
package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"cierzo/api"
	"cierzo/catalog"
	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/web"
)

// Node is a running node. It is safe for concurrent use.
type Node struct {
	cfg     Config
	store   persistence.Store
	catalog *catalog.Catalog
	cluster *assembly
	duties  *duties // nil without a store
	ids     executionIDs
	handler http.Handler // nil without the API's role
	http    *http.Server
	listen  net.Addr
	served  chan struct{} // closed when the HTTP server has ended
	cleanup []func() error

	stop    sync.Once
	stopErr error
}

// New starts a node and returns when it is ready for work. Stop it in any case. Errors are of kind Invalid (the
// configuration), Conflict (the database belongs to somebody else or to a newer version) or Unavailable.
func New(ctx context.Context, cfg Config) (*Node, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	n := &Node{cfg: cfg, served: make(chan struct{})}
	if err := n.start(ctx); err != nil {
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return nil, errors.Join(err, n.Stop(stopCtx))
	}
	return n, nil
}

func (n *Node) start(ctx context.Context) error {
	// The port first: it is the commonest reason to fail, and nothing needs undoing yet.
	var ln net.Listener
	if n.cfg.has(RoleAPI) && n.cfg.Listen != "" {
		var err error
		if ln, err = net.Listen("tcp", n.cfg.Listen); err != nil {
			return listenError("listen", n.cfg.Listen, err)
		}
		n.cleanup = append(n.cleanup, func() error { return closeQuietly(ln) })
	}
	if n.cfg.needsStore() {
		if err := n.openStore(ctx); err != nil {
			return err
		}
		n.catalog = catalog.New(n.store, n.cfg.Actions)
		n.catalog.Legacy = n.cfg.LegacyFunctions
		info, err := n.store.Info(ctx)
		if err != nil {
			return err
		}
		n.catalog.Shared, n.ids.timed = !info.Exclusive, info.Exclusive
		if n.duties, err = readDuties(n.cfg); err != nil {
			return err
		}
		if err := n.duties.prepare(n.cfg, n.store); err != nil {
			return err
		}
	}
	var err error
	if n.cluster, err = assemble(ctx, n.cfg, n.store, n.catalog, n.duties); err != nil {
		return err
	}
	if n.duties != nil {
		if err := n.duties.begin(n.cfg, n.store, n.catalog, n.cluster); err != nil {
			close(n.served)
			return err
		}
	}
	return n.serve(ln)
}

// openStore opens the configured database, or a SQLite file in a directory that goes with the node.
func (n *Node) openStore(ctx context.Context) error {
	dsn := n.cfg.Store
	if dsn == "" {
		dir, err := os.MkdirTemp("", "cierzo-")
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "make a directory for the database")
		}
		n.cleanup = append(n.cleanup, func() error { return os.RemoveAll(dir) })
		dsn = "sqlite://" + filepath.Join(dir, "cierzo.db")
	}
	store, err := openStore(ctx, dsn)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	n.store = store
	n.cleanup = append(n.cleanup, store.Close)
	return nil
}

// serve answers HTTP on the listener until Stop.
func (n *Node) serve(ln net.Listener) error {
	closing := make(chan struct{})
	if n.cfg.has(RoleAPI) {
		cfg := api.Config{
			Store: n.store, Catalog: n.catalog, Engine: n.cluster, Logger: n.cfg.Logger, NewID: uuid.NewString, NewExecutionID: n.NewExecutionID,
			Metrics: n.Metrics, MetricHelp: MetricHelp(), Changes: n.changes, Closing: closing, Authorize: n.cfg.Authorize, Cron: n.cfg.Cron, Info: n.cfg.Info,
			DeleteActionExecutions: n.cfg.DeleteActionExecutions, Events: n.duties.events, EventSecrets: n.duties.secrets,
			Begun:    n.cluster.begun.await,
			Ended:    n.cluster.ended.await,
			Hears:    n.cluster.hears,
			Evaluate: Evaluate, Runners: n.cluster.runners, Queue: n.cluster.queue, Functions: functions(n.cfg.LegacyFunctions),
		}
		if err := n.cfg.Auth.protect(&cfg); err != nil {
			close(n.served)
			return err
		}
		n.handler = web.Front(web.Handler(), api.New(cfg))
	}
	if ln == nil {
		close(n.served)
		return nil
	}
	n.listen = ln.Addr()
	n.http = &http.Server{Handler: n.handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	n.http.RegisterOnShutdown(func() { close(closing) })
	go func() {
		defer close(n.served)
		if err := n.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			n.cfg.Logger.Error("REST API has ended", "error", err)
		}
	}()
	return nil
}

// Stop drains and ends the node: no new action is begun, running ones are waited for until DrainTimeout, the others
// move to the other engines or are found again after a restart. ctx bounds all of it. It can be called twice.
func (n *Node) Stop(ctx context.Context) error {
	n.stop.Do(func() { n.stopErr = n.shutDown(ctx) })
	return n.stopErr
}

func (n *Node) shutDown(ctx context.Context) error {
	var errs []error
	if n.http != nil {
		httpCtx, cancel := context.WithTimeout(ctx, 5*time.Second)
		if err := n.http.Shutdown(httpCtx); err != nil {
			errs = append(errs, n.http.Close())
		}
		cancel()
		<-n.served
	}
	n.duties.end()
	if n.cluster != nil {
		errs = append(errs, n.cluster.stop(ctx, n.cfg.DrainTimeout))
	}
	for i := len(n.cleanup) - 1; i >= 0; i-- {
		errs = append(errs, n.cleanup[i]())
	}
	return errors.Join(errs...)
}

// Handler is the REST API, for a program that serves it by itself; nil without the API's role.
func (n *Node) Handler() http.Handler { return n.handler }

// URL is the address of the REST API, such as http://127.0.0.1:8989; "" when the node serves none.
func (n *Node) URL() string {
	if n.listen == nil {
		return ""
	}
	return "http://" + n.listen.String()
}

// Address is where other nodes reach this one, host:port; "" when it talks to nobody.
func (n *Node) Address() string { return n.cluster.address }

// Store is the node's database, for reading; nil for a node that is only a runner.
func (n *Node) Store() persistence.Store { return n.store }

// Describe says in one line what the node is, for the operator who has started it.
func (n *Node) Describe() string {
	roles := make([]string, 0, len(n.cfg.Roles))
	for _, r := range n.cfg.Roles {
		roles = append(roles, string(r))
	}
	parts := []string{"cierzo " + n.cfg.Version, strings.Join(roles, "+")}
	if n.cfg.Store != "" {
		parts = append(parts, "store "+redact(n.cfg.Store))
	}
	if n.Address() != "" {
		parts = append(parts, "cluster "+n.Address())
	}
	if n.URL() != "" {
		parts = append(parts, "REST API "+n.URL()+"/v2")
	}
	return strings.Join(parts, " · ")
}

// redact hides the password of a database's address.
func redact(dsn string) string {
	scheme, rest, ok := strings.Cut(dsn, "://")
	if !ok {
		return dsn
	}
	auth, host, ok := strings.Cut(rest, "@")
	if !ok {
		return dsn
	}
	user, _, _ := strings.Cut(auth, ":")
	return scheme + "://" + user + "@" + host
}

// listenError explains why an address can't be had.
func listenError(field, addr string, err error) error {
	hint := "give another address"
	if strings.Contains(err.Error(), "address already in use") {
		hint = "another process has the port; give another one, or port 0 for a free one"
	}
	return fault.Wrap(fault.Unavailable, err, "%s %s (%s)", field, addr, hint)
}

func closeQuietly(ln net.Listener) error {
	if err := ln.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
