package std_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log" //nolint:depguard // go-smtp takes no other
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"cierzo/actions/std"
)

// postbox is a mail server that keeps what it is given.
type postbox struct {
	address string
	roots   *x509.CertPool
	mu      sync.Mutex
	mails   []letter
}

type letter struct {
	from, user string
	to         []string
	data       string
}

// session is a connection to a postbox.
type session struct {
	box *postbox
	letter
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password != "secret" {
			return errors.New("wrong password")
		}
		s.user = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error { s.from = from; return nil }

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if strings.HasPrefix(to, "nobody@") {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
	}
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	s.data = string(data)
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.mails = append(s.box.mails, s.letter)
	return err
}

func (s *session) Reset()        { s.letter = letter{user: s.user} }
func (s *session) Logout() error { return nil }

// startPostbox starts a mail server, with a certificate when it offers STARTTLS.
func startPostbox(t *testing.T, secure bool) *postbox {
	t.Helper()
	box := &postbox{roots: x509.NewCertPool()}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{box: box}, nil }))
	server.Domain, server.ErrorLog = "localhost", log.New(io.Discard, "", 0)
	if secure {
		web := httptest.NewTLSServer(nil) // for its certificate
		web.Close()
		server.TLSConfig = &tls.Config{Certificates: web.TLS.Certificates}
		box.roots.AddCert(web.Certificate())
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	box.address = l.Addr().String()
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return box
}

func (b *postbox) only(t *testing.T) letter {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.mails) != 1 {
		t.Fatalf("%d mails arrived", len(b.mails))
	}
	return b.mails[0]
}

func TestEmail(t *testing.T) {
	t.Parallel()
	box := startPostbox(t, true)
	in := inputOf(t, dict{
		"from_addr": "Wind <wind@example.org>", "to_addrs": []string{"a@example.org", "b@example.org"}, "cc_addrs": []string{"c@example.org"},
		"bcc_addrs": []string{"hidden@example.org"}, "reply_to": []string{"r1@example.org", "r2@example.org"}, "smtp_server": box.address,
		"subject": "Grüße", "body": "Liebe Grüße\nund =", "html_body": "<b>Grüße</b>", "smtp_password": "secret",
	})
	if got := run(t, std.Config{RootCAs: box.roots}, "std.email", in); got != "value null" {
		t.Fatal(got)
	}
	l := box.only(t)
	if diff := cmp.Diff([]string{"a@example.org", "b@example.org", "c@example.org", "hidden@example.org"}, l.to); diff != "" {
		t.Errorf("recipients (-want +got)\n%s", diff)
	}
	if l.from != "wind@example.org" || l.user != "Wind <wind@example.org>" {
		t.Errorf("from %q, logged in as %q", l.from, l.user)
	}
	m, err := mail.ReadMessage(strings.NewReader(l.data))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, name := range []string{"Subject", "From", "To", "Cc", "Bcc", "Reply-To"} {
		got[name], _ = new(mime.WordDecoder).DecodeHeader(m.Header.Get(name))
	}
	want := map[string]string{
		"Subject": "Grüße", "From": `"Wind" <wind@example.org>`, "To": "<a@example.org>, <b@example.org>", "Cc": "<c@example.org>", "Bcc": "",
		"Reply-To": "<r1@example.org>, <r2@example.org>",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers (-want +got)\n%s", diff)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("content type %s, %v", kind, err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for _, want := range []string{"text/plain; charset=UTF-8: Liebe Grüße\r\nund =", "text/html; charset=UTF-8: <b>Grüße</b>"} {
		p, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(p))
		if got := p.Header.Get("Content-Type") + ": " + string(body); got != want || err != nil {
			t.Errorf("part %q, %v; want %q", got, err, want)
		}
	}
}

