package std

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
)

// headBytesMax bounds the status line and headers of an answer.
const headBytesMax = 256 << 10

// transport makes HTTP requests over HTTP/1.1, each on a connection of its own. Unlike net/http's it tells in which case and
// order the headers came: workflows look them up in a dict. A transport is for one action; it is not shared.
type transport struct {
	egress   *egress // nil: any address
	roots    *x509.CertPool
	insecure bool
	proxy    func(*http.Request) (*url.URL, error) // nil, or gives nil: directly
}

// wire is the body of an answer, and the connection below it.
type wire struct {
	io.Reader
	head    []string // the header lines as they came
	conn    net.Conn
	release func() bool // stops watching the context
	sending *sync.WaitGroup
}

// Close ends the connection, and returns when nothing uses it any more.
func (w *wire) Close() error {
	w.release()
	err := w.conn.Close()
	w.sending.Wait()
	return err
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	var proxy *url.URL
	if t.proxy != nil {
		var err error
		if proxy, err = t.proxy(req); err != nil {
			return nil, err
		}
	}
	conn, err := t.connect(ctx, req.URL, proxy)
	if err != nil {
		return nil, err
	}
	w := &wire{conn: conn, sending: &sync.WaitGroup{}}
	w.release = context.AfterFunc(ctx, func() { hangUp(conn) })
	var sent error
	w.sending.Go(func() { sent = send(conn, req, proxy) })
	resp, err := w.receive(req)
	if err != nil {
		hangUp(w)
		if sent != nil && !errors.Is(sent, net.ErrClosed) {
			err = errors.Join(sent, err)
		}
		return nil, err
	}
	return resp, nil
}

// send writes the request. It runs beside receive, for servers that answer before they have read everything.
func send(conn net.Conn, req *http.Request, proxy *url.URL) error {
	if proxy == nil || req.URL.Scheme == "https" {
		return req.Write(conn)
	}
	if auth := proxyAuth(proxy); auth != "" {
		req = req.Clone(req.Context())
		req.Header.Set("Proxy-Authorization", auth)
	}
	return req.WriteProxy(conn)
}

// receive reads the head of the answer; interim answers (100 to 199) are passed over.
func (w *wire) receive(req *http.Request) (*http.Response, error) {
	in := bufio.NewReader(w.conn)
	for {
		head, err := readHead(in)
		if err != nil {
			return nil, err
		}
		resp, err := http.ReadResponse(bufio.NewReader(io.MultiReader(bytes.NewReader(head), in)), req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode < 200 && resp.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		w.head = strings.Split(string(head), "\n")[1:]
		w.Reader = resp.Body
		resp.Body = w
		return resp, nil
	}
}

// readHead reads up to and with the empty line.
func readHead(in *bufio.Reader) ([]byte, error) {
	var head []byte
	for {
		line, err := in.ReadSlice('\n')
		head = append(head, line...)
		switch {
		case len(head) > headBytesMax:
			return nil, fmt.Errorf("the headers of the answer are longer than %d bytes", headBytesMax)
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && len(head) == 0 && errors.Is(err, io.EOF):
			return nil, errors.New("the server closed the connection without an answer")
		case err != nil:
			return nil, err
		case len(bytes.TrimRight(line, "\r\n")) == 0 && len(head) > len(line):
			return head, nil
		}
	}
}

// headerNames are the names of headers in order of their first appearance, as they were written.
func headerNames(head []string) []string {
	var names []string
	seen := map[string]bool{}
	for _, line := range head {
		name, _, ok := strings.Cut(line, ":")
		if key := textproto.CanonicalMIMEHeaderKey(name); ok && !seen[key] {
			seen[key] = true
			names = append(names, name)
		}
	}
	return names
}

// connect opens the connection over which a request is written: to the server or through its proxy, in TLS for https.
func (t *transport) connect(ctx context.Context, target, proxy *url.URL) (net.Conn, error) {
	first := target
	if proxy != nil {
		if proxy.Scheme != "http" && proxy.Scheme != "https" {
			return nil, fmt.Errorf("proxies of scheme '%s' are not supported (only http and https are)", proxy.Scheme)
		}
		first = proxy
	}
	conn, err := t.egress.dial(ctx, hostPort(first))
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { hangUp(conn) })
	defer stop()
	secured := conn
	if proxy != nil && proxy.Scheme == "https" {
		secured, err = t.secure(ctx, secured, proxy.Hostname())
	}
	if err == nil && proxy != nil && target.Scheme == "https" {
		err = tunnel(secured, hostPort(target), proxyAuth(proxy))
	}
	if err == nil && target.Scheme == "https" {
		secured, err = t.secure(ctx, secured, target.Hostname())
	}
	if err != nil {
		hangUp(conn)
		return nil, err
	}
	return secured, nil
}

func (t *transport) secure(ctx context.Context, conn net.Conn, host string) (net.Conn, error) {
	c := tls.Client(conn, &tls.Config{
		ServerName: host, RootCAs: t.roots, NextProtos: []string{"http/1.1"},
		InsecureSkipVerify: t.insecure, // what the input `verify: false` asks for
	})
	return c, c.HandshakeContext(ctx)
}

// tunnel asks a proxy for a connection to the server.
func tunnel(conn net.Conn, address, auth string) error {
	req := "CONNECT " + address + " HTTP/1.1\r\nHost: " + address + "\r\n"
	if auth != "" {
		req += "Proxy-Authorization: " + auth + "\r\n"
	}
	if _, err := io.WriteString(conn, req+"\r\n"); err != nil {
		return err
	}
	// The server speaks only after us, so that nothing behind the proxy's answer can be in the reader.
	head, err := readHead(bufio.NewReader(conn))
	if err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), &http.Request{Method: http.MethodConnect})
	if err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return quoted("Tunnel connection failed: %s", resp.Status)
	}
	return nil
}

func proxyAuth(proxy *url.URL) string {
	if proxy.User == nil {
		return ""
	}
	password, _ := proxy.User.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(proxy.User.Username()+":"+password))
}

func hostPort(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}
