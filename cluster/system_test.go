package cluster

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"cierzo/fault"
	"cierzo/internal/slogtest"
	"cierzo/messages"
)

// TestNetwork is the tests that use the real network, on loopback.
//
// Under the race detector they run in a process that was built without it: the actor library sets gRPC's logger, a variable
// of the process, with each network that it opens, and its endpoint manager races with its own events when it stops. Those
// races are the library's, not ours; they would hide the result.
func TestNetwork(t *testing.T) {
	if underRace {
		withoutRace(t)
		return
	}
	for _, test := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"SystemsTalkBothWays", systemsTalkBothWays},
		{"MessageThatIsTooLargeIsDroppedWithAWarning", messageThatIsTooLargeIsDroppedWithAWarning},
		{"ManyLargeMessagesFitTheirBatches", manyLargeMessagesFitTheirBatches},
		{"SystemThatHasStoppedSendsNothing", systemThatHasStoppedSendsNothing},
		{"SystemWithoutNetworkReachesItselfOnly", systemWithoutNetworkReachesItselfOnly},
		{"TakenPortIsUnavailableWithItsName", takenPortIsUnavailableWithItsName},
		{"BadBindAddressIsInvalid", badBindAddressIsInvalid},
		{"AdvertisedAddressIsWhatOthersReach", advertisedAddressIsWhatOthersReach},
		{"NodesWithCertificatesTalk", nodesWithCertificatesTalk},
		{"ClientWithoutACertificateOfOursIsRefused", clientWithoutACertificateOfOursIsRefused},
	} {
		t.Run(test.name, test.run)
	}
}

// withoutRace runs the test in a process that was built without the race detector.
func withoutRace(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "cluster.test")
	if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go test -c: %v\n%s", err, out)
	}
	if out, err := exec.CommandContext(t.Context(), binary, "-test.run", "^"+t.Name()+"$", "-test.v").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// patience bounds each wait for the network.
const patience = 20 * time.Second

func system(t *testing.T, cfg SystemConfig) (*System, *slogtest.Log) {
	t.Helper()
	log, logged := slogtest.New(t)
	cfg.Logger = log
	if cfg.Bind == "" {
		cfg.Bind = "127.0.0.1:0"
	}
	s, err := NewSystem(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		for range 2 { // twice
			if err := s.Stop(ctx); err != nil {
				t.Errorf("stop: %v", err)
			}
		}
	})
	return s, logged
}

// listenTo makes an actor that passes on what it hears.
func listenTo(t *testing.T, s *System, name string) <-chan *messages.ToEngine {
	t.Helper()
	heard := make(chan *messages.ToEngine, 10_000)
	_, err := s.Actors().Root.SpawnNamed(actor.PropsFromFunc(func(c actor.Context) {
		if m, ok := c.Message().(*messages.ToEngine); ok {
			heard <- m
		}
	}), name)
	if err != nil {
		t.Fatal(err)
	}
	return heard
}

func hello(seq uint64, version string) *messages.ToEngine {
	return &messages.ToEngine{Message: &messages.ToEngine_Hello{Hello: &messages.Hello{RunnerId: "r", Seq: seq, Version: version}}}
}

func await(t *testing.T, what string, heard <-chan *messages.ToEngine) *messages.Hello {
	t.Helper()
	select {
	case m := <-heard:
		return m.GetHello()
	case <-time.After(patience):
		t.Fatalf("%s was not heard", what)
		return nil
	}
}

func systemsTalkBothWays(t *testing.T) {
	a, _ := system(t, SystemConfig{})
	b, _ := system(t, SystemConfig{})
	atA, atB := listenTo(t, a, "engine"), listenTo(t, b, "engine")
	const many = 500
	for i := range uint64(many) {
		a.Send(b.Address(), "engine", hello(i, ""))
	}
	for i := range uint64(many) {
		if h := await(t, "a message", atB); h.Seq != i {
			t.Fatalf("message %d came in place of %d", h.Seq, i)
		}
	}
	b.Send(a.Address(), "engine", hello(7, ""))
	if h := await(t, "the answer", atA); h.Seq != 7 {
		t.Errorf("answer %d", h.Seq)
	}
	a.Send(a.Address(), "engine", hello(8, "")) // to itself
	if h := await(t, "a message to itself", atA); h.Seq != 8 {
		t.Errorf("message %d", h.Seq)
	}
}

func messageThatIsTooLargeIsDroppedWithAWarning(t *testing.T) {
	a, logged := system(t, SystemConfig{})
	b, _ := system(t, SystemConfig{})
	atB := listenTo(t, b, "engine")
	a.Send(b.Address(), "engine", hello(1, strings.Repeat("x", MessageBytesMax)))
	a.Send(b.Address(), "engine", hello(2, strings.Repeat("x", MessageBytesMax-1000)))
	if h := await(t, "the largest message", atB); h.Seq != 2 {
		t.Errorf("message %d came, want only the second", h.Seq)
	}
	if !slices.Contains(logged.Messages(slog.LevelWarn), "message is too large") || a.Dropped() != 1 {
		t.Errorf("dropped %d, warnings %q", a.Dropped(), logged.Messages(slog.LevelWarn))
	}
}

