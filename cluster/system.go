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
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
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
	// windowBytes is how much may be on its way to a node that hasn't read it, for each connection; it is as much as the library
	// would come to by itself. To find that it sends a ping with nearly each message, half of all that a lone workflow writes.
	windowBytes = 16 << 20
	// queueFirst is for how many messages the queue to another node has room at first; it grows. The library's own has 16 MB, for each node,
	// which the garbage collector looks through each time, and goes round in it: memory that no cache has.
	queueFirst = 256
	// connectTimeout bounds the connection to a node that doesn't answer.
	connectTimeout = 5 * time.Second
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

	mu       sync.Mutex
	stopping bool
	lostAt   map[string]time.Time // when the loss of a connection was logged last, by address
}

// NewSystem starts an actor system. fault.Invalid: the addresses; fault.Unavailable: the port.
func NewSystem(cfg SystemConfig) (*System, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	// The library speaks of each try to reach a node that is away as an error, several times a second.
	quiet := slog.New(library{cfg.Logger.Handler()})
	s := &System{log: cfg.Logger, lostAt: map[string]time.Time{}, actors: actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return quiet }),
		actor.WithDeadLetterRequestLogging(false),
		actor.WithDeadLetterThrottleCount(1),
	)}
	fewerTables(s.actors.ProcessRegistry)
	makeRoom(s.actors.ProcessRegistry)
	if cfg.Bind != "" {
		if err := s.listen(cfg); err != nil {
			s.actors.Shutdown()
			return nil, err
		}
	}
	s.address = s.actors.Address()
	return s, nil
}

// tablesMax is how many parts of 32 tables each the actor library's list of names has.
const tablesMax = 16

// fewerTables takes most tables of a new system's list of names away. The library makes 32,768 of them, of which each keeps the room of its
// first names for ever: 8 MB sooner or later, with many actors that are short-lived.
func fewerTables(names *actor.ProcessRegistryValue) {
	all := names.LocalPIDs.LocalPIDs
	if len(all)%tablesMax != 0 { // a name's place is its hash modulo their number
		return
	}
	names.LocalPIDs.LocalPIDs = slices.Clone(all[:tablesMax]) // so that the rest goes
	for _, part := range all[tablesMax:] {
		part.IterCb(func(name string, process any) { names.LocalPIDs.GetBucket(name).Set(name, process) })
	}
}

// makeRoom makes the first room of each table now, in one place. Made as names come it would lie scattered among what is made and goes
// meanwhile, and each would keep eight kilobytes from being given back.
func makeRoom(names *actor.ProcessRegistryValue) {
	for _, part := range names.LocalPIDs.LocalPIDs {
		roomy := map[any]bool{}
		for n := 0; len(roomy) < len(part) && n < 100*len(part); n++ {
			name := "room-" + strconv.Itoa(n)
			roomy[part.GetShard(name)] = true
			part.Set(name, nil)
			part.Remove(name)
		}
	}
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
		remote.WithEndpointWriterQueueSize(queueFirst),
		remote.WithServerOptions(grpc.Creds(server), grpc.StaticStreamWindowSize(windowBytes), grpc.StaticConnWindowSize(windowBytes), grpc.MaxRecvMsgSize(batchBytesMax),
			grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true})),
		// Without keepalive a peer that hangs is not noticed at all; 10 s is the client's minimum.
		remote.WithDialOptions(grpc.WithContextDialer(dial), grpc.WithTransportCredentials(client), grpc.WithStaticStreamWindowSize(windowBytes), grpc.WithStaticConnWindowSize(windowBytes), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(batchBytesMax)),
			grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: connectTimeout}),
			grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 3 * time.Second, PermitWithoutStream: true})),
		remote.WithAdvertisedHost(cfg.Advertise))
	// Another try comes with the next message. The library's own five block the endpoint for 2 s each, leak a connection
	// each, and keep the node from stopping meanwhile.
	config.MaxRetryCount = 1
	defer func() {
		if p := recover(); p != nil {
			err = fault.New(fault.Unavailable, "listen for other nodes on %s: %v", cfg.Bind, p)
		}
	}()
	s.remote = remote.NewRemote(s.actors, config)
	s.actors.EventStream.Subscribe(func(event any) {
		if lost, ok := event.(*remote.EndpointTerminatedEvent); ok {
			s.lost(lost.Address)
		}
	})
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

// lostEvery bounds how often the loss of one connection is logged.
const lostEvery = time.Minute

// lost logs that a node can't be reached, now and then: each message to it tries again.
func (s *System) lost(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.stopping || now.Sub(s.lostAt[address]) < lostEvery {
		return
	}
	if len(s.lostAt) > 1000 {
		clear(s.lostAt)
	}
	s.lostAt[address] = now
	s.log.Warn("no connection to a node", "address", address)
}

func (s *System) shutDown() {
	s.mu.Lock()
	s.stopping = true
	s.mu.Unlock()
	s.sending.Lock()
	s.stopped = true
	s.sending.Unlock()
	if s.remote != nil {
		// Not the library's graceful way: it races with the readers of connections, and panics when one of them has just
		// ended. Writers first, which close their connections; then the server, which ends the readers.
		for _, name := range []string{"EndpointSupervisor", "activator"} {
			if err := s.actors.Root.StopFuture(s.actors.NewLocalPID(name)).Wait(); err != nil {
				s.log.Debug("network actor doesn't stop", "actor", name, "error", err)
			}
		}
		s.remote.Shutdown(false)
	}
	s.actors.Shutdown()
}

// library is the handler of the actor library's records: warnings and errors pass at level debug, others not at all.
type library struct{ slog.Handler }

func (h library) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && h.Handler.Enabled(ctx, slog.LevelDebug)
}

func (h library) Handle(ctx context.Context, r slog.Record) error {
	r.Level = slog.LevelDebug
	return h.Handler.Handle(ctx, r)
}

func (h library) WithAttrs(as []slog.Attr) slog.Handler { return library{h.Handler.WithAttrs(as)} }

func (h library) WithGroup(name string) slog.Handler { return library{h.Handler.WithGroup(name)} }
