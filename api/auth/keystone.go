package auth

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"cierzo/fault"
)

// The limits of what is remembered about tokens. Catalogs may have 100 kB, so their bytes count too.
const (
	cacheMax      = 10_000
	cacheBytesMax = 64 << 20
	// inFlightMax is how many tokens Keystone is asked about at a time; a flood of made-up ones stops here.
	inFlightMax = 32
)

// keystoneAuthenticator validates tokens at Keystone and remembers what it said.
//
// A token that was good is believed for CacheTTL, or until it expires; that is how long a revoked one goes on working. One
// that was refused is refused for NegativeTTL. Requests with the same token wait for one question. If Keystone can't be
// asked the answer is Unavailable, a 503, where keystonemiddleware makes it a 401 and clients throw good tokens away.
type keystoneAuthenticator struct {
	cfg    KeystoneConfig
	client *keystoneClient
	logger *slog.Logger
	now    func() time.Time
	slots  chan struct{}

	mu       sync.Mutex
	good     *tokenCache
	bad      *tokenCache
	inFlight map[tokenKey]*validation
}

// validation is a question to Keystone that somebody waits for. done is closed once id and err are set.
type validation struct {
	done chan struct{}
	id   *Identity
	err  error
}

func newKeystoneAuthenticator(cfg KeystoneConfig, logger *slog.Logger, now func() time.Time) (Authenticator, error) {
	if logger == nil {
		return nil, fault.New(fault.Invalid, "mode keystone needs a logger")
	}
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	return &keystoneAuthenticator{
		cfg: cfg, client: newKeystoneClient(cfg, now), logger: logger, now: now, slots: make(chan struct{}, inFlightMax),
		good: newTokenCache(cacheMax, cacheBytesMax), bad: newTokenCache(cacheMax, cacheBytesMax),
		inFlight: map[tokenKey]*validation{},
	}, nil
}

func (a *keystoneAuthenticator) Challenge() string { return `Keystone uri="` + a.cfg.PublicURL + `"` }

func (a *keystoneAuthenticator) Authenticate(r *http.Request) (*Identity, error) {
	token, err := requestToken(r)
	if err != nil {
		return nil, err
	}
	shared, err := a.validate(r.Context(), token)
	if err != nil {
		return nil, err
	}
	id := *shared
	return &id, id.aim(r)
}

// validate answers from what is remembered, joins a question that is under way, or asks.
func (a *keystoneAuthenticator) validate(ctx context.Context, token Secret) (*Identity, error) {
	key := tokenKey(HashToken(token))
	a.mu.Lock()
	now := a.now()
	if id, ok := a.good.get(key, now); ok {
		a.mu.Unlock()
		return id, nil
	}
	if _, ok := a.bad.get(key, now); ok {
		a.mu.Unlock()
		return nil, refuse(reasonInvalid)
	}
	v, ok := a.inFlight[key]
	if !ok {
		v = &validation{done: make(chan struct{})}
		a.inFlight[key] = v
		// The question belongs to all who wait for it, so it doesn't end with the request that came first.
		go a.ask(context.WithoutCancel(ctx), key, token, v)
	}
	a.mu.Unlock()

	select {
	case <-v.done:
		return v.id, v.err
	case <-ctx.Done():
		return nil, fault.Wrap(fault.Unavailable, ctx.Err(), "validate the token")
	}
}

// ask asks Keystone within the configured time and tells those who wait.
func (a *keystoneAuthenticator) ask(ctx context.Context, key tokenKey, token Secret, v *validation) {
	ctx, cancel := context.WithTimeout(ctx, a.cfg.Timeout)
	defer cancel()
	answer, err := a.askInTurn(ctx, token)

	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	switch {
	case err != nil:
		v.err = fault.New(fault.Unavailable, "the identity service can't be asked about the token")
		a.logger.Error("token not validated", "error", err)
	case answer.refused || !now.Before(answer.id.ExpiresAt):
		v.err = refuse(reasonInvalid)
		a.bad.put(key, nil, now.Add(a.cfg.NegativeTTL), 0, now)
	case answer.id.Project == "":
		v.err = errUnscoped()
	default:
		v.id = answer.id
		until := now.Add(a.cfg.CacheTTL)
		if answer.id.ExpiresAt.Before(until) {
			until = answer.id.ExpiresAt
		}
		a.good.put(key, answer.id, until, answer.size, now)
	}
	delete(a.inFlight, key)
	close(v.done)
}

func (a *keystoneAuthenticator) askInTurn(ctx context.Context, token Secret) (*tokenAnswer, error) {
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return a.client.validate(ctx, token)
}
