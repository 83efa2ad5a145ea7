package chaos

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"cierzo/api/apitype"
	"cierzo/api/client"
	"cierzo/internal/dbtest"
	"cierzo/internal/proctest"
)

// Settings of the processes: the lease is short, so that a takeover is seen in a test.
const (
	leaseTTL    = 3 * time.Second
	runnerGrace = 10 * time.Second // the default; a runner's own patience of 8 s has to be less
	slots       = 16
	crowded     = "10" // executions at which memory is crowded, where it soon is
)

// site is engines, runners and a database, each on a host of its own, with the test at the bridge.
type site struct {
	t       *testing.T
	net     *network
	engines []*node
	web     []*node // runners of the command
	ledgers []*node // runners with a ledger; the last one lies
	db      *dbtest.Server
	dbHost  *host
	full    string // folder of the database when it has a file system of its own, which can be filled; "" when not
	dsn     string // of the database, past all proxies
	direct  *sql.DB
	ledger  *ledger
	folder  string // of the runners' ledgers
}

// node is a process on its host.
type node struct {
	*proctest.Process
	*host
	api   string // address of the REST API of an engine
	bind  string // address for other nodes, as they know it
	store *proxy // before an engine's database
	link  *proxy // before a runner that others only reach through a proxy
	clock string // file with the offset of an engine's clock; "" when it can't be stepped
}

// shape is what a cluster is made of.
type shape struct {
	engines, web, ledgers int
	race                  bool
	overlays
}

// startCluster starts everything, one engine after the other: the first one migrates the database.
func startCluster(ctx context.Context, t *testing.T, s shape) *site {
	t.Helper()
	c := &site{t: t, net: newNetwork(t), folder: t.TempDir()}
	c.ledger = newLedger(t, c.net.home())
	c.startDatabase()
	overlay := s.overlays
	var binds []string
	for i := range s.engines {
		e := c.engine(i, s, overlay)
		e.AwaitHealth(ctx, e.api)
		c.engines, binds = append(c.engines, e), append(binds, e.bind)
	}
	join := strings.Join(binds, ",")
	for i := range s.web {
		c.web = append(c.web, c.webRunner(i, s, join))
	}
	for i := range s.ledgers {
		c.ledgers = append(c.ledgers, c.ledgerRunner(i, i == s.ledgers-1 && i > 0, binds))
	}
	return c
}

func (c *site) startDatabase() {
	t := c.t
	c.dbHost = c.net.host("db")
	place := dbtest.Place{Address: c.dbHost.ip, Enter: c.dbHost.enter, Settings: []string{"max_wal_size=64MB", "min_wal_size=32MB"}}
	if c.net.spaces() {
		place.Network = c.net.subnet + ".0/24"
	}
	dir := t.TempDir()
	if err := smallDisk(t, dir, "400m"); err != nil {
		t.Logf("no file system of its own for the database, its disk can't be filled: %v", err)
	} else {
		c.full = dir
	}
	var err error
	if c.db, err = dbtest.StartPostgresAt(dir, place); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.db.Stop(); err != nil {
			t.Errorf("stop PostgreSQL: %v", err)
		}
	})
	c.dsn = c.db.DSN("postgres")
	if c.direct, err = sql.Open("postgres", c.dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.direct.Close() })
}

// smallDisk mounts a file system of that size.
func smallDisk(t *testing.T, dir, size string) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("mount wants root")
	}
	if err := command("mount", "-t", "tmpfs", "-o", "mode=0711,size="+size, fmt.Sprint(diskPrefix, os.Getpid()), dir); err != nil {
		return err
	}
	t.Cleanup(func() {
		if err := command("umount", "-l", dir); err != nil { // a process that ends may still have a file open
			t.Error(err)
		}
	})
	return nil
}

// port gives an address on the host.
func (h *host) port(port int) string {
	if h.space == "" {
		return proctest.FreeAddress(h.net.t)
	}
	return net.JoinHostPort(h.ip, strconv.Itoa(port))
}

