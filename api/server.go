// Package api is the REST API, version 2: what OpenStack Mistral's clients speak.
//
// Handlers read the store and act through Engine; they never write an execution. Each returns a status and a body, or an
// error whose kind chooses the status (package fault); the two forms of error bodies that Mistral has are the two ways
// of registering a handler: jsonRoute and textRoute.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"cierzo/api/apitype"
	"cierzo/catalog"
	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// Engine carries out what the API is asked to change. Errors have a kind: Invalid and Conflict are refusals by the state
// machine, Unavailable says that no engine has answered in time.
type Engine interface {
	// Start begins an execution and returns when it is durable. The same ID again is no error.
	Start(ctx context.Context, s catalog.Start) error
	// Command carries out a user's command and returns when its effect is durable. The same requestID again is answered
	// and not carried out twice.
	Command(ctx context.Context, id workflow.ExecutionID, requestID string, op workflow.Op) error
}

// Config is what the API needs.
type Config struct {
	Store   persistence.Store
	Catalog *catalog.Catalog
	Engine  Engine
	Logger  *slog.Logger
	// Project of all requests: authentication is a proxy's affair. Defaults to "<default-project>", Mistral's own name
	// for it.
	Project string
	// NewID makes the ids of executions.
	NewID func() string
	// Metrics gives the node's counters by their Prometheus names. nil: none are shown.
	Metrics func() map[string]uint64
}

// DefaultProject is the project of requests when nobody authenticates.
const DefaultProject = "<default-project>"

type server struct {
	Config
	mux *http.ServeMux
}

// New makes the handler of all paths of the API.
func New(cfg Config) http.Handler {
	if cfg.Project == "" {
		cfg.Project = DefaultProject
	}
	s := &server{Config: cfg, mux: http.NewServeMux()}
	s.routes()
	return http.HandlerFunc(s.serve)
}

func (s *server) routes() {
	s.jsonRoute("GET /{$}", s.versions)
	s.jsonRoute("GET /v2", s.root)
	s.jsonRoute("GET /healthcheck", s.health)
	s.mux.HandleFunc("GET /metrics", s.metrics)
	s.definitionRoutes()
	s.executionRoutes()
	s.taskRoutes()
	s.environmentRoutes()
}

// serve takes the trailing slash off, which Mistral accepts everywhere, and limits the body.
func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	if len(r.URL.Path) > 1 && strings.HasSuffix(r.URL.Path, "/") {
		r.URL.Path = strings.TrimRight(r.URL.Path, "/")
	}
	if strings.Contains(r.Header.Get("Content-Type"), "xml") {
		http.Error(w, "The request media type text/xml is not supported by this server. \n\n XML request bodies are not supported.", http.StatusUnsupportedMediaType)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, catalog.TextMax+1)
	s.mux.ServeHTTP(w, r)
}

// handler answers a request: the status of success and the body, nil for none.
type handler func(r *http.Request) (int, any, error)

// jsonRoute registers an endpoint whose errors have faultcode and faultstring.
func (s *server) jsonRoute(pattern string, h handler) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		status, body, err := h(r)
		if err != nil {
			status, message := s.refusal(r, err)
			code := "Client"
			if status >= http.StatusInternalServerError {
				code = "Server"
			}
			s.write(w, status, apitype.Fault{Debug: apitype.Null[string](), Code: code, Message: message})
			return
		}
		s.write(w, status, body)
	})
}

// textRoute registers an endpoint that takes a text and whose errors have only the faultstring.
func (s *server) textRoute(pattern string, h handler) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		status, body, err := h(r)
		if err != nil {
			status, message := s.refusal(r, err)
			s.write(w, status, apitype.Fault{Message: message})
			return
		}
		s.write(w, status, body)
	})
}

// refusal is the status and the text of an error. Defects are logged here, the only place that sees all of them.
func (s *server) refusal(r *http.Request, err error) (int, string) {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge, fmt.Sprintf("The request is larger than %d bytes", catalog.TextMax)
	}
	kind := fault.KindOf(err)
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		kind = fault.Unavailable // the client has gone; nobody reads the answer
	} else if kind == fault.Internal {
		s.Logger.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	return kind.Status(), err.Error()
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

func (s *server) versions(r *http.Request) (int, any, error) {
	type link struct {
		Href   string `json:"href"`
		Target string `json:"target"`
		Rel    string `json:"rel"`
	}
	type version struct {
		ID     string `json:"id"`
		Status string `json:"status"`
		Links  []link `json:"links"`
	}
	v := version{"v2.0", "CURRENT", []link{{baseURL(r) + "/v2", "v2", "self"}}}
	return http.StatusOK, map[string][]version{"versions": {v}}, nil
}

func (s *server) root(r *http.Request) (int, any, error) {
	return http.StatusOK, map[string]string{"uri": baseURL(r) + "/v2"}, nil
}

func (s *server) health(r *http.Request) (int, any, error) {
	info, err := s.Store.Info(r.Context())
	if err != nil {
		return 0, nil, fault.Wrap(fault.Unavailable, err, "database")
	}
	return http.StatusOK, map[string]any{"store": info.Kind, "schema": info.Schema}, nil
}

// baseURL is the address under which the client sees the server.
func baseURL(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}
