package sqlstore

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// wire stands between a store and a PostgreSQL server and reads what the store sends. A watch can cut the connection
// before or after a message is passed on.
type wire struct {
	server string

	mu    sync.Mutex
	watch func(request) verdict
	seen  []request
}

// request is a message that makes the server run something: a simple query, or the execution of a prepared statement,
// which has no text here.
type request struct {
	kind byte // 'Q' or 'E'
	text string
}

// verdict is what becomes of a request.
type verdict uint8

const (
	pass      verdict = iota
	cutBefore         // the server never gets it
	cutAfter          // the server answers it; the store never hears that
)

// throughWire gives a dsn that leads to the database of dsn through a wire.
func throughWire(t *testing.T, dsn string) (*wire, string) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{server: u.Host}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			running.Go(func() { w.serve(client) })
		}
	})
	t.Cleanup(func() {
		if err := ln.Close(); err != nil {
			t.Error(err)
		}
		running.Wait()
	})
	u.Host = ln.Addr().String()
	return w, u.String()
}

// on sets the watch and forgets what was seen.
func (w *wire) on(watch func(request) verdict) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.watch, w.seen = watch, nil
}

// requests are what was seen since the watch was set.
func (w *wire) requests() []request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen
}

func (w *wire) judge(r request) verdict {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, r)
	if w.watch == nil {
		return pass
	}
	return w.watch(r)
}

// serve passes messages on until either side closes.
func (w *wire) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", w.server)
	if err != nil {
		return
	}
	defer server.Close()
	answers := make(chan struct{})
	back := &mutable{to: client}
	go func() {
		defer close(answers)
		_, _ = io.Copy(back, server) // ends with the connection
		_ = client.Close()
	}()
	defer func() {
		_ = server.Close()
		<-answers
	}()
	header := make([]byte, 4)
	if _, err := io.ReadFull(client, header); err != nil || !forward(server, client, nil, header) { // the startup message has no kind
		return
	}
	for {
		kind := make([]byte, 1)
		if _, err := io.ReadFull(client, kind); err != nil {
			return
		}
		if _, err := io.ReadFull(client, header); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(header)-4)
		if _, err := io.ReadFull(client, body); err != nil {
			return
		}
		v := pass
		switch kind[0] {
		case 'Q':
			v = w.judge(request{'Q', string(bytes.TrimRight(body, "\x00"))})
		case 'E':
			v = w.judge(request{kind: 'E'})
		}
		if v == cutBefore {
			return
		}
		if v == cutAfter {
			back.muted.Store(true)
		}
		if _, err := server.Write(append(append(kind, header...), body...)); err != nil {
			return
		}
	}
}

// forward passes a message on whose header has been read.
func forward(to io.Writer, from io.Reader, kind, header []byte) bool {
	body := make([]byte, binary.BigEndian.Uint32(header)-4)
	if _, err := io.ReadFull(from, body); err != nil {
		return false
	}
	_, err := to.Write(append(append(kind, header...), body...))
	return err == nil
}

// mutable passes on until it is muted; the first answer after that ends the connection.
type mutable struct {
	to    io.Writer
	muted atomic.Bool
}

func (m *mutable) Write(p []byte) (int, error) {
	if m.muted.Load() {
		return 0, io.ErrClosedPipe
	}
	return m.to.Write(p)
}
