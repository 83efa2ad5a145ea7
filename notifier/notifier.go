// Package notifier delivers notifications: what executions and the server want to be told elsewhere.
//
// The engine writes them into an outbox with the turn that makes them (persistence.Notices), so a crash loses none. Each
// engine has a Notifier, which claims lanes of the outbox: a lane is what one execution has for one receiver, and is delivered
// in its order. A receiver that doesn't take a notification is tried again, with growing pauses, until GiveUp; what comes
// after it waits. So a notification is delivered at least once, and its header Webhook-Id tells a second time from a first.
package notifier

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// The limits of a Notifier.
const (
	sweepEvery = time.Second
	// After so many sweeps that have found nothing only each second one is made: what this node has written wakes it anyway.
	emptyMax   = 10
	lanesMax   = 200 // that one sweep looks at
	batchMax   = 50  // notices of a lane that are delivered in one go
	workersMax = 16  // lanes that are delivered at the same time
	// claimTTL is how long a lane is one node's; it stops before that.
	claimTTL  = time.Minute
	settleMax = 10 * time.Second
	// retryMin is the pause after the first failure, doubling to retryMax.
	retryMin = time.Second
	retryMax = 10 * time.Minute
	// answerMax bounds what is read of an answer, in bytes.
	answerMax = 16 << 10
	headers   = 64 // that a receiver may ask for
)

// Publisher is a receiver of notifications, as Mistral writes it: in the params of an execution ("notify") or in the
// configuration of the server.
type Publisher struct {
	Type       string            `json:"type"`
	EventTypes []string          `json:"event_types,omitempty"`
	URL        string            `json:"url,omitempty"`
	Headers    map[string]string `json:"headers,omitempty"`
}

// Check refuses what can't be a publisher.
func (p *Publisher) Check() error {
	switch p.Type {
	case "noop":
		return nil
	case "webhook":
	default:
		return fault.New(fault.Invalid, "notify: the type %.80q is none of webhook, noop", p.Type)
	}
	u, err := url.Parse(p.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fault.New(fault.Invalid, "notify: a webhook needs a url such as https://host/path")
	}
	if len(p.Headers) > headers {
		return fault.New(fault.Invalid, "notify: %d headers; there may be %d", len(p.Headers), headers)
	}
	for name, v := range p.Headers {
		if strings.ContainsAny(name+v, "\r\n\x00") || name == "" {
			return fault.New(fault.Invalid, "notify: the header %.80q can't be sent", name)
		}
	}
	return nil
}

// Config is what a Notifier is made of.
type Config struct {
	Store persistence.Notices // required
	// Server are the publishers of the configuration, by their names.
	Server map[string]Publisher
	// Timeout bounds one delivery. Defaults to 10 s.
	Timeout time.Duration
	// GiveUp is how old a notification may get that is not taken. Defaults to 24 h.
	GiveUp time.Duration
	// Transport carries requests; it decides where they may go. Defaults to http.DefaultTransport.
	Transport http.RoundTripper
	// Now is the clock. Defaults to time.Now.
	Now    func() time.Time
	Logger *slog.Logger // defaults to discarding it
}

// Notifier delivers. It is safe for concurrent use.
type Notifier struct {
	cfg                   Config
	client                *http.Client
	wake                  chan struct{}
	sent, failed, dropped atomic.Uint64
}

// New makes a Notifier; Run runs it.
func New(cfg Config) (*Notifier, error) {
	if cfg.Store == nil {
		return nil, fault.New(fault.Invalid, "notifier: Store is required")
	}
	for name, p := range cfg.Server {
		if err := p.Check(); err != nil {
			return nil, fmt.Errorf("publisher %s: %w", name, err)
		}
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.Timeout > claimTTL/2 {
		return nil, fault.New(fault.Invalid, "notifier: a timeout of %s; it may be %s", cfg.Timeout, claimTTL/2)
	}
	if cfg.GiveUp <= 0 {
		cfg.GiveUp = 24 * time.Hour
	}
	if cfg.Transport == nil {
		cfg.Transport = http.DefaultTransport
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	client := &http.Client{
		Transport: cfg.Transport, Timeout: cfg.Timeout,
		// As in Mistral: what was asked for is told, and nobody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Notifier{cfg: cfg, client: client, wake: make(chan struct{}, 1)}, nil
}

// Notify says that there is something to deliver. It returns at once.
func (n *Notifier) Notify(*workflow.ExecutionRecord, workflow.Notification) {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// Metrics are the counters of what this node has done, by their names.
func (n *Notifier) Metrics() map[string]uint64 {
	return map[string]uint64{
		"notifications_sent_total": n.sent.Load(), "notifications_failed_total": n.failed.Load(), "notifications_dropped_total": n.dropped.Load(),
	}
}

// Run delivers until ctx is done.
func (n *Notifier) Run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	empty, skipped := 0, false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if skipped = empty >= emptyMax && !skipped; skipped {
				continue
			}
		case <-n.wake:
		}
		found, err := n.Sweep(ctx)
		if err != nil && ctx.Err() == nil {
			n.cfg.Logger.Warn("notifications", "error", err)
		}
		if empty++; found > 0 || err != nil {
			empty = 0
		}
	}
}

// Sweep delivers what is due. It says how many executions had something.
func (n *Notifier) Sweep(ctx context.Context) (int, error) {
	lanes, err := n.cfg.Store.DueNotices(ctx, lanesMax)
	if err != nil {
		return 0, err
	}
	var mu sync.Mutex
	var errs []error
	var all sync.WaitGroup
	slots := make(chan struct{}, workersMax)
	for _, lane := range lanes {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			if err := n.lane(ctx, lane); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
		})
	}
	all.Wait()
	if len(lanes) == lanesMax {
		n.Notify(nil, workflow.Notification{}) // there may be more
	}
	return len(lanes), errors.Join(errs...)
}

