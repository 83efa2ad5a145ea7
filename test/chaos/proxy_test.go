package chaos

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// proxy stands between clients and a server, and treats what passes as badly as it is told: later, slower, not at all, or cut.
// It does so to bytes of TCP connections, which are never doubled or out of order; that is for the simulation.
//
// With watch set it reads PostgreSQL's protocol (version 3, without TLS) and decides about each COMMIT, and about each statement that
// commits by itself what it writes. So the store meets
// commits of whose fate it never hears without any change of the binary. Libraries for such proxies know nothing of the
// messages inside, and that is most of what is wanted here.
type proxy struct {
	ln     net.Listener
	server string
	// watch decides about a commit. nil: the protocol is none of the proxy's business. Set before the first connection.
	watch func() verdict
	fate  *fate // what watch asks, if it does

	delay atomic.Int64 // of each chunk or, in PostgreSQL's protocol, of each question and answer; in nanoseconds
	rate  atomic.Int64 // bytes per second and direction; 0: no limit
	hole  atomic.Bool  // connections stay open and nothing passes, nor does a close
	shut  atomic.Bool  // new connections are refused

	mu      sync.Mutex
	conns   map[*net.TCPConn]bool
	running sync.WaitGroup
	over    chan struct{}
}

// verdict is what becomes of a COMMIT, or of a statement that commits by itself.
type verdict uint8

const (
	pass      verdict = iota
	cutBefore         // the connection is cut, the server never gets it
	cutAfter          // the server carries it out, the connection is cut before the client hears of it
	conflict          // it is answered with a serialization failure (40001), and rolled back
)

// newProxy listens on a free port of the address.
func newProxy(t *testing.T, address, server string, watch func() verdict) *proxy {
	t.Helper()
	ln, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{ln: ln, server: server, watch: watch, conns: map[*net.TCPConn]bool{}, over: make(chan struct{})}
	p.running.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			p.running.Go(func() { p.serve(conn.(*net.TCPConn)) })
		}
	})
	t.Cleanup(func() {
		_ = ln.Close() // nothing else can be done about it
		close(p.over)
		p.reset()
		p.running.Wait()
	})
	return p
}

func (p *proxy) address() string { return p.ln.Addr().String() }

// heal lets everything pass. What waited in a hole is gone: its connections are cut.
func (p *proxy) heal() {
	p.delay.Store(0)
	p.rate.Store(0)
	p.shut.Store(false)
	if p.hole.Swap(false) {
		p.reset()
	}
}

// reset cuts all connections with RST.
func (p *proxy) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		cut(c)
	}
}

// cut closes with RST.
func cut(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close() // twice is no harm
}

func (p *proxy) keep(c *net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[c] = true
}

func (p *proxy) drop(c *net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	cut(c)
}

// session is a client's connection with the one to the server.
type session struct {
	p              *proxy
	client, server *net.TCPConn
	mute           atomic.Bool     // the client hears nothing any more
	refusing       atomic.Bool     // the answer to the ROLLBACK becomes a serialization failure
	whole          map[string]bool // prepared statements that commit by themselves, by their names
}

func (p *proxy) serve(client *net.TCPConn) {
	p.keep(client)
	defer p.drop(client)
	if p.shut.Load() {
		return
	}
	conn, err := net.DialTimeout("tcp", p.server, 10*time.Second)
	if err != nil {
		return
	}
	server := conn.(*net.TCPConn)
	p.keep(server)
	defer p.drop(server)
	s := &session{p: p, client: client, server: server, whole: map[string]bool{}}
	back := make(chan struct{})
	go func() {
		defer close(back)
		if p.watch == nil {
			s.copy(client, server)
		} else {
			s.answers()
		}
		s.end(client)
	}()
	if p.watch == nil {
		s.copy(server, client)
	} else {
		s.requests()
	}
	s.end(server)
	<-back
}

// end cuts the other side when one has ended, but not through a hole: there nobody hears of an end.
func (s *session) end(other *net.TCPConn) {
	for s.p.hole.Load() {
		if !s.p.pause(20 * time.Millisecond) {
			break
		}
	}
	cut(other)
}

// pause lets time go by; false: the proxy has ended.
func (p *proxy) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.over:
		return false
	}
}

