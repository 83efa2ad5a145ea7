package std

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"cierzo/actions"
)

const (
	// sshConnectMax is what connecting to a host may take, with its handshake.
	sshConnectMax = 30 * time.Second
	// sshKillMax is what telling a host to end a command may take; then the connection goes.
	sshKillMax = time.Second
	// sshPort is where hosts listen that are given without a port.
	sshPort = "22"
)

// shell is a call of std.ssh or std.ssh_proxied.
type shell struct {
	cfg  Config
	call *actions.Call
}

// remote is a host that we are logged in at.
type remote struct {
	client *ssh.Client
	conn   net.Conn
	below  []func() // what goes when the connection has gone
}

func (r *remote) close() {
	hangUp(r.client)
	for _, f := range r.below {
		f()
	}
}

// kill asks the host to end the command, and closes the connection, which ends it where the host doesn't know signals.
func (r *remote) kill(session *ssh.Session) {
	if r.conn.SetDeadline(time.Now().Add(sshKillMax)) == nil {
		session.Signal(ssh.SIGTERM) //nolint:errcheck // the connection is closed either way
	}
	hangUp(r.conn)
}

// address adds the port that a host doesn't say.
func address(host string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), sshPort)
}

// dial connects to a host and logs in.
func (s *shell) dial(ctx context.Context, host, user string, auth []ssh.AuthMethod) (*remote, error) {
	ctx, cancel := context.WithTimeout(ctx, sshConnectMax)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address(host))
	if err != nil {
		return nil, err
	}
	return s.login(ctx, conn, host, user, auth)
}

// login speaks SSH on a connection, which it closes when that fails. ctx only bounds the handshake.
func (s *shell) login(ctx context.Context, conn net.Conn, host, user string, auth []ssh.AuthMethod) (*remote, error) {
	accept := ssh.InsecureIgnoreHostKey() // Mistral's policy; Config.SSHKnownHosts has the other
	if s.cfg.SSHKnownHosts != "" {
		var err error
		if accept, err = knownhosts.New(s.cfg.SSHKnownHosts); err != nil {
			hangUp(conn)
			return nil, fmt.Errorf("known hosts: %w", err)
		}
	}
	stop := context.AfterFunc(ctx, func() { hangUp(conn) })
	defer stop()
	c, channels, requests, err := ssh.NewClientConn(conn, address(host), &ssh.ClientConfig{
		User: user, Auth: auth, HostKeyCallback: accept, ClientVersion: "SSH-2.0-cierzo",
	})
	if err != nil {
		hangUp(conn)
		return nil, err
	}
	return &remote{client: ssh.NewClient(c, channels, requests), conn: conn}, nil
}

// auth is how the user proves who he is: by the call's key, then by the password, or else by the runner's own keys.
func (s *shell) auth(password string) ([]ssh.AuthMethod, error) {
	key, err := s.key()
	if err != nil {
		return nil, err
	}
	var out []ssh.AuthMethod
	if key != nil {
		out = append(out, ssh.PublicKeys(key))
	}
	if password != "" {
		out = append(out, ssh.Password(password), ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
			answers := make([]string, len(questions))
			for i := range answers {
				answers[i] = password
			}
			return answers, nil
		}))
	}
	if len(out) > 0 {
		return out, nil
	}
	var own []ssh.Signer
	for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
		if pem, err := os.ReadFile(filepath.Join(s.keys(), name)); err == nil {
			if k, err := ssh.ParsePrivateKey(pem); err == nil {
				own = append(own, k)
			}
		}
	}
	if len(own) == 0 {
		return nil, errors.New("neither password nor private key")
	}
	return []ssh.AuthMethod{ssh.PublicKeys(own...)}, nil
}

// key is the private key that the call names; nil: none.
func (s *shell) key() (ssh.Signer, error) {
	pem := []byte(text(s.call, "private_key"))
	if len(pem) == 0 {
		name := text(s.call, "private_key_filename")
		if name == "" {
			return nil, nil
		}
		if strings.Contains(name, "..") {
			return nil, quoted("Private key filename must not contain '..'. Actual: %s", name)
		}
		if !filepath.IsAbs(name) {
			name = filepath.Join(s.keys(), name)
		}
		var err error
		if pem, err = os.ReadFile(name); err != nil {
			return nil, err
		}
	}
	k, err := ssh.ParsePrivateKey(pem)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		k, err = ssh.ParsePrivateKeyWithPassphrase(pem, []byte(text(s.call, "password")))
	}
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	return k, nil
}

// keys is the folder of private keys.
func (s *shell) keys() string {
	if s.cfg.SSHKeys != "" {
		return s.cfg.SSHKeys
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".ssh")
}
