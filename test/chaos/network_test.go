package chaos

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// network is hosts that are joined by a bridge, each a network namespace of its own. The test itself is at the bridge. Where
// namespaces can't be made there is only the loopback interface, and nothing can be cut.
type network struct {
	t      *testing.T
	why    string // why there are no namespaces; "" when there are
	bridge string
	subnet string // first three numbers
	hosts  []*host
	next   int // last number of the next address
}

// host is a place for a process.
type host struct {
	net   *network
	space string // name of the namespace; "" is the test's own
	ip    string
	// via are addresses of proxies through which the others reach it.
	via  []string
	slow bool // what it sends is bounded
}

// newNetwork makes the bridge, or says why it can't.
func newNetwork(t *testing.T) *network {
	t.Helper()
	n := &network{t: t, next: 2}
	if err := n.make(); err != nil {
		n.why = err.Error()
		t.Logf("no network namespaces, everything is on the loopback interface and nothing can be cut: %v", err)
	}
	return n
}

func (n *network) make() error {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return errors.New("they want root on Linux")
	}
	for _, tool := range []string{"ip", "nft", "tc"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w (apt-get install iproute2 nftables)", err)
		}
	}
	removeAbandoned()
	// Several of these tests may run on one machine at a time.
	n.bridge = fmt.Sprint(bridgePrefix, os.Getpid())
	for n.subnet == "" || taken(n.subnet) {
		n.subnet = fmt.Sprintf("10.%d.%d", 200+rand.IntN(50), rand.IntN(250))
	}
	// A bridge without an address of its own takes the lowest of its ports', and changes it with each new one: then others send
	// for a while to one that is nobody's.
	mac := fmt.Sprintf("02:cc:00:%02x:%02x:%02x", rand.IntN(256), rand.IntN(256), rand.IntN(256))
	if err := command("ip", "link", "add", n.bridge, "address", mac, "type", "bridge"); err != nil {
		return err
	}
	n.t.Cleanup(func() {
		if err := command("ip", "link", "del", n.bridge); err != nil {
			n.t.Error(err)
		}
	})
	if err := errors.Join(command("ip", "addr", "add", n.subnet+".1/24", "dev", n.bridge), command("ip", "link", "set", n.bridge, "up")); err != nil {
		return err
	}
	// One try tells whether all of it works here.
	h, err := n.add("try")
	if err != nil {
		return err
	}
	return errors.Join(h.deafTo(n.subnet+".1"), h.loss(10), h.hear())
}

// What belongs to a process of this test has its id in its name.
const (
	bridgePrefix = "cz"
	diskPrefix   = "cierzo-chaos-"
)

// abandoned reports whether the name is of a process of this test that has ended: it was killed, and couldn't clean up.
func abandoned(name, prefix string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	number, _, _ := strings.Cut(rest, "-")
	pid, err := strconv.Atoi(number)
	return ok && err == nil && unix.Kill(pid, 0) == unix.ESRCH
}

// removeAbandoned removes bridges, namespaces and file systems that killed tests have left.
func removeAbandoned() {
	spaces, _ := filepath.Glob("/run/netns/" + bridgePrefix + "*") // the pattern is right
	for _, path := range spaces {
		if name := filepath.Base(path); abandoned(name, bridgePrefix) {
			_ = command("ip", "netns", "del", name) // it is in nobody's way
		}
	}
	links, _ := net.Interfaces()
	for _, l := range links {
		if abandoned(l.Name, bridgePrefix) {
			_ = command("ip", "link", "del", l.Name)
		}
	}
	mounts, _ := os.ReadFile("/proc/mounts")
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 1 && abandoned(f[0], diskPrefix) {
			_ = command("umount", "-l", f[1])
		}
	}
}

// taken reports whether an interface has an address of the network already.
func taken(subnet string) bool {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	for _, a := range addresses {
		if strings.HasPrefix(a.String(), subnet+".") {
			return true
		}
	}
	return false
}