func TestEmailDefaults(t *testing.T) {
	t.Parallel()
	box := startPostbox(t, false)
	in := inputOf(t, dict{"from_addr": "wind@example.org", "to_addrs": "a@example.org", "smtp_server": box.address})
	if got := run(t, std.Config{}, "std.email", in); got != "value null" {
		t.Fatal(got)
	}
	m, err := mail.ReadMessage(strings.NewReader(box.only(t).data))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(m.Body)
	if m.Header.Get("Subject") != "<No subject>" || strings.TrimSpace(string(body)) != "<No body>" || m.Header.Get("Reply-To") != "" {
		t.Errorf("%v\n%s", m.Header, body)
	}
}

func TestEmailErrors(t *testing.T) {
	t.Parallel()
	plain, secure := startPostbox(t, false), startPostbox(t, true)
	known := std.Config{RootCAs: secure.roots}
	for name, c := range map[string]struct {
		cfg   std.Config
		input dict
		want  string
	}{
		"refused":         {known, dict{"smtp_server": "127.0.0.1:1"}, "connection refused"},
		"bad port":        {known, dict{"smtp_server": "host:smtp"}, `smtp_server host:smtp: "smtp" is no port`},
		"bad address":     {known, dict{"to_addrs": []string{"a", "b@example.org"}}, `to_addrs: failed to parse mail address "a"`},
		"no recipient":    {known, dict{"to_addrs": []string{}}, "no recipient addresses set"},
		"one refused":     {known, dict{"to_addrs": []string{"a@example.org", "nobody@example.org"}}, "no such mailbox"},
		"wrong password":  {known, dict{"smtp_server": secure.address, "smtp_password": "guess"}, "wrong password"},
		"no tls":          {known, dict{"smtp_password": "secret"}, "STARTTLS"},
		"unknown issuer":  {std.Config{}, dict{"smtp_server": secure.address, "smtp_password": "secret"}, "certificate signed by unknown authority"},
		"header injected": {known, dict{"subject": "x\r\nBcc: victim@example.org", "to_addrs": []string{"a@example.org\r\nBcc: v@example.org"}}, "to_addrs: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := dict{"from_addr": "wind@example.org", "to_addrs": []string{"a@example.org"}, "smtp_server": plain.address}
			for k, v := range c.input {
				in[k] = v
			}
			got := run(t, c.cfg, "std.email", inputOf(t, in))
			prefix := strings.TrimSuffix(exception("SendEmailAction", "Failed to send an email message: "), `']"`)
			if text, ok := strings.CutPrefix(got, prefix); !ok || !strings.Contains(strings.ReplaceAll(text, `\"`, `"`), c.want) {
				t.Errorf("got %s, want %s…%s", got, prefix, c.want)
			}
		})
	}
	t.Cleanup(func() {
		plain.mu.Lock()
		defer plain.mu.Unlock()
		if len(plain.mails) != 0 {
			t.Errorf("arrived nonetheless: %v", plain.mails)
		}
	})
}

// TestEmailSubject: a line break in a subject makes no header of its own.
func TestEmailSubject(t *testing.T) {
	t.Parallel()
	box := startPostbox(t, false)
	in := inputOf(t, dict{"from_addr": "w@example.org", "to_addrs": "a@example.org", "smtp_server": box.address, "subject": "x\r\nX-Evil: 1", "reply_to": "r@example.org\r\nX-Evil: 2"})
	got := run(t, std.Config{}, "std.email", in)
	if got != "value null" {
		return // refused, which is as good
	}
	m, err := mail.ReadMessage(strings.NewReader(box.only(t).data))
	if err != nil || m.Header.Get("X-Evil") != "" {
		t.Errorf("%v, %v", m, err)
	}
}

func TestEmailCancel(t *testing.T) {
	t.Parallel()
	silent, begun, _ := listen(t)
	a := find(t, std.Config{}, "std.email")
	testCancel(t, a, call(t, a, inputOf(t, dict{"from_addr": "w@example.org", "to_addrs": "a@example.org", "smtp_server": silent})), begun)
}
