package std

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	netmail "net/mail"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"cierzo/actions"
	"cierzo/expr/value"
)

const (
	// mailStepMax is what connecting to a mail server may take, and then sending.
	mailStepMax = 60 * time.Second
	// mailPort is where mail servers listen that are given without a port.
	mailPort = 25
)

const emailClass = class + "SendEmailAction"

func email(cfg Config) actions.Action {
	return actions.Action{
		Name: "std.email", Class: emailClass,
		Description: "Sends an email and succeeds with null when the server has taken it for all recipients.",
		Params: []actions.Param{
			{Name: "from_addr", Doc: "the sender's address, with smtp_password also the user's name at the server"},
			{Name: "to_addrs", Doc: "a list of addresses"},
			{Name: "smtp_server", Doc: "name, or name:port; the port defaults to 25"},
			optional("reply_to", "a list of addresses"),
			optional("cc_addrs", "a list of addresses"),
			optional("bcc_addrs", "a list of addresses, which the message doesn't show"),
			optional("smtp_password", "null: nobody logs in, and the connection isn't encrypted; otherwise it must be, by STARTTLS"),
			optional("subject", "null: <No subject>"),
			optional("body", "the plain text; null: <No body>"),
			optional("html_body", "the same as HTML"),
		},
		Run: func(ctx context.Context, c *actions.Call) actions.Result {
			err := sendMail(ctx, cfg, c)
			switch {
			case err == nil:
				return actions.Value(value.Null{})
			case ctx.Err() != nil:
				return actions.Cancelled()
			default:
				return raised(emailClass, c, "Failed to send an email message: %v", err)
			}
		},
	}
}

func sendMail(ctx context.Context, cfg Config, c *actions.Call) error {
	m, err := message(c)
	if err != nil {
		return err
	}
	host, port, err := mailServer(text(c, "smtp_server"))
	if err != nil {
		return err
	}
	var end func() bool
	var conn net.Conn
	options := []mail.Option{
		mail.WithPort(port), mail.WithTimeout(mailStepMax), mail.WithTLSPolicy(mail.NoTLS),
		mail.WithDialContextFunc(func(dialing context.Context, network, address string) (net.Conn, error) {
			var d net.Dialer
			c, err := d.DialContext(dialing, network, address)
			if err == nil {
				conn, end = c, context.AfterFunc(ctx, func() { hangUp(c) })
			}
			return c, err
		}),
	}
	if given(c, "smtp_password").Kind() != value.KindNull {
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory), mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover),
			mail.WithTLSConfig(&tls.Config{ServerName: host, RootCAs: cfg.RootCAs}),
			mail.WithUsername(text(c, "from_addr")), mail.WithPassword(text(c, "smtp_password")))
	}
	client, err := mail.NewClient(host, options...)
	if err != nil {
		return err
	}
	err = client.DialAndSendWithContext(ctx, m)
	if conn != nil { // the library leaves it open when it fails early
		end()
		hangUp(conn)
	}
	return err
}

// message composes the mail.
func message(c *actions.Call) (*mail.Msg, error) {
	m := mail.NewMsg()
	if err := m.From(text(c, "from_addr")); err != nil {
		return nil, fmt.Errorf("from_addr: %w", err)
	}
	for _, field := range []struct {
		name string
		set  func(...string) error
	}{{"to_addrs", m.To}, {"cc_addrs", m.Cc}, {"bcc_addrs", m.Bcc}} {
		if addrs := texts(c, field.name); len(addrs) > 0 {
			if err := field.set(addrs...); err != nil {
				return nil, fmt.Errorf("%s: %w", field.name, err)
			}
		}
	}
	var replies []*netmail.Address
	for _, text := range texts(c, "reply_to") {
		addr, err := netmail.ParseAddress(text)
		if err != nil {
			return nil, fmt.Errorf("reply_to: %w", err)
		}
		replies = append(replies, addr)
	}
	if len(replies) > 0 {
		m.ReplyToMailAddress(replies...)
	}
	m.Subject(textOr(c, "subject", "<No subject>"))
	m.SetBodyString(mail.TypeTextPlain, textOr(c, "body", "<No body>"))
	if html := text(c, "html_body"); html != "" {
		m.AddAlternativeString(mail.TypeTextHTML, html)
	}
	return m, nil
}

func textOr(c *actions.Call, name, otherwise string) string {
	if s := text(c, name); s != "" {
		return s
	}
	return otherwise
}

func mailServer(s string) (host string, port int, err error) {
	host, number, err := net.SplitHostPort(s)
	if err != nil {
		return strings.Trim(s, "[]"), mailPort, nil
	}
	port, err = strconv.Atoi(number)
	if err != nil {
		return "", 0, fmt.Errorf("smtp_server %s: %q is no port", s, number)
	}
	return host, port, nil
}