const chunkMax = 16 << 10

func (s *session) copy(to, from *net.TCPConn) {
	buf := make([]byte, chunkMax)
	for {
		n, err := from.Read(buf)
		if n > 0 && !s.write(to, buf[:n], true) {
			return
		}
		if err != nil {
			return
		}
	}
}

// write passes something on, and late if that is the rule and it applies.
func (s *session) write(to *net.TCPConn, data []byte, late bool) bool {
	if d := s.p.delay.Load(); late && d > 0 && !s.p.pause(time.Duration(d)) {
		return false
	}
	for len(data) > 0 {
		for s.p.hole.Load() {
			if !s.p.pause(20 * time.Millisecond) {
				return false
			}
		}
		n := len(data)
		if rate := s.p.rate.Load(); rate > 0 {
			n = min(n, 1024)
			if !s.p.pause(time.Duration(n) * time.Second / time.Duration(rate)) {
				return false
			}
		}
		if _, err := to.Write(data[:n]); err != nil {
			return false
		}
		data = data[n:]
	}
	return true
}

// message reads a message: a type, unless it is a client's first one, a length that counts itself, and a body.
func message(r io.Reader, first bool) ([]byte, error) {
	head := 5
	if first {
		head = 4
	}
	data := make([]byte, head)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint32(data[head-4:])) - 4
	if size < 0 || size > 64<<20 {
		return nil, io.ErrUnexpectedEOF
	}
	data = append(data, make([]byte, size)...)
	_, err := io.ReadFull(r, data[head:])
	return data, err
}

// query is a simple query.
func query(text string) []byte {
	data := append([]byte{'Q'}, binary.BigEndian.AppendUint32(nil, uint32(len(text)+5))...)
	return append(append(data, text...), 0)
}

// ownCommit is in the text of each statement that commits by itself: those with which the store writes a batch of turns. TestProxy
// sees that it is so.
const ownCommit = "some of these turns of executions are fenced or outdated"

// commits reports whether a message is the last moment before a commit: a COMMIT, or the parameters of a statement that commits by
// itself, after which nothing but the order to run it follows.
func (s *session) commits(data []byte) bool {
	switch data[0] {
	case 'Q':
		return string(data) == string(query("COMMIT"))
	case 'P':
		name, text, _ := bytes.Cut(data[5:], []byte{0})
		s.whole[string(name)] = bytes.Contains(text, []byte(ownCommit))
	case 'B':
		_, rest, _ := bytes.Cut(data[5:], []byte{0})
		name, _, _ := bytes.Cut(rest, []byte{0})
		return s.whole[string(name)]
	}
	return false
}

// requests passes on what the client asks for.
func (s *session) requests() {
	data, err := message(s.client, true)
	first := true
	for err == nil {
		if !first && s.commits(data) {
			switch s.p.watch() {
			case pass:
			case cutBefore:
				cut(s.client)
				return
			case cutAfter:
				s.mute.Store(true)
			case conflict:
				s.refusing.Store(true)
				for err == nil && data[0] != 'Q' && data[0] != 'S' { // the statement isn't run
					data, err = message(s.client, false)
				}
				data = query("ROLLBACK")
			}
		}
		first = false
		if !s.write(s.server, data, data[0] == 'Q' || data[0] == 'S') { // the last of a question
			return
		}
		data, err = message(s.client, false)
	}
}

// failure is what a server says of a conflict of transactions.
func failure() []byte {
	body := "SERROR\x00VERROR\x00C40001\x00Mcould not serialize access (by the test's proxy)\x00\x00"
	data := append([]byte{'E'}, binary.BigEndian.AppendUint32(nil, uint32(len(body)+4))...)
	return append(data, body...)
}

// answers passes on what the server answers.
func (s *session) answers() {
	for {
		data, err := message(s.server, false)
		if err != nil {
			return
		}
		ready := data[0] == 'Z'
		switch {
		case s.mute.Load() && ready:
			cut(s.client)
			return
		case s.mute.Load():
			continue
		case s.refusing.Load() && !ready:
			continue
		case s.refusing.Swap(false):
			data = append(failure(), data...)
		}
		if !s.write(s.client, data, ready) {
			return
		}
	}
}
