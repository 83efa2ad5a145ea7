package std

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"cierzo/actions"
)

const sshProxiedClass = class + "SSHProxiedAction"

func sshProxied(cfg Config) actions.Action {
	return actions.Action{
		Name: "std.ssh_proxied", Class: sshProxiedClass,
		Description: "As std.ssh, but through a gateway that lets connections through to the hosts (sshd's AllowTcpForwarding).",
		Params: []actions.Param{
			{Name: "cmd", Doc: "for the user's shell on the host"},
			{Name: "host", Doc: "name, name:port, or a list of them; resolved by the gateway"},
			{Name: "username", Doc: "on the host"},
			{Name: "private_key_filename", Doc: "on the runner, for gateway and host; without a leading / in the configured folder, ~/.ssh"},
			{Name: "gateway_host", Doc: "name, or name:port"},
			optional("gateway_username", "on the gateway; null: as on the host"),
			optional("password", "of the private key"),
			optional("proxy_command", "a program whose standard input and output lead to the gateway; refused unless the runner is configured to allow it"),
			optional("private_key", "the key itself, RSA, ECDSA or Ed25519; comes before the file"),
		},
		Run: func(ctx context.Context, c *actions.Call) actions.Result {
			s := &shell{cfg: cfg, call: c}
			if text(c, "proxy_command") != "" && !cfg.SSHProxyCommands {
				return raised(sshProxiedClass, c, "proxy_command runs a program on the runner, which is not configured to allow that (SSHProxyCommands)")
			}
			return s.run(ctx, sshProxiedClass, s.throughGateway)
		},
	}
}

// throughGateway connects to the gateway, and from there to the host.
func (s *shell) throughGateway(ctx context.Context, host string) (*remote, error) {
	key, err := s.key()
	if err != nil {
		return nil, err
	}
	if key == nil {
		return nil, errors.New("a gateway needs a private key")
	}
	auth := []ssh.AuthMethod{ssh.PublicKeys(key)}
	user := text(s.call, "username")
	gatewayUser := text(s.call, "gateway_username")
	if gatewayUser == "" {
		gatewayUser = user
	}
	gateway, err := s.gateway(ctx, gatewayUser, auth)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, sshConnectMax)
	defer cancel()
	conn, err := gateway.client.DialContext(ctx, "tcp", address(host))
	if err != nil {
		gateway.close()
		return nil, err
	}
	r, err := s.login(ctx, conn, host, user, auth)
	if err != nil {
		gateway.close()
		return nil, err
	}
	// Deadlines and closing work on the connection to the gateway: a channel has no deadlines.
	r.conn, r.below = gateway.conn, []func(){gateway.close}
	return r, nil
}

func (s *shell) gateway(ctx context.Context, user string, auth []ssh.AuthMethod) (*remote, error) {
	host, command := text(s.call, "gateway_host"), text(s.call, "proxy_command")
	if command == "" {
		return s.dial(ctx, host, user, auth)
	}
	args, err := words(command)
	if err != nil {
		return nil, fmt.Errorf("proxy_command: %w", err)
	}
	conn, end, err := pipe(ctx, args)
	if err != nil {
		return nil, fmt.Errorf("proxy_command: %w", err)
	}
	bounded, cancel := context.WithTimeout(ctx, sshConnectMax)
	defer cancel()
	r, err := s.login(bounded, conn, host, user, auth)
	if err != nil {
		end()
		return nil, err
	}
	r.below = []func(){end}
	return r, nil
}

// pipe starts a program (without a shell, as Mistral does) and gives its standard input and output as a connection. end
// kills it and waits for that.
func pipe(ctx context.Context, args []string) (conn net.Conn, end func(), err error) {
	ours, theirs := net.Pipe()
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.WaitDelay = theirs, theirs, time.Second
	detach(cmd)
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		cmd.Wait() //nolint:errcheck // however it ended, the connection is over
		hangUp(theirs)
	}()
	return ours, func() {
		select {
		case <-done:
		default:
			killGroup(cmd) //nolint:errcheck // it may end at this moment
		}
		cancel()
		hangUp(ours)
		hangUp(theirs)
		<-done
	}, nil
}

// words splits a command line as a POSIX shell does, without expanding anything.
func words(line string) ([]string, error) {
	var out []string
	var word strings.Builder
	inWord, quote, escaped := false, rune(0), false
	for _, c := range line {
		switch {
		case escaped:
			if quote == '"' && c != '"' && c != '\\' {
				word.WriteByte('\\')
			}
			word.WriteRune(c)
			escaped = false
		case c == '\\' && quote != '\'':
			escaped, inWord = true, true
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '\'' || c == '"':
			quote, inWord = c, true
		case strings.ContainsRune(" \t\r\n", c):
			if inWord {
				out = append(out, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteRune(c)
			inWord = true
		}
	}
	if quote != 0 || escaped {
		return nil, quoted("No closing quotation")
	}
	if inWord {
		out = append(out, word.String())
	}
	if len(out) == 0 {
		return nil, errors.New("no command")
	}
	return out, nil
}
