package std_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"cierzo/actions/std"
)

func inputOf(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

type dict = map[string]any

func TestSSH(t *testing.T) {
	t.Parallel()
	s := startSSHD(t)
	twin := strings.Replace(s.address, "127.0.0.1", "localhost", 1)
	failed := func(cmd, hosts string) string {
		return exception("SSHAction", fmt.Sprintf("Failed to execute ssh cmd '%s' on %s", cmd, hosts))
	}
	one := "['" + s.address + "']"
	with := func(more dict) dict {
		in := dict{"cmd": "echo hello", "host": s.address, "username": s.user, "private_key": s.pem["id_ed25519"]}
		for k, v := range more {
			in[k] = v
		}
		return in
	}
	for name, c := range map[string]struct {
		input dict
		want  string
	}{
		"output":       {with(nil), `value "hello\n"`},
		"no output":    {with(dict{"cmd": "true"}), `value ""`},
		"no text":      {with(dict{"cmd": `printf 'a\377b'`}), "value \"a\ufffdb\""},
		"list of one":  {with(dict{"host": []string{s.address}}), `value "hello\n"`},
		"list of two":  {with(dict{"host": []string{s.address, twin}, "cmd": "echo $SSH_CONNECTION | cut -d' ' -f3"}), `value ["127.0.0.1\n", "127.0.0.1\n"]`},
		"empty list":   {with(dict{"host": []string{}}), failed("echo hello", "[]")},
		"stderr":       {with(dict{"cmd": "echo no >&2"}), `value ""`},
		"exit status":  {with(dict{"cmd": "echo secret; exit 3"}), failed("echo secret; exit 3", one)},
		"signal":       {with(dict{"cmd": "kill -9 $$"}), failed("kill -9 $$", one)},
		"second fails": {with(dict{"host": []string{s.address, "127.0.0.1:1"}}), failed("echo hello", "['"+s.address+"', '127.0.0.1:1']")},
		"kept":         {with(dict{"cmd": "echo out; echo err >&2; exit 3", "return_result_on_error": true}), `value {"stdout": "out\n", "stderr": "err\n", "exit_code": 3}`},
		"kept list":    {with(dict{"host": []string{s.address, twin}, "cmd": "exit 4", "return_result_on_error": true}), `value [{"stdout": "", "stderr": "", "exit_code": 4}, {"stdout": "", "stderr": "", "exit_code": 4}]`},
		"kept signal":  {with(dict{"cmd": "kill -9 $$", "return_result_on_error": true}), `value {"stdout": "", "stderr": "", "exit_code": -1}`},
		"kept refusal": {with(dict{"host": "127.0.0.1:1", "return_result_on_error": true}), failed("echo hello", "['127.0.0.1:1']")},
		"rsa":          {with(dict{"private_key": s.pem["id_rsa"]}), `value "hello\n"`},
		"ecdsa":        {with(dict{"private_key": s.pem["id_ecdsa"]}), `value "hello\n"`},
		"passphrase":   {with(dict{"private_key": s.pem["locked"], "password": "open sesame"}), `value "hello\n"`},
		"locked":       {with(dict{"private_key": s.pem["locked"]}), failed("echo hello", one)},
		"stranger":     {with(dict{"private_key": s.pem["stranger"]}), failed("echo hello", one)},
		"no key":       {with(dict{"private_key": "rubbish"}), failed("echo hello", one)},
		"file":         {with(dict{"private_key": nil, "private_key_filename": "id_rsa"}), `value "hello\n"`},
		"full path":    {with(dict{"private_key": nil, "private_key_filename": filepath.Join(s.dir, "id_rsa")}), `value "hello\n"`},
		"up":           {with(dict{"private_key": nil, "private_key_filename": "../" + filepath.Base(s.dir) + "/id_rsa"}), failed("echo hello", one)},
		"missing file": {with(dict{"private_key": nil, "private_key_filename": "nothing"}), failed("echo hello", one)},
		"own keys":     {with(dict{"private_key": nil}), `value "hello\n"`},
		"too much":     {with(dict{"cmd": "head -c 6000000 /dev/zero"}), failed("head -c 6000000 /dev/zero", one)},
		"endless":      {with(dict{"cmd": "yes"}), failed("yes", one)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, run(t, std.Config{SSHKeys: s.dir}, "std.ssh", inputOf(t, c.input))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestSSHKnownHosts(t *testing.T) {
	t.Parallel()
	s := startSSHD(t)
	in := inputOf(t, dict{"cmd": "echo hello", "host": s.address, "username": s.user, "private_key": s.pem["id_ed25519"]})
	s.write(t, "known", knownhosts.Line([]string{s.address}, s.hostKey)+"\n")
	if got := run(t, std.Config{SSHKnownHosts: filepath.Join(s.dir, "known")}, "std.ssh", in); got != `value "hello\n"` {
		t.Error(got)
	}
	other, err := ssh.ParsePrivateKey([]byte(s.pem["stranger"]))
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "wrong", knownhosts.Line([]string{s.address}, other.PublicKey())+"\n")
	s.write(t, "empty", "")
	want := exception("SSHAction", "Failed to execute ssh cmd 'echo hello' on ['"+s.address+"']")
	for _, file := range []string{"wrong", "empty", "nothing"} {
		a := find(t, std.Config{SSHKnownHosts: filepath.Join(s.dir, file)}, "std.ssh")
		c := call(t, a, in)
		var log lockedBuffer
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		if got := show(t, a.Run(t.Context(), c)); got != want {
			t.Errorf("%s: %s", file, got)
		}
		if !strings.Contains(log.String(), "known") {
			t.Errorf("%s: the log has no reason: %s", file, log.String())
		}
	}
}

func TestSSHProxied(t *testing.T) {
	t.Parallel()
	s := startSSHD(t)
	host, port, _ := net.SplitHostPort(s.address)
	through := "bash -c 'exec 3<>/dev/tcp/" + host + "/" + port + "; cat <&3 & exec cat >&3'"
	with := func(more dict) dict {
		in := dict{
			"cmd": "echo hello", "host": s.address, "username": s.user, "gateway_host": s.address,
			"private_key_filename": "id_ecdsa", "private_key": nil,
		}
		for k, v := range more {
			in[k] = v
		}
		return in
	}
	failed := exception("SSHProxiedAction", "Failed to execute ssh cmd 'echo hello' on ['"+s.address+"']")
	allowed := std.Config{SSHKeys: s.dir, SSHProxyCommands: true}
	for name, c := range map[string]struct {
		cfg   std.Config
		input dict
		want  string
	}{
		"gateway":       {std.Config{SSHKeys: s.dir}, with(nil), `value "hello\n"`},
		"gateway user":  {std.Config{SSHKeys: s.dir}, with(dict{"gateway_username": "nobody-at-all"}), failed},
		"key":           {std.Config{}, with(dict{"private_key": s.pem["id_rsa"]}), `value "hello\n"`},
		"passphrase":    {std.Config{SSHKeys: s.dir}, with(dict{"private_key_filename": "locked", "password": "open sesame"}), `value "hello\n"`},
		"no key":        {std.Config{SSHKeys: s.dir}, with(dict{"private_key_filename": nil}), failed},
		"no gateway":    {std.Config{SSHKeys: s.dir}, with(dict{"gateway_host": "127.0.0.1:1"}), failed},
		"two hosts":     {std.Config{SSHKeys: s.dir}, with(dict{"host": []string{s.address, s.address}}), `value ["hello\n", "hello\n"]`},
		"command":       {allowed, with(dict{"gateway_host": "gate", "proxy_command": through}), `value "hello\n"`},
		"bad command":   {allowed, with(dict{"proxy_command": "/nowhere/to/be/found"}), failed},
		"false command": {allowed, with(dict{"proxy_command": "false"}), failed},
		"open quote":    {allowed, with(dict{"proxy_command": "echo 'x"}), failed},
		"refused": {
			std.Config{SSHKeys: s.dir},
			with(dict{"proxy_command": through}),
			exception("SSHProxiedAction", "proxy_command runs a program on the runner, which is not configured to allow that (SSHProxyCommands)"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, run(t, c.cfg, "std.ssh_proxied", inputOf(t, c.input))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestSSHCancel cancels while the command runs, and wants it gone from the host; and while a host says nothing at all. The
// command ends with the test in any case: it reads from a connection to it.
func TestSSHCancel(t *testing.T) {
	t.Parallel()
	s := startSSHD(t)
	for _, name := range []string{"std.ssh", "std.ssh_proxied"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, begun, gone := listen(t)
			host, port, _ := net.SplitHostPort(l)
			a := find(t, std.Config{SSHKeys: s.dir}, name)
			testCancel(t, a, call(t, a, inputOf(t, dict{
				"cmd":  "exec bash -c 'exec 3<>/dev/tcp/" + host + "/" + port + "; exec cat <&3'",
				"host": s.address, "username": s.user, "private_key_filename": "id_rsa", "gateway_host": s.address,
			})), begun)
			if s.user == "root" {
				return // sshd passes signals on to processes of other users only
			}
			select {
			case <-gone:
			case <-time.After(promptly):
				t.Error("the command still runs on the host")
			}
		})
	}
	t.Run("silence", func(t *testing.T) {
		t.Parallel()
		l, begun, _ := listen(t)
		a := find(t, std.Config{SSHKeys: s.dir}, "std.ssh")
		testCancel(t, a, call(t, a, inputOf(t, dict{"cmd": "x", "host": l, "username": "u", "password": "p"})), begun)
	})
}

// listen is a server that takes one connection and says nothing; begun and gone are closed when it begins and ends.
func listen(t *testing.T) (address string, begun, gone chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	begun, gone = make(chan struct{}), make(chan struct{})
	over := make(chan struct{})
	t.Cleanup(func() { l.Close(); close(over) })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		close(begun)
		go func() { <-over; conn.Close() }()
		io.Copy(io.Discard, conn)
		conn.Close()
		close(gone)
	}()
	return l.Addr().String(), begun, gone
}

// TestSSHPassword logs in with a password, at a server of our own: sshd would want to know one of this machine's.
func TestSSHPassword(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"password", "keyboard-interactive"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			l := passwordServer(t, method)
			for password, want := range map[string]string{
				"secret": `value "ran: x"`, "wrong": exception("SSHAction", "Failed to execute ssh cmd 'x' on ['"+l+"']"),
			} {
				in := inputOf(t, dict{"cmd": "x", "host": l, "username": "u", "password": password})
				if diff := cmp.Diff(want, run(t, std.Config{}, "std.ssh", in)); diff != "" {
					t.Errorf("%s (-want +got)\n%s", password, diff)
				}
			}
		})
	}
}

func passwordServer(t *testing.T, method string) string {
	t.Helper()
	cfg := &ssh.ServerConfig{}
	ask := func(ok bool) (*ssh.Permissions, error) {
		if ok {
			return nil, nil
		}
		return nil, errors.New("no")
	}
	if method == "password" {
		cfg.PasswordCallback = func(c ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) { return ask(string(p) == "secret") }
	} else {
		cfg.KeyboardInteractiveCallback = func(c ssh.ConnMetadata, challenge ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			answers, err := challenge("", "", []string{"Password:"}, []bool{false})
			return ask(err == nil && len(answers) == 1 && answers[0] == "secret")
		}
	}
	s := &sshd{dir: t.TempDir(), pem: map[string]string{}}
	s.makeKeys(t)
	key, err := ssh.ParsePrivateKey([]byte(s.pem["host"]))
	if err != nil {
		t.Fatal(err)
	}
	cfg.AddHostKey(key)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go echoCommands(conn, cfg)
		}
	}()
	return l.Addr().String()
}

// echoCommands answers each command with its text.
func echoCommands(conn net.Conn, cfg *ssh.ServerConfig) {
	_, channels, requests, err := ssh.NewServerConn(conn, cfg)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		ch, requests, err := c.Accept()
		if err != nil {
			return
		}
		for r := range requests {
			var exec struct{ Command string }
			ssh.Unmarshal(r.Payload, &exec)
			r.Reply(r.Type == "exec", nil)
			fmt.Fprintf(ch, "ran: %s", exec.Command)
			ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{0}))
			ch.Close()
		}
	}
}

// TestSSHHomeKeys: the folder of keys defaults to the home's.
func TestSSHHomeKeys(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	a := find(t, std.Config{}, "std.ssh")
	c := call(t, a, inputOf(t, dict{"cmd": "x", "host": "127.0.0.1:1", "username": "u", "private_key_filename": "no-such-key-here"}))
	var log lockedBuffer
	c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	a.Run(t.Context(), c)
	if !strings.Contains(log.String(), filepath.Join(home, ".ssh", "no-such-key-here")) {
		t.Errorf("the log doesn't name the file: %s", log.String())
	}
}
