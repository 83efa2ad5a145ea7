// Package api is the REST API, version 2: what OpenStack Mistral's clients speak, and what we add to it.
//
// Handlers read the store and act through Engine; they never write an execution. Each returns a status and a body, or an
// error whose kind chooses the status (package fault). routes.go is the table of all routes, each with the name of its
// rule in the policy; the two forms of error bodies that Mistral has are the two ways of registering a handler: handle
// and handleText.
package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"cierzo/api/apitype"
	"cierzo/catalog"
	"cierzo/persistence"
	"cierzo/triggers"
	"cierzo/workflow"
)

// Engine carries out what the API is asked to change. Errors have a kind: Invalid and Conflict are refusals by the state
// machine, Unavailable says that no engine has answered in time.
type Engine interface {
	// Start begins an execution and returns when it is durable. The same ID again is no error. persistence.ErrOutdated: it is refused,
	// and s.Newest, so that another revision may be meant; see catalog.Begin.
	Start(ctx context.Context, s catalog.Start) error
	// Command carries out a user's command and returns when its effect is durable. The same RequestID again is answered
	// and not carried out twice.
	Command(ctx context.Context, id workflow.ExecutionID, c workflow.Command) error
}

// Cron understands the patterns of cron triggers.
type Cron interface {
	// Next is when a pattern fires first after a moment, on the clocks of a zone ("" is UTC); false: never. The error says
	// what is wrong with the pattern.
	Next(pattern, zone string, after time.Time) (time.Time, bool, error)
}

// Events takes events for event triggers.
type Events interface {
	// Handle starts what waits for an event, and returns when that is durable. The same event again starts nothing again.
	Handle(ctx context.Context, ev triggers.Event) ([]triggers.EventResult, error)
}

// Config is what the API needs.
type Config struct {
	Store   persistence.Store
	Catalog *catalog.Catalog
	Engine  Engine
	Logger  *slog.Logger
	// Authorize says who sends a request and whether the rule of Mistral's policy ("workflows:list") lets them; an error of
	// kind Forbidden refuses. Routes and what goes beyond them (a public scope, all projects) ask by the same function.
	// Defaults to Unauthenticated(Project).
	Authorize func(r *http.Request, rule string) (Caller, error)
	// Guard stands before the handlers of routes, to find out who sends a request: it gets the route's rule ("open" for those
	// that are everybody's), and how to refuse in the form of the route's errors. nil: there is none.
	Guard func(rule string, refuse func(w http.ResponseWriter, r *http.Request, err error), h http.Handler) http.Handler
	// Project of all requests when nobody authenticates. Defaults to DefaultProject.
	Project string
	// Cron understands the patterns of cron triggers. nil: triggers with a pattern are refused.
	Cron Cron
	// Events takes events for event triggers. nil: they are refused.
	Events Events
	// EventSecrets sign events, see events.go: who knows one of them needs no token to send events. Without
	// authentication nobody may send unsigned ones then. nil: signatures aren't looked at.
	EventSecrets [][]byte
	// NewID makes the ids of resources. Required.
	NewID func() string
	// NewExecutionID makes those of executions. Defaults to NewID.
	NewExecutionID func() string
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Begun is as Ended, for an execution's first turn. Optional.
	Begun func(id workflow.ExecutionID) (begun <-chan *workflow.Writes, done func())
	// Ended returns a channel that gives what an execution's last turn has written, once and if this process' engine has it, and
	// what to call when nobody waits any more. nil: those who wait look into the store.
	Ended func(id workflow.ExecutionID) (ended <-chan *workflow.Writes, done func())
	// Hears reports whether Ended will tell, for this process' engine has the execution; when it loses it Ended gives nil. nil: never.
	Hears func(id workflow.ExecutionID) bool
	// Metrics gives the node's counters by their Prometheus names. nil: none are shown.
	Metrics func() map[string]uint64
	// MetricHelp says what each of them is, by its name without labels. nil: nothing is said.
	MetricHelp map[string]string
	// Changes counts what this process has written of executions; all says that no other process writes any. A feed whose count
	// stays doesn't look at the store. nil: others may write.
	Changes func(ctx context.Context) (count uint64, all bool)
	// Evaluate computes an expression on JSON data, in a language or the one that its delimiters tell. nil: nothing is evaluated.
	Evaluate func(lang, text string, data json.RawMessage) (json.RawMessage, error)
	// Functions are the names that expressions can use. nil: none are listed.
	Functions []apitype.ExpressionFunction
	// Runners tells of the action runners that this node's engine hears. nil: it is no engine.
	Runners func() []apitype.Runner
	// Queue tells of the actions of this node's engine that wait for a slot. nil: it is no engine.
	Queue func() []apitype.Queue
	// Info is what GET /info answers, a JSON object. nil: the endpoint is disabled.
	Info json.RawMessage
	// DeleteActionExecutions allows DELETE of action executions that belong to no workflow, Mistral's
	// allow_action_execution_deletion. Defaults to refusing it.
	DeleteActionExecutions bool
	// Closing ends the event streams when it is closed. nil: they end with their clients.
	Closing <-chan struct{}
}

