package amqp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	rabbit "github.com/rabbitmq/amqp091-go"

	"cierzo/fault"
	"cierzo/internal/slogtest"
	"cierzo/triggers"
	"cierzo/triggers/amqp"
)

// withBroker runs the tests that start a RabbitMQ of their own: make rabbitmq-test.
var withBroker = flag.Bool("rabbitmq", false, "start a RabbitMQ and test on it")

const server = "/usr/lib/rabbitmq/bin/rabbitmq-server"

// handler is what the listener tells.
type handler struct {
	mu      sync.Mutex
	sources map[triggers.Source]bool
	taken   []string
	refuse  func(ev triggers.Event, n int) error // of the nth time, from 1
	times   map[string]int
	news    chan struct{}
}

func newHandler(sources ...triggers.Source) *handler {
	h := &handler{sources: map[triggers.Source]bool{}, times: map[string]int{}, news: make(chan struct{}, 1000)}
	for _, s := range sources {
		h.sources[s] = true
	}
	return h
}

func (h *handler) Sources(context.Context) (map[triggers.Source]bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := map[triggers.Source]bool{}
	for s := range h.sources {
		out[s] = true
	}
	return out, nil
}

func (h *handler) HandleNotification(_ context.Context, from triggers.Source, body []byte) ([]triggers.EventResult, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer func() { h.news <- struct{}{} }()
	ev, err := triggers.ParseNotification(body)
	if err != nil {
		return nil, err
	}
	h.times[ev.ID]++
	if h.refuse != nil {
		if err := h.refuse(ev, h.times[ev.ID]); err != nil {
			return nil, err
		}
	}
	h.taken = append(h.taken, from.Exchange+"/"+from.Topic+"/"+ev.Type)
	return nil, nil
}

// await waits until the listener has told so much.
func (h *handler) await(t *testing.T, want string) {
	t.Helper()
	limit := time.After(90 * time.Second)
	for {
		h.mu.Lock()
		got := strings.Join(h.taken, " ")
		h.mu.Unlock()
		if got == want {
			return
		}
		select {
		case <-h.news:
		case <-limit:
			t.Fatalf("taken: %q, want %q", got, want)
		}
	}
}

func TestRefusedConfig(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]amqp.Config{
		"no handler": {URL: "amqp://localhost/"},
		"no address": {Handler: newHandler()},
		"scheme":     {URL: "http://user:secret@localhost/", Handler: newHandler()},
		"no url":     {URL: "amqp://user:secret@local host:x/", Handler: newHandler()},
		"pool":       {URL: "amqp://localhost/", Handler: newHandler(), Pool: strings.Repeat("x", 65)},
	} {
		if _, err := amqp.New(cfg); !fault.Is(err, fault.Invalid) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNoBroker: a listener without a broker tries again until it is stopped.
func TestNoBroker(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	tried := make(chan struct{}, 10)
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
			tried <- struct{}{}
		}
	}()
	log, _ := slogtest.New(t)
	l, err := amqp.New(amqp.Config{URL: "amqp://guest:guest@" + ln.Addr().String() + "/", Handler: newHandler(), Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.Run(ctx)
	}()
	<-tried
	<-tried
	cancel()
	<-done
	if m := l.Metrics(); m["amqp_reconnects_total"] == 0 || m["amqp_connected"] != 0 {
		t.Errorf("%v", m)
	}
}

// broker is a RabbitMQ of the test's own.
type broker struct {
	t    *testing.T
	dir  string
	env  []string
	port int
	cmd  *exec.Cmd
}

func freePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().(*net.TCPAddr).Port
}

