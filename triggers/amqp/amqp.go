// Package amqp listens to the notifications of OpenStack's services on a RabbitMQ, as Mistral's event engine does: for each
// exchange and topic that an event trigger names it binds a queue to <topic>.info and gives what comes to the triggers.
//
// All nodes of a pool share the queues, so each notification is taken by one of them. It is acknowledged when what it has to
// start is durable; until then the broker keeps it, and delivers it again if the node dies, which starts nothing twice.
package amqp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	rabbit "github.com/rabbitmq/amqp091-go"

	"cierzo/fault"
	"cierzo/internal/wait"
	"cierzo/triggers"
)

// The times and limits of a listener.
const (
	refreshEvery = 5 * time.Second // the list of exchanges and topics is read
	reconnectMin = time.Second     // doubling …
	reconnectMax = time.Minute
	prefetch     = 32 // notifications that a node takes at once
	// queueExpires is when the broker drops a queue that nobody listens to: a cluster that is gone leaves nothing behind.
	queueExpires = 24 * time.Hour
	// doubtPause is how long a notification waits that can't be taken now.
	doubtPause  = time.Second
	dialTimeout = 10 * time.Second
	// handleTimeout bounds the work for one notification.
	handleTimeout = time.Minute
)

// Handler takes notifications; triggers.Events is one.
type Handler interface {
	// Sources are the exchanges and topics to listen to.
	Sources(ctx context.Context) (map[triggers.Source]bool, error)
	// HandleNotification takes a message. fault.Unavailable: it is given again.
	HandleNotification(ctx context.Context, from triggers.Source, body []byte) ([]triggers.EventResult, error)
}

// Config is what a listener is made of.
type Config struct {
	// URL of the broker: amqp://user:password@host:5672/vhost, or amqps://. Required.
	URL string
	// Pool is the name of those who share the notifications. Defaults to "cierzo".
	Pool    string
	Handler Handler // required
	Logger  *slog.Logger
}

// Listener listens. It is safe for concurrent use.
type Listener struct {
	cfg                                  Config
	connected                            atomic.Int64
	taken, refused, returned, reconnects atomic.Uint64
}

