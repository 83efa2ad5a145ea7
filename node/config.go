package node

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"cierzo/actions"
	"cierzo/actions/std"
	"cierzo/api"
	"cierzo/fault"
)

// Role is a part that a node plays in the cluster.
type Role string

// The roles. A node with none configured has all of them.
const (
	RoleEngine Role = "engine"
	RoleRunner Role = "runner"
	RoleAPI    Role = "api"
)

// Config describes a node. The zero value is a whole node in one process on a private temporary SQLite file.
type Config struct {
	// Roles of this node. Defaults to all.
	Roles []Role
	// Store is the database: sqlite:///path, postgres://…, cockroach://…, or memory: for tests
	// (what it holds goes with the node). Only engine and api nodes have one; it
	// is refused for a node that is only a runner. Defaults to a SQLite file in a temporary directory that goes with the node.
	Store string
	// Listen is the address (host:port) of the REST API. Defaults to "": no API is served, the node is only used from Go.
	Listen string
	// Bind is the address (host:port) on which the node talks to other nodes. Defaults to "": no other nodes, unless Join
	// is set, when it defaults to a free port of the loopback interface.
	Bind string
	// Advertise is the address (host:port) under which other nodes reach Bind. Defaults to Bind.
	Advertise string
	// Join lists addresses (host:port) of engine nodes; one that is up suffices. Engines find each other by the store and
	// need none; nodes without a store need at least one.
	Join []string
	// Slots is how many actions the runner runs at the same time. Defaults to 16 per processor.
	Slots int
	// Targets are the names under which tasks address this runner by `target`. Defaults to the host's name.
	Targets []string
	// LeaseTTL is how long an engine that stops answering keeps its executions. Defaults to 9 s; at least 1 s.
	LeaseTTL time.Duration
	// RunnerGrace is how long a runner may be silent before its actions count as lost. Defaults to 10 s.
	RunnerGrace time.Duration
	// IdleAfter is when an execution that only waits leaves memory. Defaults to 30 s.
	IdleAfter time.Duration
	// IdleMax is how many executions stay in memory though they only wait, also for a slot of a runner; of more, those that have
	// waited longest leave it at once. Defaults to 10,000.
	IdleMax int
	// DrainTimeout bounds how long Stop waits for running actions. Defaults to 20 s.
	DrainTimeout time.Duration
	// Actions that the runner offers and the engine knows; the same on all nodes. Defaults to the standard actions.
	Actions *actions.Registry
	// Auth says who may use the REST API. Defaults to everybody.
	Auth AuthConfig
	// Authorize says who sends a request to the REST API, and whether the rule of the policy ("workflows:list") lets them.
	// Defaults to api.Unauthenticated: everybody works in one project.
	Authorize func(r *http.Request, rule string) (api.Caller, error)
	// Triggers is about cron and event triggers.
	Triggers TriggersConfig
	// Notify is about notifications.
	Notify NotifyConfig
	// Expiration removes executions that have ended long ago. Defaults to keeping them.
	Expiration ExpirationConfig
	// Cron understands the patterns of cron triggers. Defaults to those of package cron.
	Cron api.Cron
	// Info is what the REST API's /info answers, a JSON object. Defaults to nil: it is disabled.
	Info json.RawMessage
	// DeleteActionExecutions allows to delete action executions that belong to no workflow by the REST API. Defaults to
	// refusing it, as Mistral does.
	DeleteActionExecutions bool
	// LegacyFunctions lets expressions use functions of Mistral 15 that later versions have dropped: json_pp(), and format()
	// of texts in YAQL. The same on all nodes. Defaults to false: they are unknown, as in today's Mistral.
	LegacyFunctions bool
	// Standard configures the standard actions, when Actions is not set. Defaults to their defaults.
	Standard std.Config
	// Logger receives the log. Defaults to discarding it.
	Logger *slog.Logger
	// Version names the build in the list of nodes. Defaults to "dev".
	Version string
}

// complete fills the defaults in and refuses what can't work, with the field's name and a hint.
func (c Config) complete() (Config, error) {
	if len(c.Roles) == 0 {
		c.Roles = []Role{RoleEngine, RoleRunner, RoleAPI}
	}
	for _, r := range c.Roles {
		if r != RoleEngine && r != RoleRunner && r != RoleAPI {
			return c, fault.New(fault.Invalid, "roles: %q is no role; the roles are engine, runner and api", r)
		}
	}
	if err := c.checkStore(); err != nil {
		return c, err
	}
	if err := c.checkAddresses(); err != nil {
		return c, err
	}
	if err := c.defaults(); err != nil {
		return c, err
	}
	if c.Slots < 0 {
		return c, fault.New(fault.Invalid, "slots: %d is negative", c.Slots)
	}
	if c.LeaseTTL < time.Second {
		return c, fault.New(fault.Invalid, "lease: %v is too short; a pause of that length would move all executions (at least 1s)", c.LeaseTTL)
	}
	return c, nil
}

// has reports whether the node plays the role.
func (c Config) has(r Role) bool { return slices.Contains(c.Roles, r) }

// needsStore reports whether the node reads or writes the database.
func (c Config) needsStore() bool { return c.has(RoleEngine) || c.has(RoleAPI) }

func (c Config) checkStore() error {
	if !c.needsStore() && c.Store != "" {
		return fault.New(fault.Invalid, "store: a runner never touches the database; leave the store out, or add the role engine")
	}
	if !c.needsStore() && len(c.Join) == 0 {
		return fault.New(fault.Invalid, "join: a runner needs the address of at least one engine (--join host:port)")
	}
	return nil
}

func (c *Config) checkAddresses() error {
	if len(c.Join) > 0 && c.Bind == "" {
		c.Bind = "127.0.0.1:0"
	}
	for _, a := range []struct{ field, addr string }{{"listen", c.Listen}, {"bind", c.Bind}, {"advertise", c.Advertise}} {
		if err := checkAddress(a.field, a.addr); err != nil {
			return err
		}
	}
	for _, j := range c.Join {
		if j == "" {
			return fault.New(fault.Invalid, "join: an address is empty")
		}
		if err := checkAddress("join", j); err != nil {
			return err
		}
	}
	return nil
}

func checkAddress(field, addr string) error {
	if addr == "" {
		return nil
	}
	if _, _, err := net.SplitHostPort(addr); err != nil {
		hint := ""
		if !strings.Contains(addr, ":") {
			hint = fmt.Sprintf("; did you mean %s:8989?", addr)
		}
		return fault.New(fault.Invalid, "%s: %q is not host:port%s", field, addr, hint)
	}
	return nil
}

func (c *Config) defaults() error {
	if c.Slots == 0 {
		c.Slots = 16 * runtime.GOMAXPROCS(0)
	}
	if len(c.Targets) == 0 {
		if host, err := os.Hostname(); err == nil {
			c.Targets = []string{host}
		}
	}
	if c.LeaseTTL == 0 {
		c.LeaseTTL = 9 * time.Second
	}
	if c.DrainTimeout == 0 {
		c.DrainTimeout = 20 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Version == "" {
		c.Version = "dev"
	}
	if c.Cron == nil {
		c.Cron = patterns{}
	}
	if c.Actions == nil {
		c.Actions = actions.NewRegistry()
		return std.Register(c.Actions, c.Standard)
	}
	return nil
}