func startBroker(t *testing.T) *broker {
	t.Helper()
	if !*withBroker {
		t.Skip("this starts a RabbitMQ: run make rabbitmq-test")
	}
	if _, err := os.Stat(server); err != nil {
		t.Skip("RabbitMQ isn't installed (apt-get install rabbitmq-server)")
	}
	// Not t.TempDir: what Erlang leaves open must not fail the test.
	dir, err := os.MkdirTemp("", "rabbitmq-")
	if err != nil {
		t.Fatal(err)
	}
	b := &broker{t: t, dir: dir, port: freePort(t)}
	epmd := freePort(t)
	b.env = append(
		os.Environ(), "HOME="+dir, "RABBITMQ_NODENAME=cierzo-test@localhost", fmt.Sprint("RABBITMQ_NODE_PORT=", b.port), "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1",
		fmt.Sprint("RABBITMQ_DIST_PORT=", freePort(t)), fmt.Sprint("ERL_EPMD_PORT=", epmd), "ERL_EPMD_ADDRESS=127.0.0.1",
		"RABBITMQ_MNESIA_BASE="+filepath.Join(dir, "mnesia"), "RABBITMQ_LOG_BASE="+filepath.Join(dir, "log"), "RABBITMQ_LOGS=-",
		"RABBITMQ_PID_FILE="+filepath.Join(dir, "pid"), "RABBITMQ_ENABLED_PLUGINS_FILE="+filepath.Join(dir, "plugins"),
	)
	// The port mapper is ours too, so that it ends with the test.
	mapper := exec.Command("epmd", "-port", fmt.Sprint(epmd))
	mapper.Env = b.env
	if err := mapper.Start(); err != nil {
		t.Skipf("Erlang's epmd can't be started: %v", err)
	}
	t.Cleanup(func() {
		b.stop()
		_ = mapper.Process.Kill()
		_ = mapper.Wait()
		_ = os.RemoveAll(dir)
	})
	b.start()
	return b
}

func (b *broker) url() string { return fmt.Sprintf("amqp://guest:guest@127.0.0.1:%d/", b.port) }

// start starts the broker and waits until it serves.
func (b *broker) start() {
	b.t.Helper()
	var out bytes.Buffer
	b.cmd = exec.Command(server)
	b.cmd.Env, b.cmd.Stdout, b.cmd.Stderr = b.env, &out, &out
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := b.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	ended := make(chan error, 1)
	cmd := b.cmd
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(3 * time.Minute)
	for {
		select {
		case <-tick.C:
			if conn, err := rabbit.Dial(b.url()); err == nil {
				_ = conn.Close()
				return
			}
		case err := <-ended:
			b.t.Fatalf("RabbitMQ has ended: %v\n%s", err, out.String())
		case <-limit:
			b.t.Fatal("RabbitMQ doesn't serve")
		}
	}
}

func (b *broker) stop() {
	if b.cmd == nil {
		return
	}
	// The command is a script: all of its group is ours.
	_ = syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL)
	// The process is waited for by the goroutine of start; the port is free when the kernel has closed its sockets.
	for {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", b.port))
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	b.cmd = nil
}

// publisher sends as oslo.messaging does.
type publisher struct {
	t    *testing.T
	conn *rabbit.Connection
	ch   *rabbit.Channel
}

func (b *broker) publisher() *publisher {
	b.t.Helper()
	conn, err := rabbit.Dial(b.url())
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = conn.Close() })
	ch, err := conn.Channel()
	if err != nil {
		b.t.Fatal(err)
	}
	return &publisher{b.t, conn, ch}
}

func envelope(t *testing.T, id, kind string) []byte {
	t.Helper()
	inner, err := json.Marshal(map[string]any{
		"message_id": id, "event_type": kind, "publisher_id": "compute.host", "priority": "INFO", "timestamp": "2026-01-01 00:00:00",
		"payload": map[string]any{"id": id}, "_context_project_id": "p",
	})
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]string{"oslo.version": "2.0", "oslo.message": string(inner)})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func (p *publisher) send(exchange, key string, body []byte) {
	p.t.Helper()
	err := p.ch.PublishWithContext(p.t.Context(), exchange, key, false, false, rabbit.Publishing{ContentType: "application/json", Body: body})
	if err != nil {
		p.t.Fatal(err)
	}
}

// awaitQueue waits until the listener has its queue: what is published before is nobody's.
func (p *publisher) awaitQueue(name string) {
	p.t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(time.Minute)
	for {
		ch, err := p.conn.Channel()
		if err != nil {
			p.t.Fatal(err)
		}
		q, err := ch.QueueDeclarePassive(name, true, false, false, false, nil)
		_ = ch.Close() // it is closed already after an error
		if err == nil && q.Consumers > 0 {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			p.t.Fatalf("no consumer of %s: %v", name, err)
		}
	}
}

