package std

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"golang.org/x/crypto/ssh"

	"cierzo/actions"
	"cierzo/expr/value"
)

const sshClass = class + "SSHAction"

func sshAction(cfg Config) actions.Action {
	return actions.Action{
		Name: "std.ssh", Class: sshClass,
		Description: "Runs a command on one host or several by SSH, one after the other, and succeeds with its standard output, " +
			"or a list of them. Fails when a command fails; what it said is only in the log.",
		Params: []actions.Param{
			{Name: "cmd", Doc: "for the user's shell on the host"},
			{Name: "host", Doc: "name, name:port, or a list of them"},
			{Name: "username", Doc: "on the hosts"},
			{Name: "password", Default: value.String(""), Doc: "of the user, or of the private key"},
			optional("private_key_filename", "on the runner; without a leading / in the configured folder, ~/.ssh"),
			optional("private_key", "the key itself, RSA, ECDSA or Ed25519; comes before the file"),
			{Name: "return_result_on_error", Default: value.Bool(false), Doc: "true: a command that fails succeeds, with stdout, stderr and exit_code"},
		},
		Run: func(ctx context.Context, c *actions.Call) actions.Result {
			s := &shell{cfg: cfg, call: c}
			return s.run(ctx, sshClass, func(ctx context.Context, host string) (*remote, error) {
				auth, err := s.auth(text(c, "password"))
				if err != nil {
					return nil, err
				}
				return s.dial(ctx, host, text(c, "username"), auth)
			})
		},
	}
}

// connector opens the connection to a host.
type connector func(ctx context.Context, host string) (*remote, error)

// run runs the command on each host and makes a result of it all. The reason of a failure goes to the log, not to the user
// (as in Mistral): what a command prints may be secret.
func (s *shell) run(ctx context.Context, class string, connect connector) actions.Result {
	cmd, hosts := value.Str(given(s.call, "cmd")), s.hosts()
	all := value.Truthy(given(s.call, "return_result_on_error"))
	var results []value.Value
	err := errors.New("no host")
	for _, host := range hosts {
		var out *output
		if out, err = s.on(ctx, connect, value.Str(host), cmd); err != nil {
			break
		}
		switch {
		case all:
			results = append(results, out.dict())
		case out.code == 0:
			results = append(results, value.String(out.stdout))
		default:
			err = fmt.Errorf("host %s: exit status %d: %s", value.Str(host), out.code, tail(out.stderr))
		}
		if err != nil {
			break
		}
	}
	switch {
	case ctx.Err() != nil:
		return actions.Cancelled()
	case err != nil:
		s.logger().Warn("ssh command failed", "error", err)
		return raised(class, s.call, "Failed to execute ssh cmd '%s' on %s", cmd, value.Repr(value.NewList(hosts)))
	case len(results) == 1:
		return actions.Value(results[0])
	default:
		return actions.Value(value.NewList(results))
	}
}

func (s *shell) hosts() []value.Value {
	host := given(s.call, "host")
	if many, ok := elements(host); ok {
		return many
	}
	return []value.Value{host}
}

func (s *shell) on(ctx context.Context, connect connector, host, cmd string) (*output, error) {
	r, err := connect(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", host, err)
	}
	defer r.close()
	out, err := r.execute(ctx, cmd)
	if err != nil {
		return nil, fmt.Errorf("host %s: %w", host, err)
	}
	return out, nil
}

func (s *shell) logger() *slog.Logger {
	if s.call.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.call.Logger
}

// output is what a command left behind.
type output struct {
	stdout, stderr string
	code           int // -1: it was ended by a signal
}

func (o *output) dict() value.Value {
	d := value.NewDict(3)
	d.SetString("stdout", value.String(o.stdout))
	d.SetString("stderr", value.String(o.stderr))
	d.SetString("exit_code", value.Int(o.code))
	return d
}

// tailMax bounds what is logged of a failed command's standard error, in bytes.
const tailMax = 1024

func tail(s string) string {
	if len(s) > tailMax {
		s = strings.ToValidUTF8(s[len(s)-tailMax:], "")
	}
	return strings.TrimSpace(s)
}

// sshOutputMax bounds what a command writes to its standard output, and to standard error, in bytes. A command that writes
// more is ended.
const sshOutputMax = 5 << 20

// execute runs a command and waits for its end.
func (r *remote) execute(ctx context.Context, cmd string) (*output, error) {
	session, err := r.client.NewSession()
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { r.kill(session) })
	defer stop()
	full := func() { r.kill(session) }
	stdout, stderr := &bounded{max: sshOutputMax, full: full}, &bounded{max: sshOutputMax, full: full}
	session.Stdout, session.Stderr = stdout, stderr
	err = session.Run(cmd)
	out := &output{stdout: decode(stdout.kept.Bytes(), "utf-8"), stderr: decode(stderr.kept.Bytes(), "utf-8")}
	var exit *ssh.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case stdout.over || stderr.over:
		return nil, fmt.Errorf("more than %d bytes of output", sshOutputMax)
	case errors.As(err, &exit) && exit.Signal() != "":
		out.code = -1
	case errors.As(err, &exit):
		out.code = exit.ExitStatus()
	case err != nil:
		return nil, err
	}
	return out, nil
}
