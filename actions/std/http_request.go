package std

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"cierzo/actions"
	"cierzo/expr/value"
	"cierzo/internal/traceparent"
)

// userAgent is what we call ourselves to servers.
const userAgent = "cierzo"

// newRequest builds what Python's requests would send for the inputs.
func newRequest(ctx context.Context, c *actions.Call, u *url.URL) (*http.Request, error) {
	if err := addQuery(u, given(c, "params")); err != nil {
		return nil, err
	}
	body, contentType, err := bodyOf(c)
	if err != nil {
		return nil, err
	}
	method := strings.ToUpper(value.Str(given(c, "method")))
	req, err := http.NewRequestWithContext(ctx, method, u.String(), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.URL, req.Close = u, true
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept", "*/*")
	req.Header.Set("Accept-Encoding", "gzip, deflate")
	if c.IdempotencyKey != "" {
		req.Header.Set("Idempotency-Key", c.IdempotencyKey)
	}
	if c.Traceparent != "" {
		req.Header.Set(traceparent.Header, c.Traceparent)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if cookie := cookies(given(c, "cookies")); cookie != "" {
		req.Header.Set("Cookie", cookie)
	}
	if err := addHeaders(req, given(c, "headers")); err != nil {
		return nil, err
	}
	return req, authenticate(req, given(c, "auth"))
}

// parseURL reads the URL as requests prepares it: with a path, its host in ASCII, and what a URL must not contain quoted.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimLeft(text, " \t\r\n"))
	if err != nil {
		var flaw *url.Error
		if errors.As(err, &flaw) {
			err = flaw.Err
		}
		return nil, quoted("Invalid URL '%s': %v", text, err)
	}
	u.Scheme = strings.ToLower(u.Scheme)
	u.RawQuery = quote(u.RawQuery)
	if u.Path == "" && u.Opaque == "" {
		u.Path = "/"
	}
	return u, nil
}

// hostToASCII makes the host what DNS takes.
func hostToASCII(u *url.URL) error {
	if u.Hostname() == "" {
		return quoted("Invalid URL '%s': No host supplied", u)
	}
	if isASCII(u.Host) {
		return nil
	}
	host, err := idna.Lookup.ToASCII(u.Hostname())
	if err != nil {
		return quoted("URL has an invalid label.")
	}
	if port := u.Port(); port != "" {
		host = net.JoinHostPort(host, port)
	}
	u.Host = host
	return nil
}

// quote escapes what may not stand in a query.
func quote(query string) string {
	var b strings.Builder
	for i := range len(query) {
		c := query[i]
		if c > ' ' && c < 0x7f && !strings.ContainsRune("\"<>\\^`{|}", rune(c)) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// addQuery appends the input params: a text as it is, dicts and lists of pairs encoded.
func addQuery(u *url.URL, params value.Value) error {
	var more string
	switch {
	case !value.Truthy(params):
		return nil
	case params.Kind() == value.KindString:
		more = quote(value.Str(params))
	default:
		var err error
		if more, err = encodePairs(params); err != nil {
			return err
		}
	}
	if u.RawQuery != "" && more != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += more
	return nil
}

// encodePairs is Python's urlencode of a dict or a list of pairs; a value that is a list gives one pair for each element,
// null gives none.
func encodePairs(v value.Value) (string, error) {
	var out []string
	add := func(k string, v value.Value) {
		many, ok := elements(v)
		if !ok {
			many = []value.Value{v}
		}
		for _, one := range many {
			if one.Kind() != value.KindNull {
				out = append(out, url.QueryEscape(k)+"="+url.QueryEscape(value.Str(one)))
			}
		}
	}
	pairs, ok := elements(v)
	if _, isDict := v.(value.Mapping); !ok && !isDict {
		return "", errors.New("cannot encode objects that are not 2-tuples")
	}
	for k, item := range entries(v) {
		add(k, item)
	}
	for _, p := range pairs {
		pair, ok := elements(p)
		if !ok || len(pair) != 2 {
			return "", errors.New("cannot encode objects that are not 2-tuples")
		}
		add(value.Str(pair[0]), pair[1])
	}
	return strings.Join(out, "&"), nil
}

// bodyOf chooses the body and its content type. Only json has a type, and a form; a dict in body is JSON without one.
func bodyOf(c *actions.Call) (body, contentType string, err error) {
	v := given(c, "body")
	if _, ok := v.(value.Mapping); ok {
		raw, err := value.AppendJSON(nil, v)
		return string(raw), "", err
	}
	if value.Truthy(v) {
		if _, ok := elements(v); ok {
			body, err = encodePairs(v)
			return body, "application/x-www-form-urlencoded", err
		}
		return value.Str(v), "", nil
	}
	if v := given(c, "json"); v.Kind() != value.KindNull {
		raw, err := value.AppendJSON(nil, v)
		return string(raw), "application/json", err
	}
	return "", "", nil
}

func cookies(v value.Value) string {
	var parts []string
	for k, item := range entries(v) {
		if item.Kind() != value.KindNull {
			parts = append(parts, k+"="+value.Str(item))
		}
	}
	return strings.Join(parts, "; ")
}

// addHeaders sets the input's headers: numbers become texts, null takes a header away.
func addHeaders(req *http.Request, headers value.Value) error {
	for k, v := range entries(headers) {
		switch v.Kind() {
		case value.KindNull:
			req.Header.Del(k)
			continue
		case value.KindString, value.KindBool, value.KindInt, value.KindBigInt, value.KindFloat:
		default:
			return quoted("Header part (%s) from (%s, %s) must be of type str or bytes, not <class '%s'>",
				value.Repr(v), value.Repr(value.String(k)), value.Repr(v), value.TypeName(v))
		}
		s := value.Str(v)
		if strings.TrimLeft(s, " \t") != s || strings.ContainsAny(s, "\r\n") {
			return quoted("Invalid leading whitespace, reserved character(s), or return character(s) in header value: %s",
				value.Repr(value.String(s)))
		}
		if strings.ContainsAny(k, " :\r\n\t") || k == "" {
			return quoted("Invalid leading whitespace, reserved character(s), or return character(s) in header name: %s",
				value.Repr(value.String(k)))
		}
		if strings.EqualFold(k, "Host") {
			req.Host = s
		}
		req.Header.Set(k, s)
	}
	if strings.ContainsAny(req.Header.Get("Cookie"), "\r\n") {
		return errors.New("a cookie contains a line break")
	}
	return nil
}

// authenticate adds basic authentication for the input "user:password". The user and password of the URL are added by
// net/http when there is none.
func authenticate(req *http.Request, auth value.Value) error {
	if !value.Truthy(auth) {
		return nil
	}
	user, password, ok := strings.Cut(value.Str(auth), ":")
	if auth.Kind() != value.KindString || !ok || strings.Contains(password, ":") {
		return fmt.Errorf("'%s' object is not callable", value.TypeName(auth))
	}
	req.SetBasicAuth(user, password)
	return nil
}

// timeoutOf is the input timeout in seconds, or the default for null.
func timeoutOf(v value.Value, otherwise time.Duration) (time.Duration, error) {
	switch v.Kind() {
	case value.KindNull:
		return otherwise, nil
	case value.KindBool:
		return 0, quoted("Timeout cannot be a boolean value. It must be an int, float or None.")
	case value.KindInt, value.KindBigInt, value.KindFloat:
	default:
		return 0, quoted("Timeout value connect was %s, but it must be an int, float or None.", value.Str(v))
	}
	f, _ := number(v)
	if !(f > 0) {
		return 0, quoted("Attempted to set connect timeout to %s, but the timeout cannot be set to a value less than or equal to 0.", value.Str(v))
	}
	return duration(f), nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
