package node

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"sync"
	"time"

	"cierzo/actions/std"
	"cierzo/api"
	"cierzo/catalog"
	"cierzo/dsl/yaml"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/housekeeping"
	"cierzo/notifier"
	"cierzo/persistence"
	"cierzo/triggers"
	"cierzo/triggers/amqp"
	"cierzo/workflow"
)

// TriggersConfig is about what starts workflows.
type TriggersConfig struct {
	// NoCron: this node fires no cron triggers. Defaults to firing them, if it is an engine.
	NoCron bool
	// CatchUp is what becomes of ticks that were missed, for cron triggers that don't say it: once (the newest is made up
	// for), skip or all. Defaults to once, as in Mistral.
	CatchUp string
	// CatchUpMax bounds what is made up for at once with CatchUp all. Defaults to 100.
	CatchUpMax int
	// Grace is how late a tick may be fired without counting as missed. Defaults to 1 min.
	Grace time.Duration
	// DefinitionsFile is Mistral's file of event definitions. Defaults to none.
	DefinitionsFile string
	// SecretsFile has the secrets that sign events sent by HTTP, one a line, of 16 bytes or more, or a comment after #. Defaults to none: signatures
	// aren't looked at.
	SecretsFile string
	// AMQPURL is the message broker that OpenStack's services notify by: amqp://user:password@host:5672/. Defaults to none.
	AMQPURL string
	// AMQPPool is the name of those that share the notifications. Defaults to cierzo.
	AMQPPool string
}

// NotifyConfig is about what is told to others.
type NotifyConfig struct {
	// File lists the publishers that get the events of all executions, as Mistral's [notifier] notify does: a YAML list
	// of dicts with type, url, headers, event_types. Defaults to none. It is the same on all nodes.
	File string
	// GiveUp is how old a notification may get that its receiver doesn't take. Defaults to 24 h.
	GiveUp time.Duration
}

// ExpirationConfig is Mistral's execution_expiration_policy.
type ExpirationConfig struct {
	// Every is the time between two evaluations. Defaults to 0: nothing is ever removed.
	Every time.Duration
	// OlderThan is the age, since its end, beyond which an execution is removed. Defaults to 0: no limit.
	OlderThan time.Duration
	// MaxFinished is how many executions without a parent are kept that have ended. Defaults to 0: no limit.
	MaxFinished int
	// Batch bounds what one evaluation removes. Defaults to 1000.
	Batch int
	// IgnoredStates are those in which executions are kept: SUCCESS, ERROR, CANCELLED. Defaults to none.
	IgnoredStates []string
}

// duties is what a node does besides running executions.
type duties struct {
	publishers map[string]notifier.Publisher
	secrets    [][]byte
	events     *triggers.Events
	notifier   *notifier.Notifier
	runs       []func(ctx context.Context)
	counts     []func() map[string]uint64

	stop context.CancelFunc
	all  sync.WaitGroup
}

// readDuties reads the files of the configuration.
func readDuties(cfg Config) (*duties, error) {
	d := &duties{}
	var err error
	if cfg.Notify.File != "" {
		if d.publishers, err = readPublishers(cfg.Notify.File); err != nil {
			return nil, err
		}
	}
	if cfg.Triggers.SecretsFile != "" {
		if d.secrets, err = readSecrets(cfg.Triggers.SecretsFile); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// secretMin is the least length of a secret, in bytes.
const secretMin = 16

func readSecrets(path string) ([][]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "event secrets")
	}
	var out [][]byte
	for i, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if len(line) < secretMin {
			return nil, fault.New(fault.Invalid, "event secrets: %s:%d: a secret has %d bytes or more", path, i+1, secretMin)
		}
		out = append(out, []byte(line))
	}
	if len(out) == 0 {
		return nil, fault.New(fault.Invalid, "event secrets: %s has none", path)
	}
	return out, nil
}

// readPublishers reads the publishers of the server, by their names. A name is derived from type and URL unless it is given,
// so that a header can change while notifications wait.
func readPublishers(path string) (map[string]notifier.Publisher, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "notify")
	}
	v, err := yaml.Decode(path, text)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "notify: %s", path)
	}
	data, err := value.AppendJSON(nil, v)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "notify: %s", path)
	}
	var list []struct {
		Name string `json:"name"`
		notifier.Publisher
	}
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&list); err != nil {
		return nil, fault.New(fault.Invalid, "notify: %s is a list of publishers, each with type, url, headers, event_types and perhaps a name: %v", path, err)
	}
	out := map[string]notifier.Publisher{}
	for i, p := range list {
		if err := p.Check(); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "%s, publisher %d", path, i+1)
		}
		if p.Name == "" {
			sum := sha256.Sum256([]byte(p.Type + " " + p.URL))
			p.Name = hex.EncodeToString(sum[:8])
		}
		if _, twice := out[p.Name]; twice {
			return nil, fault.New(fault.Invalid, "notify: %s has publisher %d twice; give each a name of its own", path, i+1)
		}
		out[p.Name] = p.Publisher
	}
	return out, nil
}

