package std

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"cierzo/expr/value"
)

// tooLargeError is an answer beyond the limit.
type tooLargeError struct{ length, limit int64 } // length -1: it wasn't said

func (e *tooLargeError) Error() string {
	if e.length >= 0 {
		return fmt.Sprintf("HTTP response is too large (Content-Length=%d, limit=%d bytes).", e.length, e.limit)
	}
	return fmt.Sprintf("HTTP response is too large (limit=%d bytes).", e.limit)
}

// readBody reads an answer's body, unpacks it, and refuses what is longer than the limit before and after that.
func readBody(resp *http.Response, limit int) ([]byte, error) {
	if resp.ContentLength > int64(limit) && resp.Request.Method != http.MethodHead {
		return nil, &tooLargeError{resp.ContentLength, int64(limit)}
	}
	raw, err := readMax(resp.Body, limit)
	if err != nil || len(raw) == 0 {
		return nil, err
	}
	var unpacked io.Reader
	switch strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding"))) {
	case "gzip", "x-gzip":
		unpacked, err = gzip.NewReader(bytes.NewReader(raw))
	case "deflate":
		unpacked, err = zlib.NewReader(bytes.NewReader(raw))
	default:
		return raw, nil
	}
	if err == nil {
		raw, err = readMax(unpacked, limit)
	}
	var large *tooLargeError
	if err != nil && !errors.As(err, &large) {
		err = fmt.Errorf("decode the body: %w", err)
	}
	return raw, err
}

func readMax(r io.Reader, limit int) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err == nil && len(data) > limit {
		err = &tooLargeError{-1, int64(limit)}
	}
	return data, err
}

// responseDict is the result of std.http.
func responseDict(resp *http.Response, data []byte, history []value.Value, elapsed time.Duration) *value.Dict {
	enc := encodingOf(resp.Header.Get("Content-Type"))
	reason := ""
	if _, text, ok := strings.Cut(resp.Status, " "); ok {
		reason = text
	}
	jar := value.NewDict(0)
	for _, cookie := range resp.Cookies() {
		if cookie.MaxAge < 0 {
			continue // taken back
		}
		v := cookie.Value
		if cookie.Quoted {
			v = `"` + v + `"`
		}
		jar.SetString(cookie.Name, value.String(latin1(v)))
	}
	out := value.NewDict(9)
	out.SetString("content", content(data, enc))
	out.SetString("status", value.Int(resp.StatusCode))
	out.SetString("headers", headersDict(resp))
	out.SetString("url", value.String(resp.Request.URL.String()))
	out.SetString("history", value.NewList(history))
	if enc == "" {
		out.SetString("encoding", value.Null{})
	} else {
		out.SetString("encoding", value.String(enc))
	}
	out.SetString("reason", value.String(latin1(reason)))
	out.SetString("cookies", jar)
	out.SetString("elapsed", value.Float(elapsed.Seconds()))
	return out
}

// headersDict gives the headers in the order and case in which they came; those of the same name are joined.
func headersDict(resp *http.Response) *value.Dict {
	d := value.NewDict(len(resp.Header))
	if w, ok := resp.Body.(*wire); ok {
		for _, name := range headerNames(w.head) {
			if all := resp.Header.Values(name); len(all) > 0 {
				d.SetString(name, value.String(latin1(strings.Join(all, ", "))))
			} else if strings.EqualFold(name, "Transfer-Encoding") {
				d.SetString(name, value.String(strings.Join(resp.TransferEncoding, ", "))) // net/http takes it out
			}
		}
	}
	return d
}

// encodingOf is requests' guess from the content type; "" for none.
func encodingOf(contentType string) string {
	if contentType == "" {
		return ""
	}
	if _, params, err := mime.ParseMediaType(contentType); err == nil && params["charset"] != "" {
		return strings.Trim(params["charset"], `'"`)
	}
	switch lower := strings.ToLower(contentType); {
	case strings.Contains(lower, "text"):
		return "ISO-8859-1"
	case strings.Contains(lower, "application/json"):
		return "utf-8"
	}
	return ""
}

// content is the parsed JSON of a body if it is JSON, else its text.
func content(data []byte, enc string) value.Value {
	s := decode(data, enc)
	if v, err := value.ParseJSON([]byte(s)); err == nil {
		return v
	}
	return value.String(s)
}

// decode gives the text of bytes in an encoding; one that isn't known counts as UTF-8. What is no text in it becomes U+FFFD.
func decode(data []byte, enc string) string {
	var e encoding.Encoding
	switch strings.ToLower(enc) {
	case "utf-8", "utf8":
	case "":
		e = bomEncoding{}
	case "iso-8859-1", "iso8859-1", "latin-1", "latin1":
		e = charmap.ISO8859_1 // htmlindex has Windows-1252 for it, as browsers do and Python doesn't
	default:
		if found, err := htmlindex.Get(enc); err == nil {
			e = found
		}
	}
	if e != nil {
		if out, err := e.NewDecoder().Bytes(data); err == nil {
			data = out
		}
	}
	return strings.ToValidUTF8(string(data), string(utf8.RuneError))
}

// bomEncoding is UTF-8, or UTF-16 if the text begins with its mark.
type bomEncoding struct{ encoding.Encoding }

func (bomEncoding) NewDecoder() *encoding.Decoder {
	return &encoding.Decoder{Transformer: unicode.BOMOverride(transform.Nop)}
}

// latin1 is how Python reads headers: each byte is a character.
func latin1(s string) string {
	if isASCII(s) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}
