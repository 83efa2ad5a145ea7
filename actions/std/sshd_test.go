package std_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// sshd is a server of OpenSSH on a port of the loopback interface, for the user who runs the tests.
type sshd struct {
	address, user string
	dir           string            // holds the keys id_rsa, id_ecdsa, id_ed25519, locked, stranger, and known_hosts
	pem           map[string]string // their texts
	hostKey       ssh.PublicKey
}

// startSSHD starts a server that ends with the test.
func startSSHD(t *testing.T) *sshd {
	t.Helper()
	program, err := exec.LookPath("sshd")
	if err != nil {
		program = "/usr/sbin/sshd"
	}
	if _, err := os.Stat(program); err != nil {
		missing(t, "no sshd on this machine: make setup installs it (apt-get install openssh-server)")
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if me.Uid == "0" {
		// As root sshd wants an empty folder of this name, which Debian only makes when the service starts.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			missing(t, "sshd needs /run/sshd: "+err.Error())
		}
	}
	s := &sshd{user: me.Username, dir: t.TempDir(), pem: map[string]string{}}
	s.makeKeys(t)
	s.start(t, program)
	return s
}

// missing skips the test, but not in CI.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// makeKeys writes the host's key, one of each kind that may log in, one of them with a passphrase, and one that may not.
func (s *sshd) makeKeys(t *testing.T) {
	t.Helper()
	var authorized bytes.Buffer
	for _, name := range []string{"host", "id_rsa", "id_ecdsa", "id_ed25519", "locked", "stranger"} {
		var private crypto.Signer
		var err error
		switch name {
		case "id_rsa":
			private, err = rsa.GenerateKey(rand.Reader, 2048)
		case "id_ecdsa":
			private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		default:
			_, private, err = ed25519.GenerateKey(rand.Reader)
		}
		if err != nil {
			t.Fatal(err)
		}
		public, err := ssh.NewPublicKey(private.Public())
		if err != nil {
			t.Fatal(err)
		}
		block, err := ssh.MarshalPrivateKey(private, "")
		if name == "locked" {
			block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("open sesame"))
		}
		if err != nil {
			t.Fatal(err)
		}
		s.pem[name] = string(pem.EncodeToMemory(block))
		s.write(t, name, s.pem[name])
		switch name {
		case "host":
			s.hostKey = public
		case "stranger":
		default:
			authorized.Write(ssh.MarshalAuthorizedKey(public))
		}
	}
	s.write(t, "authorized_keys", authorized.String())
}

func (s *sshd) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *sshd) start(t *testing.T, program string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = l.Addr().String()
	_, port, _ := net.SplitHostPort(s.address)
	l.Close()
	s.write(t, "sshd_config", fmt.Sprintf("Port %s\nListenAddress 127.0.0.1\nHostKey %s/host\nAuthorizedKeysFile %s/authorized_keys\nPidFile none\n"+
		"StrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\nAllowTcpForwarding yes\nMaxStartups 100\nLogLevel VERBOSE\n", port, s.dir, s.dir))
	var log lockedBuffer
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, program, "-D", "-e", "-f", filepath.Join(s.dir, "sshd_config"))
	cmd.Stderr, cmd.WaitDelay = &log, time.Second
	cmd.SysProcAttr = dieWithParent()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		cancel()
		<-ended
		if t.Failed() {
			t.Logf("sshd:\n%s", log.String())
		}
	})
	for {
		conn, err := net.Dial("tcp", s.address)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-ended:
			t.Fatalf("sshd ended: %s", log.String())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// lockedBuffer is a buffer for a process to write to while it is read.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