// command runs a command; the error says what it has printed.
func command(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// spaces reports whether hosts are namespaces, so that they can be cut off.
func (n *network) spaces() bool { return n.why == "" }

// home is the test's own address.
func (n *network) home() string {
	if n.spaces() {
		return n.subnet + ".1"
	}
	return "127.0.0.1"
}

// another gives the test one more address, for a proxy that can be told from others.
func (n *network) another() string {
	if !n.spaces() {
		return "127.0.0.1"
	}
	ip := fmt.Sprintf("%s.%d", n.subnet, n.next)
	n.next++
	if err := command("ip", "addr", "add", ip+"/24", "dev", n.bridge); err != nil {
		n.t.Fatal(err)
	}
	return ip
}

// host adds a host.
func (n *network) host(name string) *host {
	n.t.Helper()
	if !n.spaces() {
		return &host{net: n, ip: "127.0.0.1"}
	}
	h, err := n.add(name)
	if err != nil {
		n.t.Fatal(err)
	}
	n.hosts = append(n.hosts, h)
	return h
}

// rules are a host's: whom it doesn't hear, and what it loses of what it does.
const rules = `table ip chaos {
	set deaf { type ipv4_addr; }
	set silent { type ipv4_addr; }
	chain lose { }
	chain in { type filter hook input priority 0; policy accept; ip saddr @deaf drop; iif "lo" accept; jump lose; }
	chain out { type filter hook output priority 0; policy accept; ip daddr @silent drop; }
}
`

func (n *network) add(name string) (*host, error) {
	h := &host{net: n, space: n.bridge + "-" + name, ip: fmt.Sprintf("%s.%d", n.subnet, n.next)}
	outside := fmt.Sprintf("%s-%d", n.bridge, n.next)
	n.next++
	if err := command("ip", "netns", "add", h.space); err != nil {
		return nil, err
	}
	n.t.Cleanup(func() {
		if err := command("ip", "netns", "del", h.space); err != nil {
			n.t.Error(err)
		}
	})
	file := filepath.Join(n.t.TempDir(), "rules")
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		return nil, err
	}
	if err := command("ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", h.space); err != nil {
		return nil, err
	}
	// The interface goes with its namespace, but some time later, and the next network of this process would want its name.
	n.t.Cleanup(func() {
		if err := command("ip", "link", "del", outside); err != nil {
			n.t.Error(err)
		}
	})
	for _, cmd := range []string{
		"ip link set " + outside + " master " + n.bridge + " up",
		"ip -n " + h.space + " link set lo up",
		"ip -n " + h.space + " addr add " + h.ip + "/24 dev eth0",
		"ip -n " + h.space + " link set eth0 up",
		"ip netns exec " + h.space + " nft -f " + file,
	} {
		args := strings.Fields(cmd)
		if err := command(args[0], args[1:]...); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// enter starts a process on the host. A process belongs to the namespace of the thread that has started it.
func (h *host) enter(start func() error) error {
	if h.space == "" {
		return start()
	}
	there, err := os.Open(filepath.Join("/run/netns", h.space))
	if err != nil {
		return err
	}
	defer there.Close()
	runtime.LockOSThread()
	here, err := os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()))
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer here.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return err
	}
	err = start()
	if back := unix.Setns(int(here.Fd()), unix.CLONE_NEWNET); back != nil {
		panic(back) // the thread stays where it is, and whatever runs on it is somewhere else
	}
	runtime.UnlockOSThread()
	return err
}

func (h *host) nft(args ...string) error {
	return command("ip", append([]string{"netns", "exec", h.space, "nft"}, args...)...)
}

// deafTo makes the host lose everything that comes from the addresses.
func (h *host) deafTo(ips ...string) error {
	return h.nft("add", "element", "ip", "chaos", "deaf", "{", strings.Join(ips, ","), "}")
}

// cutFrom makes it lose as well what it sends there: those addresses are of no host that could be deafened.
func (h *host) cutFrom(ips ...string) error {
	list := "{" + strings.Join(ips, ",") + "}"
	return h.nft("add element ip chaos deaf " + list + "; add element ip chaos silent " + list)
}

// loss makes the host lose so many packets of a hundred, whoever sends them.
func (h *host) loss(percent int) error {
	return h.nft("add", "rule", "ip", "chaos", "lose", "numgen", "random", "mod", "100", "<", fmt.Sprint(percent), "drop")
}

// throttle bounds what the host sends.
func (h *host) throttle(rate string) error {
	h.slow = true
	return command("tc", "-n", h.space, "qdisc", "replace", "dev", "eth0", "root", "tbf", "rate", rate, "burst", "8k", "latency", "400ms")
}

// hear takes all of it back.
func (h *host) hear() error {
	err := h.nft("flush set ip chaos deaf; flush set ip chaos silent; flush chain ip chaos lose")
	if h.slow {
		h.slow = false
		err = errors.Join(err, command("tc", "-n", h.space, "qdisc", "del", "dev", "eth0", "root"))
	}
	return err
}

// addresses are those from which others hear the host.
func (h *host) addresses() []string { return append([]string{h.ip}, h.via...) }

// each does something to all hosts at the same time: cuts are to begin together.
func each(list []*host, do func(h *host) error) error {
	errs := make([]error, len(list))
	var wg sync.WaitGroup
	for i, h := range list {
		wg.Go(func() { errs[i] = do(h) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func addressesOf(list []*host) (out []string) {
	for _, h := range list {
		out = append(out, h.addresses()...)
	}
	return out
}

// mute keeps the others from hearing what the host says.
func (h *host) mute(others ...*host) error {
	return each(others, func(o *host) error { return o.deafTo(h.addresses()...) })
}

// deafen keeps the host from hearing the others.
func (h *host) deafen(others ...*host) error { return h.deafTo(addressesOf(others)...) }

// part keeps two groups from hearing each other.
func part(a, b []*host) error {
	to := map[*host][]string{}
	for _, h := range a {
		to[h] = addressesOf(b)
	}
	for _, h := range b {
		to[h] = addressesOf(a)
	}
	return each(slices.Concat(a, b), func(h *host) error { return h.deafTo(to[h]...) })
}

// heal takes all cuts and losses back.
func (n *network) heal() error { return each(n.hosts, (*host).hear) }