// New makes a listener; Run runs it. The broker need not be there yet.
func New(cfg Config) (*Listener, error) {
	if cfg.Handler == nil {
		return nil, fault.New(fault.Invalid, "amqp: Handler is required")
	}
	if _, err := rabbit.ParseURI(cfg.URL); err != nil {
		return nil, fault.New(fault.Invalid, "amqp: the address of the broker is none such as amqp://user:password@host:5672/ (%v)", withoutPassword(err))
	}
	if cfg.Pool == "" {
		cfg.Pool = "cierzo"
	}
	if len(cfg.Pool) > 64 {
		return nil, fault.New(fault.Invalid, "amqp: the name of the pool is longer than 64 bytes")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Listener{cfg: cfg}, nil
}

// withoutPassword is an error about an address, without the address.
func withoutPassword(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// Metrics are the counters of what this node has done, by their names.
func (l *Listener) Metrics() map[string]uint64 {
	return map[string]uint64{
		"amqp_connected": uint64(max(l.connected.Load(), 0)), "amqp_notifications_total": l.taken.Load(),
		"amqp_refused_total": l.refused.Load(), "amqp_returned_total": l.returned.Load(), "amqp_reconnects_total": l.reconnects.Load(),
	}
}

// Run listens until ctx is done; it connects again for ever.
func (l *Listener) Run(ctx context.Context) {
	for tries := 0; ; tries++ {
		began := time.Now()
		err := l.session(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > reconnectMax {
			tries = 0
		}
		l.reconnects.Add(1)
		pause := min(reconnectMin<<min(tries, 10), reconnectMax)
		l.cfg.Logger.Warn("message broker lost", "error", withoutPassword(err), "again_in", pause.String())
		if wait.For(ctx, pause) != nil {
			return
		}
	}
}

// session listens on one connection until it ends.
func (l *Listener) session(ctx context.Context) error {
	conn, err := rabbit.DialConfig(l.cfg.URL, rabbit.Config{Heartbeat: 10 * time.Second, Dial: rabbit.DefaultDial(dialTimeout)})
	if err != nil {
		return err
	}
	l.connected.Add(1)
	defer l.connected.Add(-1)
	// Closing the connection ends all consumers; what is not acknowledged is delivered again.
	sessionCtx, end := context.WithCancel(ctx)
	var consumers sync.WaitGroup
	defer consumers.Wait()
	defer func() { _ = conn.Close() }() // it may be lost already
	defer end()
	closed := conn.NotifyClose(make(chan *rabbit.Error, 1))
	listening := map[triggers.Source]context.CancelFunc{}
	ended := make(chan triggers.Source)
	for {
		if err := l.refresh(sessionCtx, conn, listening, ended, &consumers); err != nil {
			return err
		}
		timer := time.NewTimer(refreshEvery)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case err := <-closed:
			timer.Stop()
			if err == nil {
				return errors.New("the connection was closed")
			}
			return err
		case source := <-ended:
			timer.Stop()
			delete(listening, source)
			if wait.For(ctx, reconnectMin) != nil {
				return ctx.Err()
			}
		case <-timer.C:
		}
	}
}

// refresh begins to listen where there are new triggers, and ends it where there are none any more.
func (l *Listener) refresh(ctx context.Context, conn *rabbit.Connection, listening map[triggers.Source]context.CancelFunc, ended chan<- triggers.Source, consumers *sync.WaitGroup) error {
	sources, err := l.cfg.Handler.Sources(ctx)
	if err != nil {
		l.cfg.Logger.Warn("event triggers can't be read", "error", err)
		return nil // go on with what is known
	}
	for source, stop := range listening {
		if !sources[source] {
			stop()
			delete(listening, source)
			l.forget(conn, source)
		}
	}
	for source := range sources {
		if listening[source] != nil {
			continue
		}
		deliveries, ch, err := l.listen(conn, source)
		if err != nil {
			if conn.IsClosed() {
				return err
			}
			l.cfg.Logger.Error("can't listen to notifications", "exchange", source.Exchange, "topic", source.Topic, "error", err)
			continue
		}
		consumerCtx, stop := context.WithCancel(ctx)
		listening[source] = stop
		consumers.Go(func() {
			defer stop()
			defer func() { _ = ch.Close() }() // the connection may be lost already
			l.consume(consumerCtx, source, deliveries)
			select {
			case ended <- source:
			case <-consumerCtx.Done():
			}
		})
	}
	return nil
}

func (l *Listener) queue(s triggers.Source) string {
	name := fmt.Sprintf("cierzo.%s.%s.%s.info", l.cfg.Pool, s.Exchange, s.Topic)
	return name[:min(len(name), 255)] // AMQP's limit
}

// listen declares what is needed and begins to consume.
func (l *Listener) listen(conn *rabbit.Connection, s triggers.Source) (<-chan rabbit.Delivery, *rabbit.Channel, error) {
	if err := declareExchange(conn, s.Exchange); err != nil {
		return nil, nil, err
	}
	ch, err := conn.Channel()
	if err != nil {
		return nil, nil, err
	}
	deliveries, err := func() (<-chan rabbit.Delivery, error) {
		args := rabbit.Table{"x-expires": queueExpires.Milliseconds()}
		if _, err := ch.QueueDeclare(l.queue(s), true, false, false, false, args); err != nil {
			return nil, err
		}
		// Mistral listens to this priority only.
		if err := ch.QueueBind(l.queue(s), s.Topic+".info", s.Exchange, false, nil); err != nil {
			return nil, err
		}
		if err := ch.Qos(prefetch, 0, false); err != nil {
			return nil, err
		}
		return ch.Consume(l.queue(s), "", false, false, false, false, nil)
	}()
	if err != nil {
		return nil, nil, errors.Join(err, ignoreClosed(ch.Close()))
	}
	return deliveries, ch, nil
}

// declareExchange takes the exchange as the service has declared it, durable or not, or declares it as oslo.messaging does.
// A refusal ends a channel, so each try has its own.
func declareExchange(conn *rabbit.Connection, name string) error {
	if name == "" {
		return fault.New(fault.Invalid, "the default exchange has no topics")
	}
	ch, err := conn.Channel()
	if err != nil {
		return err
	}
	if ch.ExchangeDeclarePassive(name, "topic", false, false, false, false, nil) == nil {
		return ch.Close()
	}
	if ch, err = conn.Channel(); err != nil {
		return err
	}
	if err := ch.ExchangeDeclare(name, "topic", false, false, false, false, nil); err != nil {
		return err
	}
	return ch.Close()
}

func ignoreClosed(err error) error {
	if errors.Is(err, rabbit.ErrClosed) {
		return nil
	}
	return err
}

// forget removes the queue of a source that no trigger is about any more.
func (l *Listener) forget(conn *rabbit.Connection, s triggers.Source) {
	ch, err := conn.Channel()
	if err == nil {
		if _, err = ch.QueueDelete(l.queue(s), false, false, false); err == nil {
			err = ch.Close()
		}
	}
	if err != nil {
		l.cfg.Logger.Warn("queue not removed", "queue", l.queue(s), "error", err)
	}
}

// consume takes notifications, one after the other.
func (l *Listener) consume(ctx context.Context, s triggers.Source, deliveries <-chan rabbit.Delivery) {
	for {
		select {
		case <-ctx.Done():
			return
		case d, ok := <-deliveries:
			if !ok {
				return
			}
			if err := l.take(ctx, s, d); err != nil {
				return // the channel is lost
			}
		}
	}
}

func (l *Listener) take(ctx context.Context, s triggers.Source, d rabbit.Delivery) error {
	handleCtx, cancel := context.WithTimeout(ctx, handleTimeout)
	_, err := l.cfg.Handler.HandleNotification(handleCtx, s, d.Body)
	cancel()
	switch {
	case err == nil:
		l.taken.Add(1)
		return d.Ack(false)
	case fault.Is(err, fault.Unavailable) || ctx.Err() != nil:
		l.returned.Add(1)
		l.cfg.Logger.Warn("notification can't be taken now", "exchange", s.Exchange, "topic", s.Topic, "error", err)
		_ = wait.For(ctx, doubtPause) // the notification goes back in any case
		return d.Nack(false, true)
	default:
		// It would be refused again.
		l.refused.Add(1)
		l.cfg.Logger.Error("notification refused", "exchange", s.Exchange, "topic", s.Topic, "error", err)
		return d.Ack(false)
	}
}