func manyLargeMessagesFitTheirBatches(t *testing.T) {
	a, _ := system(t, SystemConfig{})
	b, _ := system(t, SystemConfig{})
	atB := listenTo(t, b, "engine")
	text := strings.Repeat("x", 1<<20)
	for i := range uint64(64) {
		a.Send(b.Address(), "engine", hello(i, text))
	}
	for range 64 {
		await(t, "a large message", atB)
	}
}

func systemThatHasStoppedSendsNothing(t *testing.T) {
	a, _ := system(t, SystemConfig{})
	b, _ := system(t, SystemConfig{})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := a.Stop(ctx); err != nil {
		t.Fatalf("stop: %v", err)
	}
	a.Send(b.Address(), "engine", hello(1, ""))
	if a.Dropped() != 1 {
		t.Errorf("dropped %d", a.Dropped())
	}
}

func systemWithoutNetworkReachesItselfOnly(t *testing.T) {
	s, err := NewSystem(SystemConfig{})
	if err != nil {
		t.Fatal(err)
	}
	heard := listenTo(t, s, "engine")
	s.Send(s.Address(), "engine", hello(1, ""))
	await(t, "a message", heard)
	s.Send("elsewhere:1", "engine", hello(2, ""))
	if s.Dropped() != 1 {
		t.Errorf("dropped %d", s.Dropped())
	}
	for range 2 {
		if err := s.Stop(t.Context()); err != nil {
			t.Errorf("stop: %v", err)
		}
	}
}

func takenPortIsUnavailableWithItsName(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, err = NewSystem(SystemConfig{Bind: taken.Addr().String()})
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), taken.Addr().String()) || !strings.Contains(err.Error(), "in use") {
		t.Errorf("%v", err)
	}
}

func badBindAddressIsInvalid(t *testing.T) {
	for _, bind := range []string{"nowhere", "127.0.0.1:port", "127.0.0.1:70000", "0.0.0.0:0", ":0", "[::]:0"} {
		s, err := NewSystem(SystemConfig{Bind: bind})
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), bind) {
			t.Errorf("%s: %v", bind, err)
		}
		if err == nil {
			_ = s.Stop(t.Context())
		}
	}
}

func advertisedAddressIsWhatOthersReach(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	free.Close()
	a, _ := system(t, SystemConfig{Bind: "0.0.0.0:" + port, Advertise: address})
	if a.Address() != address {
		t.Errorf("address %s, want %s", a.Address(), address)
	}
	heard := listenTo(t, a, "engine")
	b, _ := system(t, SystemConfig{})
	b.Send(address, "engine", hello(1, ""))
	await(t, "a message", heard)
}

// authority signs certificates for loopback.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key, pool: x509.NewCertPool()}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pool.AddCert(a.cert)
	return a
}

// config is a node's TLS configuration, without a word about clients.
func (a *authority) config(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "node"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, RootCAs: a.pool, ClientCAs: a.pool,
		MinVersion: tls.VersionTLS13,
	}
}

func nodesWithCertificatesTalk(t *testing.T) {
	ca := newAuthority(t)
	a, _ := system(t, SystemConfig{TLS: ca.config(t)})
	b, _ := system(t, SystemConfig{TLS: ca.config(t)})
	heard := listenTo(t, b, "engine")
	a.Send(b.Address(), "engine", hello(1, ""))
	await(t, "a message", heard)
}

func clientWithoutACertificateOfOursIsRefused(t *testing.T) {
	ca := newAuthority(t)
	s, _ := system(t, SystemConfig{TLS: ca.config(t)})
	stranger := newAuthority(t).config(t)
	stranger.RootCAs = ca.pool
	for name, cfg := range map[string]*tls.Config{
		"none":      {RootCAs: ca.pool, MinVersion: tls.VersionTLS13, NextProtos: []string{"h2"}},
		"another's": stranger,
	} {
		cfg.NextProtos = []string{"h2"}
		dialer := tls.Dialer{Config: cfg}
		c, err := dialer.DialContext(t.Context(), "tcp", s.Address())
		if err == nil { // in TLS 1.3 the client hears of it with its first read
			_ = c.SetDeadline(time.Now().Add(patience))
			_, err = c.Read(make([]byte, 1))
			c.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%s: %v, want it refused for its certificate", name, err)
		}
	}
	plain, err := net.Dial("tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	_ = plain.SetDeadline(time.Now().Add(patience))
	if _, err := plain.Write([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(plain)
	if err != nil || len(answer) > 7 { // an alert of TLS has seven bytes
		t.Errorf("in the clear: %q, %v", answer, err)
	}
}
