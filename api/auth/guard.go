package auth

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"cierzo/fault"
)

// The rules of routes that have none of the policy's.
const (
	// Open routes are answered without asking who it is; their handlers have no identity.
	Open = "open"
	// Authenticated routes are for everybody whom we know.
	Authenticated = "authenticated"
)

// retryAfterSeconds is what clients are told if nobody can say at present who they are.
const retryAfterSeconds = "5"

// Refuse answers a request with an error that has a kind, in the form of the route's other errors. It isn't used for 401.
type Refuse func(w http.ResponseWriter, r *http.Request, err error)

// Guard stands before handlers: it authenticates, puts the identity into the context and asks the route's rule.
type Guard struct {
	authenticator Authenticator
	enforcer      *Enforcer
	logger        *slog.Logger
	headers       []string
}

// NewGuard makes a guard. All three are required.
func NewGuard(a Authenticator, e *Enforcer, logger *slog.Logger) *Guard {
	return &Guard{authenticator: a, enforcer: e, logger: logger, headers: identityHeaders()}
}

// Wrap is h for those whom the rule lets through: a rule's name, Open or Authenticated. A name that the Enforcer doesn't know
// lets nobody through.
func (g *Guard) Wrap(rule string, refuse Refuse, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rule == Open {
			h.ServeHTTP(w, g.strip(r, nil))
			return
		}
		id, err := g.authenticator.Authenticate(r)
		if err != nil {
			g.refuse(w, r, refuse, err)
			return
		}
		r = g.strip(r, id)
		if rule != Authenticated {
			if err := g.enforcer.Check(r.Context(), rule, nil); err != nil {
				g.logger.Debug("request refused", "rule", rule, "project", id.Project, "user", id.User, "error", err)
				refuse(w, r, err)
				return
			}
		}
		h.ServeHTTP(w, r)
	})
}

// strip gives a request that has the identity in its context and no token and no word about identities in its headers.
func (g *Guard) strip(r *http.Request, id *Identity) *http.Request {
	ctx := r.Context()
	if id != nil {
		ctx = WithIdentity(ctx, id)
	}
	r = r.Clone(ctx)
	for _, name := range g.headers {
		r.Header.Del(name)
	}
	for _, name := range []string{"X-Auth-Token", "Authorization", "X-Target-Auth-Token"} {
		r.Header.Del(name)
	}
	return r
}

// refuse answers a request that isn't authenticated.
func (g *Guard) refuse(w http.ResponseWriter, r *http.Request, refuse Refuse, err error) {
	var unknown *Unauthenticated
	switch {
	case errors.As(err, &unknown):
		g.logger.Debug("request not authenticated", "reason", unknown.Reason, "path", r.URL.Path)
		g.unauthorized(w, unknown)
		return
	case fault.Is(err, fault.Unavailable):
		w.Header().Set("Retry-After", retryAfterSeconds)
	}
	refuse(w, g.strip(r, nil), err)
}

// unauthorized answers 401: Mistral's header, from which its client takes the text, keystonemiddleware's body, and the
// faultstring of all other errors.
func (g *Guard) unauthorized(w http.ResponseWriter, err *Unauthenticated) {
	type problem struct {
		Code    int    `json:"code"`
		Title   string `json:"title"`
		Message string `json:"message"`
	}
	const message = "The request you have made requires authentication."
	body, encodeErr := json.Marshal(struct {
		Error problem `json:"error"`
		Fault string  `json:"faultstring"`
	}{problem{http.StatusUnauthorized, http.StatusText(http.StatusUnauthorized), message}, err.Error()})
	if encodeErr != nil {
		g.logger.Error("answer not encoded", "error", encodeErr)
	}
	if challenge := g.authenticator.Challenge(); challenge != "" {
		w.Header().Set("WWW-Authenticate", challenge)
	}
	w.Header().Set("Server-Error-Message", err.Error())
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnauthorized)
	if _, err := w.Write(body); err != nil {
		g.logger.Debug("answer not written", "error", err)
	}
}