func listen(t *testing.T, b *broker, h *handler) (*amqp.Listener, func()) {
	t.Helper()
	log, _ := slogtest.New(t)
	l, err := amqp.New(amqp.Config{URL: b.url(), Handler: h, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.Run(ctx)
	}()
	stop := sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(stop)
	return l, stop
}

// TestRabbitMQ goes through what a broker does to a listener.
func TestRabbitMQ(t *testing.T) {
	b := startBroker(t)
	p := b.publisher()
	// One exchange is there, durable, as some deployments have it; the other isn't.
	if err := p.ch.ExchangeDeclare("nova", "topic", true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	nova, cinder := triggers.Source{Exchange: "nova", Topic: "notifications"}, triggers.Source{Exchange: "cinder", Topic: "versioned"}
	h := newHandler(nova, cinder)
	h.refuse = func(ev triggers.Event, n int) error {
		switch {
		case ev.Type == "later" && n == 1:
			return fault.New(fault.Unavailable, "not now")
		case ev.Type == "never":
			return fault.New(fault.Invalid, "no")
		}
		return nil
	}
	l, stop := listen(t, b, h)
	p.awaitQueue("cierzo.cierzo.nova.notifications.info")
	p.awaitQueue("cierzo.cierzo.cinder.versioned.info")
	p.send("nova", "notifications.error", envelope(t, "0", "wrong.priority"))
	p.send("nova", "notifications.info", []byte("nonsense"))
	p.send("nova", "notifications.info", envelope(t, "1", "instance.create.end"))
	h.await(t, "nova/notifications/instance.create.end")
	p.send("cinder", "versioned.info", envelope(t, "2", "volume.create.end"))
	h.await(t, "nova/notifications/instance.create.end cinder/versioned/volume.create.end")
	h.taken = nil
	p.send("nova", "notifications.info", envelope(t, "3", "never"))
	p.send("nova", "notifications.info", envelope(t, "4", "later"))
	h.await(t, "nova/notifications/later")
	if m := l.Metrics(); m["amqp_notifications_total"] != 3 && m["amqp_notifications_total"] != 2 || m["amqp_refused_total"] != 2 || m["amqp_returned_total"] != 1 || m["amqp_connected"] != 1 {
		t.Errorf("%v", m)
	}

	// A node that goes loses nothing: what is published meanwhile waits for the next.
	stop()
	p.send("nova", "notifications.info", envelope(t, "5", "meanwhile"))
	next := newHandler(nova)
	listen(t, b, next)
	next.await(t, "nova/notifications/meanwhile")

	// Two nodes share the notifications.
	other := newHandler(nova)
	_, end := listen(t, b, other)
	for i := range 20 {
		p.send("nova", "notifications.info", envelope(t, fmt.Sprint("many-", i), "shared"))
	}
	for n := 0; n < 20; {
		select {
		case <-next.news:
		case <-other.news:
		case <-time.After(time.Minute):
			t.Fatalf("%d of 20 have come", n)
		}
		next.mu.Lock()
		other.mu.Lock()
		n = len(next.taken) - 1 + len(other.taken)
		other.mu.Unlock()
		next.mu.Unlock()
	}
	end()

	// The broker dies and comes back.
	b.stop()
	b.start()
	p = b.publisher()
	p.awaitQueue("cierzo.cierzo.nova.notifications.info")
	next.mu.Lock()
	next.taken = nil
	next.mu.Unlock()
	p.send("nova", "notifications.info", envelope(t, "6", "after.the.crash"))
	next.await(t, "nova/notifications/after.the.crash")

	// Triggers go: their queue goes too.
	next.mu.Lock()
	delete(next.sources, nova)
	next.mu.Unlock()
	limit := time.After(time.Minute)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		ch, err := p.conn.Channel()
		if err != nil {
			t.Fatal(err)
		}
		_, err = ch.QueueDeclarePassive("cierzo.cierzo.nova.notifications.info", true, false, false, false, nil)
		var refusal *rabbit.Error
		if errors.As(err, &refusal) && refusal.Code == rabbit.NotFound {
			break
		}
		_ = ch.Close()
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("the queue is still there: %v", err)
		}
	}
}