func (c *site) engine(i int, s shape, o overlays) *node {
	name := fmt.Sprint("engine-", i)
	h := c.net.host(name)
	n := &node{host: h, api: h.port(8989), bind: h.port(7000)}
	fate := newFate()
	n.store = newProxy(c.t, c.net.another(), c.db.Address(), fate.decide)
	n.store.fate = fate
	cfg := proctest.Config{
		Name: name, Enter: h.enter, Build: proctest.Build{Race: s.race}, Env: []string{"GOMAXPROCS=1"},
		Args: []string{
			"server", "--roles", "engine,api", "--store", "postgres://postgres@" + n.store.address() + "/postgres?sslmode=disable&connect_timeout=5",
			"--listen", n.api, "--bind", n.bind, "--lease", leaseTTL.String(), "--runner-grace", runnerGrace.String(), "--drain-timeout", "2s",
		},
	}
	if i == 1 { // one whose executions leave memory whenever they can
		cfg.Args = append(cfg.Args, "--idle-max", crowded)
	}
	if i == 0 { // one clock that can be stepped is enough
		n.clock = filepath.Join(c.t.TempDir(), "clock")
		cfg.Build.Overlay = o.clock
		cfg.Env = append(cfg.Env, clockEnv+"="+n.clock)
	}
	n.Process = proctest.Launch(c.t, cfg)
	return n
}

// webRunner starts a runner of the command. Other nodes reach the second one through a proxy.
func (c *site) webRunner(i int, s shape, join string) *node {
	name := fmt.Sprint("web-", i)
	n := c.runner(name, i == 1)
	args := []string{"server", "--roles", "runner", "--join", join, "--targets", "web", "--slots", strconv.Itoa(slots), "--drain-timeout", "2s", "--bind", n.bind}
	if n.link != nil {
		args = append(args, "--advertise", n.link.address())
	}
	n.Process = proctest.Launch(c.t, proctest.Config{
		Name: name, Enter: n.enter, Build: proctest.Build{Race: s.race}, Env: []string{"GOMAXPROCS=1"}, Args: args,
	})
	return n
}

func (c *site) ledgerRunner(i int, lies bool, join []string) *node {
	name := fmt.Sprint("ledger-", i)
	n := c.runner(name, false)
	cfg := runnerConfig{Name: name, Bind: n.bind, Join: join, Folder: c.folder, Slots: slots, Lies: lies}
	text, err := json.Marshal(cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		c.t.Fatal(err)
	}
	n.Process = proctest.Launch(c.t, proctest.Config{
		Name: name, Enter: n.enter, Binary: self, Env: []string{"GOMAXPROCS=1", runnerEnv + "=" + string(text)},
	})
	return n
}

func (c *site) runner(name string, proxied bool) *node {
	h := c.net.host(name)
	n := &node{host: h, bind: h.port(7000)}
	if proxied {
		ip := c.net.another()
		n.link = newProxy(c.t, ip, n.bind, nil)
		if h.space != "" {
			h.via = []string{ip}
		}
	}
	return n
}

// runners are all of them.
func (c *site) runners() []*node { return append(append([]*node(nil), c.web...), c.ledgers...) }

// hosts are those of the nodes.
func hosts(nodes ...*node) (out []*host) {
	for _, n := range nodes {
		out = append(out, n.host)
	}
	return out
}

// others are all nodes but these.
func (c *site) others(but ...*node) (out []*node) {
	for _, n := range append(append([]*node(nil), c.engines...), c.runners()...) {
		found := false
		for _, b := range but {
			found = found || b == n
		}
		if !found {
			out = append(out, n)
		}
	}
	return out
}

// client of an engine's API.
func (c *site) client(i int) *client.Client {
	cl, err := client.New("http://" + c.engines[i%len(c.engines)].api)
	if err != nil {
		panic(err) // the address is of our own making
	}
	return cl
}

// upload stores the workflows.
func (c *site) upload(ctx context.Context) {
	for _, text := range []string{webWorkflow(c.ledger.url), ledgerWorkflows} {
		await(ctx, c.t, "upload", func() (bool, error) {
			_, err := c.client(0).CreateWorkflows(ctx, "", []byte(text))
			return err == nil, err
		})
	}
}

// awaitRunners waits until every engine hears all runners.
func (c *site) awaitRunners(ctx context.Context) {
	for i := range c.engines {
		await(ctx, c.t, "runners", func() (bool, error) {
			n, err := c.nodes(ctx, i)
			return len(n.Runners) >= len(c.web)+len(c.ledgers), err
		})
	}
}

// nodes asks an engine who is there.
func (c *site) nodes(ctx context.Context, i int) (out apitype.Nodes, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	data, err := httpGet(ctx, "http://"+c.engines[i].api+"/v2/nodes")
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	return out, err
}

// await asks again and again until the condition holds; the error that it gave last is part of the failure.
func await(ctx context.Context, t *testing.T, what string, cond func() (bool, error)) {
	t.Helper()
	if err := until(ctx, cond); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// until asks again and again; the error is the last one, when the time is over.
func until(ctx context.Context, cond func() (bool, error)) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := cond()
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			if err == nil {
				return fmt.Errorf("not in time: %w", ctx.Err())
			}
			return fmt.Errorf("not in time (last: %w)", err)
		case <-tick.C:
		}
	}
}