// lane delivers the first notices of a lane, up to the first that isn't taken.
func (n *Notifier) lane(ctx context.Context, lane persistence.NoticeLane) error {
	began := n.cfg.Now()
	list, err := n.cfg.Store.ClaimNotices(ctx, lane, claimTTL, batchMax)
	if err != nil || len(list) == 0 {
		return err
	}
	var end persistence.NoticeSettlement
	for i := range list {
		// A delivery must not outlive the claim: another node would begin with the same.
		if ctx.Err() != nil || n.cfg.Now().Sub(began) > claimTTL-n.cfg.Timeout-settleMax {
			break
		}
		notice := &list[i]
		err := n.deliver(ctx, notice)
		if err != nil && ctx.Err() != nil {
			break
		}
		if err == nil {
			n.sent.Add(1)
		} else if !n.surrender(notice, err) {
			n.failed.Add(1)
			end.Failed, end.Pause = notice.Seq, min(retryMin<<min(notice.Tries, 20), retryMax)
			n.cfg.Logger.Warn("notification not delivered, it is tried again", "execution_id", lane.ExecutionID, "event", notice.Doc.Event,
				"tries", notice.Tries+1, "again_in", end.Pause.String(), "error", err)
			break
		}
		end.Through = notice.Seq
	}
	settleCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleMax)
	defer cancel()
	return n.cfg.Store.SettleNotices(settleCtx, lane, end)
}

// surrender gives a notification up whose receiver can't be, has said that it is gone, or has not taken it for too long.
func (n *Notifier) surrender(notice *persistence.Notice, why error) bool {
	if !fault.Is(why, fault.Invalid) && n.cfg.Now().Sub(notice.Doc.At) < n.cfg.GiveUp {
		return false
	}
	n.dropped.Add(1)
	n.cfg.Logger.Error("notification dropped", "execution_id", notice.ExecutionID, "event", notice.Doc.Event, "tries", notice.Tries+1, "error", why)
	return true
}

// deliver tells a receiver. fault.Invalid: it never will be told.
func (n *Notifier) deliver(ctx context.Context, notice *persistence.Notice) error {
	p, err := n.publisher(notice)
	if err != nil {
		return err
	}
	if p.Type == "noop" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL, bytes.NewReader(notice.Doc.Data))
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "notify")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "cierzo")
	for name, v := range p.Headers {
		req.Header.Set(name, v)
	}
	req.Header.Set("Webhook-Id", string(notice.ExecutionID)+"."+strconv.FormatUint(notice.Seq, 10))
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(notice.Doc.At.Unix(), 10))
	resp, err := n.client.Do(req)
	if fault.Is(err, fault.Invalid) { // it may not go there
		return err
	}
	if err != nil {
		return fault.New(fault.Unavailable, "%w", withoutURL(err))
	}
	// Reading the answer lets the connection be used again.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, answerMax))
	if err := resp.Body.Close(); err != nil {
		n.cfg.Logger.Debug("answer of a webhook", "error", err)
	}
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		return nil
	case resp.StatusCode == http.StatusGone:
		return fault.New(fault.Invalid, "the webhook answers %s", resp.Status)
	}
	return fault.New(fault.Unavailable, "the webhook answers %s", resp.Status)
}

// withoutURL is an error of a request without its address, which may have a secret in it.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// publisher is the receiver of a notice.
func (n *Notifier) publisher(notice *persistence.Notice) (*Publisher, error) {
	if name := notice.Doc.Server; name != "" {
		p, ok := n.cfg.Server[name]
		if !ok { // another node may have it
			return nil, fault.New(fault.Unavailable, "this server has no publisher %q", name)
		}
		return &p, nil
	}
	var p Publisher
	if err := json.Unmarshal(notice.Doc.Publisher, &p); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "notify")
	}
	return &p, p.Check()
}