type server struct {
	Config
	authenticates bool // Authorize was configured: there are several projects
	mux           *http.ServeMux
	table         []Route
	maintenance   maintenanceCache
	streams       chan struct{} // bounds the event streams
	feeds         *feeds
	documents     func() (*documents, error)
}

// New makes the handler of all paths of the API.
func New(cfg Config) http.Handler {
	s := newServer(cfg)
	return http.HandlerFunc(s.serve)
}

func newServer(cfg Config) *server {
	if cfg.Project == "" {
		cfg.Project = DefaultProject
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.NewExecutionID == nil {
		cfg.NewExecutionID = cfg.NewID
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &server{Config: cfg, authenticates: cfg.Authorize != nil, mux: http.NewServeMux(), streams: make(chan struct{}, streamsMax)}
	if !s.authenticates {
		s.Authorize = Unauthenticated(cfg.Project)
	}
	s.feeds = newFeeds(cfg.Store, cfg.Now, cfg.Changes)
	s.routes()
	s.documents = sync.OnceValues(func() (*documents, error) { return makeDocuments(s.table) })
	return s
}

// handler answers a request: the status of success and the body, nil for none.
type handler func(r *http.Request) (int, any, error)

// style says what a route's errors look like.
type style uint8

const (
	jsonErrors style = iota // {"faultcode": …, "faultstring": …, "debuginfo": null}
	textErrors              // {"faultstring": …}
)

// handle registers an endpoint whose errors have faultcode and faultstring.
func (s *server) handle(pattern, rule string, h handler) {
	s.register(pattern, rule, jsonErrors, s.answering(h))
}

// handleText registers an endpoint whose errors have only the faultstring: in Mistral those that take a text, and members.
func (s *server) handleText(pattern, rule string, h handler) {
	s.register(pattern, rule, textErrors, s.answering(h))
}

// answering writes what a handler returns.
func (s *server) answering(h handler) func(w http.ResponseWriter, r *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		status, body, err := h(r)
		if err == nil {
			s.write(w, status, body)
		}
		return err
	}
}

// handleRaw registers an endpoint that writes its answer itself; what it returns before it has written anything becomes an
// error's answer.
func (s *server) handleRaw(pattern, rule string, h func(w http.ResponseWriter, r *http.Request) error) {
	s.register(pattern, rule, jsonErrors, h)
}

func (s *server) register(pattern, rule string, st style, h func(w http.ResponseWriter, r *http.Request) error) {
	method, path, _ := strings.Cut(pattern, " ")
	s.table = append(s.table, Route{Method: method, Path: path, Rule: rule})
	var guarded http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := s.admit(r, method, st)
		if err == nil {
			var caller Caller
			if caller, err = s.authorize(r, rule); err == nil {
				err = s.openFor(r, pattern)
			}
			if err == nil {
				err = h(w, r.WithContext(withCaller(r.Context(), caller)))
			}
		}
		if err != nil {
			s.refuse(w, r, st, err)
		}
	})
	if s.Guard != nil {
		refuse := func(w http.ResponseWriter, r *http.Request, err error) { s.refuse(w, r, st, err) }
		guarded = s.Guard(firstOf(rule, "open"), refuse, guarded)
	}
	if pattern == eventsRoute {
		guarded = s.signedOr(guarded, h)
	}
	s.mux.Handle(pattern, guarded)
}

func (s *server) write(w http.ResponseWriter, status int, body any) {
	if body == nil {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		s.Logger.Debug("answer not written", "error", err)
	}
}
