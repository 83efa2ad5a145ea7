package api

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"cierzo/api/apitype"
	"cierzo/catalog"
	"cierzo/fault"
)

// The limits of a request.
const (
	// bodyMax bounds a body, in bytes.
	bodyMax = catalog.TextMax
	// queryMax bounds the query string, in bytes.
	queryMax = 16 << 10
	// pathMax bounds the path, in bytes.
	pathMax = 2 << 10
	// paramsMax bounds the parameters of a query string.
	paramsMax = 64
)

// status is an error with a status of its own, for those that no kind of fault stands for.
type status struct {
	code int
	text string
}

func (e *status) Error() string { return e.text }

// plain answers with a text, as Mistral does for what never gets to a handler.
func plainText(w http.ResponseWriter, code int, detail string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	fmt.Fprintf(w, "%d %s\n\n%s\n\n", code, http.StatusText(code), detail)
}

// serve prepares every request: the names that Mistral accepts for the same path, the limits, what no route takes.
func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Openstack-Request-Id", "req-"+s.requestName())
	if len(r.URL.Path) > pathMax || len(r.URL.RawQuery) > queryMax {
		plainText(w, http.StatusRequestURITooLong, "The address is longer than this server reads.")
		return
	}
	if strings.ContainsRune(r.URL.Path, 0) || !utf8.ValidString(r.URL.Path) {
		plainText(w, http.StatusBadRequest, "The path is no text.")
		return
	}
	if path, ok := strings.CutPrefix(r.URL.Path, "/workflowv2"); ok && (path == "" || path[0] == '/') {
		r.URL.Path, r.URL.RawPath = "/"+strings.TrimPrefix(path, "/"), ""
	}
	if strings.Contains(r.Header.Get("Content-Type"), "xml") {
		http.Error(w, "The request media type text/xml is not supported by this server. \n\n XML request bodies are not supported.", http.StatusUnsupportedMediaType)
		return
	}
	switch r.URL.Path {
	case "/v2":
		to := baseURL(r) + "/v2/"
		w.Header().Set("Location", to)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusFound)
		fmt.Fprintf(w, "302 Found\n\nThe resource was found at %s; you should be redirected automatically.  ", to)
		return
	case "/v2/":
		r.URL.Path = "/v2"
	}
	if len(r.URL.Path) > 1 && strings.HasSuffix(r.URL.Path, "/") {
		// One slash less than Go's router would redirect for; an empty name stays unknown.
		r.URL.Path = strings.TrimSuffix(r.URL.Path, "/")
		r.URL.RawPath = strings.TrimSuffix(r.URL.RawPath, "/")
	}
	r.Body = http.MaxBytesReader(w, r.Body, bodyMax)
	s.route(w, r)
}

func (s *server) requestName() string {
	if s.NewID == nil {
		return "none"
	}
	return s.NewID()
}

// route finds the handler. What no route takes is answered in Mistral's words.
func (s *server) route(w http.ResponseWriter, r *http.Request) {
	_, pattern := s.mux.Handler(r)
	if pattern != "" && (r.Method != http.MethodHead || r.URL.Path == "/healthcheck" || r.URL.Path == "/") {
		s.mux.ServeHTTP(w, r)
		return
	}
	if allowed := s.allowed(r); len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		plainText(w, http.StatusMethodNotAllowed, "The method "+clipText(r.Method)+" is not allowed for this resource. ")
		return
	}
	plainText(w, http.StatusNotFound, "The resource could not be found.")
}

// allowed lists the methods that the path takes.
func (s *server) allowed(r *http.Request) []string {
	var out []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		probe := r.Clone(r.Context())
		probe.Method = method
		if _, pattern := s.mux.Handler(probe); strings.HasPrefix(pattern, method+" ") {
			out = append(out, method)
		}
	}
	return out
}

// admit refuses what is wrong with the form of a request, whatever it asks for.
func (s *server) admit(r *http.Request, method string, st style) error {
	q, err := parseQuery(r)
	if err != nil {
		return err
	}
	if len(q) > paramsMax {
		return fault.New(fault.Invalid, "More than %d parameters in the query string", paramsMax)
	}
	if method == http.MethodGet || method == http.MethodDelete {
		return nil
	}
	if enc := r.Header.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return &status{http.StatusUnsupportedMediaType, "Content-Encoding " + clipText(enc) + " is not supported"}
	}
	return checkContentType(r.Header.Get("Content-Type"), st)
}

// checkContentType refuses bodies that aren't JSON where JSON is read. A body without a type is believed.
func checkContentType(header string, st style) error {
	if header == "" {
		return nil
	}
	kind, params, err := mime.ParseMediaType(header)
	if err != nil {
		return &status{http.StatusUnsupportedMediaType, "Unknown mimetype: " + clipText(header)}
	}
	if cs := strings.ToLower(params["charset"]); cs != "" && cs != "utf-8" && cs != "utf8" && cs != "us-ascii" {
		return &status{http.StatusUnsupportedMediaType, "The charset " + clipText(cs) + " is not supported: send UTF-8"}
	}
	if st == jsonErrors && kind != "application/json" && kind != "text/json" && kind != "text/javascript" && kind != "application/javascript" {
		return &status{http.StatusUnsupportedMediaType, "Unknown mimetype: " + kind}
	}
	return nil
}

// refuse answers with an error.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, st style, err error) {
	code, message := s.refusal(r, err)
	f := apitype.Fault{Message: message}
	if st == jsonErrors {
		f.Debug, f.Code = apitype.Null[string](), "Client"
		if code >= http.StatusInternalServerError {
			f.Code = "Server"
		}
	}
	if code == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	s.write(w, code, f)
}

// refusal is the status and the text of an error. Defects are logged here, the only place that sees all of them; what they
// say is for us, as is what a database says: clients get neither.
func (s *server) refusal(r *http.Request, err error) (int, string) {
	var own *status
	if errors.As(err, &own) {
		return own.code, own.text
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge, fmt.Sprintf("The request is larger than %d bytes", bodyMax)
	}
	kind := fault.KindOf(err)
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		kind = fault.Unavailable // the client has gone; nobody reads the answer
	}
	switch kind {
	case fault.Internal:
		s.Logger.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		return kind.Status(), "A server error occurred.  Please contact the administrator."
	case fault.Unavailable:
		s.Logger.Warn("request not answered", "method", r.Method, "path", r.URL.Path, "error", err)
		return kind.Status(), "The service can't answer now. What the request asks for may have been done or not: repeat it with the same id or Idempotency-Key."
	default:
		return kind.Status(), strings.ToValidUTF8(err.Error(), "\uFFFD")
	}
}

// baseURL is the address under which the client sees the server.
func baseURL(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}
