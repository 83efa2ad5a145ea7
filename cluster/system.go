// Package cluster is a node's place among the others: the actor system and the network under it (System), the lease that
// makes an engine a member and who the others are (Membership, Watch), and who owns what (View).
//
// The actor library's own cluster module is not used: members are rows with a lease in the store, by the store's clock.
package cluster

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/proto"

	"cierzo/fault"
)

// The limits of the network. The library's limits count batches, not messages.
const (
	// MessageBytesMax bounds one message; larger ones are dropped with a warning.
	MessageBytesMax = 4 << 20
	// batchMax and batchBytesMax: a batch of the largest messages just fits.
	batchMax      = 32
	batchBytesMax = batchMax*MessageBytesMax + 1<<20
)

// SystemConfig describes a node's actor system.
type SystemConfig struct {
	// Bind is the address (host:port) to listen on; port 0 takes a free one. Defaults to "": no network, all actors are here.
	Bind string
	// Advertise is the address under which other nodes reach Bind. Defaults to the one that Bind got.
	Advertise string
	// TLS secures both directions: its certificates are shown to clients and servers, its RootCAs and ClientCAs checked.
	// A client without a certificate is refused, whatever ClientAuth says.
	// nil: in the clear; then nobody but the nodes may be able to reach the port.
	TLS *tls.Config
	// Logger receives the log. Defaults to discarding it.
	Logger *slog.Logger
}

// System is an actor system, with the network under it when there is one. It is safe for concurrent use.
type System struct {
	actors  *actor.ActorSystem
	remote  *remote.Remote // nil without network
	address string
	log     *slog.Logger
	// sending is held for reading by each Send, so that Stop takes the network away between two of them.
	sending sync.RWMutex
	stopped bool
	dropped atomic.Uint64
	stop    sync.Once
}

// NewSystem starts an actor system. fault.Invalid: the addresses; fault.Unavailable: the port.
func NewSystem(cfg SystemConfig) (*System, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	// The library's own talk is of interest only when something is wrong.
	quiet := slog.New(atLeast{cfg.Logger.Handler(), slog.LevelWarn})
	s := &System{log: cfg.Logger, actors: actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return quiet }),
		actor.WithDeadLetterRequestLogging(false),
		actor.WithDeadLetterThrottleCount(1),
	)}
	if cfg.Bind != "" {
		if err := s.listen(cfg); err != nil {
			s.actors.Shutdown()
			return nil, err
		}
	}
	s.address = s.actors.Address()
	return s, nil
}

// listen opens the network.
func (s *System) listen(cfg SystemConfig) (err error) {
	host, port, err := splitAddress(cfg.Bind)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "bind address %q", cfg.Bind)
	}
	if ip := net.ParseIP(host); cfg.Advertise == "" && (host == "" || ip != nil && ip.IsUnspecified()) {
		return fault.New(fault.Invalid, "bind address %q: other nodes can't reach all interfaces by name, an advertised address is needed", cfg.Bind)
	}
	// The library panics when it doesn't get the port: try it first.
	probe, err := net.Listen("tcp", cfg.Bind)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "listen for other nodes on %s", cfg.Bind)
	}
	if port == 0 {
		port = probe.Addr().(*net.TCPAddr).Port
	}
	if err := probe.Close(); err != nil {
		return fault.Wrap(fault.Unavailable, err, "listen for other nodes on %s", cfg.Bind)
	}
	server, client := transportCredentials(cfg.TLS)
	config := remote.Configure(host, port,
		remote.WithEndpointWriterBatchSize(batchMax),
		remote.WithEndpointManagerBatchSize(batchMax),
		remote.WithServerOptions(grpc.Creds(server), grpc.MaxRecvMsgSize(batchBytesMax),
			grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true})),
		// Without keepalive a peer that hangs is not noticed at all; 10 s is the client's minimum.
		remote.WithDialOptions(grpc.WithTransportCredentials(client), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(batchBytesMax)),
			grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 3 * time.Second, PermitWithoutStream: true})),
		remote.WithAdvertisedHost(cfg.Advertise))
	defer func() {
		if p := recover(); p != nil {
			err = fault.New(fault.Unavailable, "listen for other nodes on %s: %v", cfg.Bind, p)
		}
	}()
	s.remote = remote.NewRemote(s.actors, config)
	s.remote.Start()
	return nil
}

func splitAddress(address string) (string, int, error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("port %q: %w", service, err)
	}
	return host, int(port), nil
}

func transportCredentials(c *tls.Config) (forServer, forClient credentials.TransportCredentials) {
	if c == nil {
		return insecure.NewCredentials(), insecure.NewCredentials()
	}
	// Whoever reaches the port without a certificate is nobody, whatever the configuration says of clients.
	server := c.Clone()
	server.ClientAuth = tls.RequireAndVerifyClientCert
	return credentials.NewTLS(server), credentials.NewTLS(c)
}

// Actors is the actor system.
func (s *System) Actors() *actor.ActorSystem { return s.actors }

// Address is what other nodes reach this one by; without a network it is a name that only this system understands.
func (s *System) Address() string { return s.address }

// Dropped counts messages that were too large, or sent after Stop.
func (s *System) Dropped() uint64 { return s.dropped.Load() }

// Send brings a message to the named actor on the node with that address: at most once, without blocking. The message
// must not be changed afterwards.
func (s *System) Send(address, name string, m proto.Message) {
	s.sending.RLock()
	defer s.sending.RUnlock()
	if s.stopped {
		s.dropped.Add(1)
		return
	}
	if address != s.address {
		if s.remote == nil {
			s.dropped.Add(1)
			return
		}
		if n := proto.Size(m); n > MessageBytesMax {
			s.dropped.Add(1)
			s.log.Warn("message is too large", "bytes", n, "bytes_max", MessageBytesMax, "to", address)
			return
		}
	}
	s.actors.Root.Send(actor.NewPID(address, name), m)
}

// Stop closes the network and ends the actor system. Actors must have been stopped before. ctx bounds the wait. It can be
// called twice.
func (s *System) Stop(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.stop.Do(s.shutDown)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fault.Wrap(fault.Unavailable, ctx.Err(), "stop the network")
	}
}

func (s *System) shutDown() {
	s.sending.Lock()
	s.stopped = true
	s.sending.Unlock()
	if s.remote != nil {
		s.remote.Shutdown(true)
	}
	s.actors.Shutdown()
}

// atLeast is a handler that passes only records of a level or above.
type atLeast struct {
	slog.Handler
	level slog.Level
}

func (h atLeast) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= h.level && h.Handler.Enabled(ctx, l)
}

func (h atLeast) WithAttrs(as []slog.Attr) slog.Handler {
	return atLeast{h.Handler.WithAttrs(as), h.level}
}

func (h atLeast) WithGroup(name string) slog.Handler {
	return atLeast{h.Handler.WithGroup(name), h.level}
}