// asked are the publishers as the engine knows them.
func (d *duties) asked() []workflow.Publisher {
	var out []workflow.Publisher
	for name, p := range d.publishers {
		if p.Type != "noop" {
			out = append(out, workflow.Publisher{Name: name, EventTypes: p.EventTypes})
		}
	}
	return out
}

// prepare makes what needs only the store: before the engine starts, which tells the notifier.
func (d *duties) prepare(cfg Config, store persistence.Store) error {
	transport, err := std.NewTransport(cfg.Standard)
	if err != nil {
		return err
	}
	d.notifier, err = notifier.New(notifier.Config{
		Store: store, Server: d.publishers, GiveUp: cfg.Notify.GiveUp, Transport: transport, Logger: cfg.Logger,
	})
	return err
}

// begin starts the duties of a node with a store; those of an engine only where there is one.
func (d *duties) begin(cfg Config, store persistence.Store, cat *catalog.Catalog, engine api.Engine) error {
	definitions, err := readDefinitions(cfg.Triggers.DefinitionsFile)
	if err != nil {
		return err
	}
	d.events, err = triggers.NewEvents(triggers.EventsConfig{
		Store: store, Catalog: cat, Engine: engine, Definitions: definitions, OneProject: cfg.Auth.off() && cfg.Authorize == nil, Logger: cfg.Logger,
	})
	if err != nil {
		return err
	}
	d.counts = append(d.counts, d.events.Metrics)
	if cfg.has(RoleEngine) {
		if err := d.engine(cfg, store, cat, engine); err != nil {
			return err
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	d.stop = stop
	for _, run := range d.runs {
		d.all.Go(func() { run(ctx) })
	}
	return nil
}

// engine makes the duties of an engine.
func (d *duties) engine(cfg Config, store persistence.Store, cat *catalog.Catalog, engine api.Engine) error {
	d.add(d.notifier.Run, d.notifier.Metrics)
	cron, err := triggers.NewCron(triggers.CronConfig{
		Store: store, Catalog: cat, Engine: engine, CatchUp: triggers.CatchUp(cfg.Triggers.CatchUp), CatchUpMax: cfg.Triggers.CatchUpMax,
		Grace: cfg.Triggers.Grace, Logger: cfg.Logger,
	})
	if err != nil {
		return err
	}
	if !cfg.Triggers.NoCron {
		d.add(cron.Run, cron.Metrics)
	}
	if cfg.Expiration.Every > 0 {
		var ignored []workflow.State
		for _, s := range cfg.Expiration.IgnoredStates {
			ignored = append(ignored, workflow.State(s))
		}
		expiration, err := housekeeping.NewExpiration(housekeeping.ExpirationConfig{
			Store: store, Every: cfg.Expiration.Every, OlderThan: cfg.Expiration.OlderThan, MaxFinished: cfg.Expiration.MaxFinished,
			Batch: cfg.Expiration.Batch, IgnoredStates: ignored, Logger: cfg.Logger,
		})
		if err != nil {
			return err
		}
		d.add(expiration.Run, expiration.Metrics)
	}
	if cfg.Triggers.AMQPURL == "" {
		return nil
	}
	listener, err := amqp.New(amqp.Config{URL: cfg.Triggers.AMQPURL, Pool: cfg.Triggers.AMQPPool, Handler: d.events, Logger: cfg.Logger})
	if err == nil {
		d.add(listener.Run, listener.Metrics)
	}
	return err
}

func (d *duties) add(run func(context.Context), counts func() map[string]uint64) {
	d.runs, d.counts = append(d.runs, run), append(d.counts, counts)
}

// end ends the duties; what was under way is finished or found again.
func (d *duties) end() {
	if d != nil && d.stop != nil {
		d.stop()
		d.all.Wait()
	}
}

// metrics are the counters of the duties.
func (d *duties) metrics(into map[string]uint64) {
	for _, counts := range d.counts {
		for name, n := range counts() {
			into["cierzo_"+name] = n
		}
	}
}

func readDefinitions(path string) (triggers.Definitions, error) {
	if path == "" {
		return triggers.Definitions{}, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return triggers.Definitions{}, fault.Wrap(fault.Invalid, err, "event definitions")
	}
	return triggers.ParseDefinitions(path, text)
}
