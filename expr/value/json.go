package value

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// DepthMax bounds how deep JSON may be nested.
const DepthMax = 200

// digitsMax bounds an integer in JSON: reading takes time that grows with the square of it. No value has more bits than that.
const digitsMax = 320_000

// ParseJSON reads one JSON document exactly: integers of any size, 1 and 1.0 apart, the order of keys, the last of
// duplicate keys.
func ParseJSON(data []byte) (Value, error) {
	if v, ok := parsePlain(data); ok {
		return v, nil
	}
	return decodeJSON(data)
}

func decodeJSON(data []byte) (Value, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	v, err := parseNext(dec, 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("extra data behind the JSON document at offset %d", dec.InputOffset())
	}
	return v, nil
}

func parseNext(dec *json.Decoder, depth int) (Value, error) {
	if depth > DepthMax+1 { // one more than is written: rows keep values in an object of theirs
		return nil, fmt.Errorf("JSON is nested deeper than %d", DepthMax)
	}
	tok, err := dec.Token()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("unexpected end of JSON")
	}
	if err != nil {
		return nil, err
	}
	switch tok := tok.(type) {
	case json.Delim:
		if tok == '[' {
			return parseList(dec, depth)
		}
		return parseDict(dec, depth)
	case string:
		return String(tok), nil
	case json.Number:
		return parseNumber(string(tok))
	case bool:
		return Bool(tok), nil
	default:
		return Null{}, nil
	}
}

func parseList(dec *json.Decoder, depth int) (Value, error) {
	var items []Value
	for dec.More() {
		item, err := parseNext(dec, depth+1)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	_, err := dec.Token()
	return NewList(items), err
}

func parseDict(dec *json.Decoder, depth int) (Value, error) {
	d := NewDict(4)
	for dec.More() {
		k, err := dec.Token()
		if err != nil {
			return nil, err
		}
		v, err := parseNext(dec, depth+1)
		if err != nil {
			return nil, err
		}
		d.SetString(k.(string), v)
	}
	_, err := dec.Token()
	return d, err
}

func parseNumber(s string) (Value, error) {
	if strings.ContainsAny(s, ".eE") {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return nil, err
		}
		return Float(f), nil
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return Int(i), nil
	}
	if len(s) > digitsMax {
		return nil, fmt.Errorf("an integer has %d digits, more than the limit of %d", len(s), digitsMax)
	}
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return nil, fmt.Errorf("%q is no number", s)
	}
	return IntOf(n), nil
}

// AppendJSON appends what Mistral stores of a value: tuples become lists, times become texts, keys become texts. The
// error names what has no JSON form.
func AppendJSON(dst []byte, v Value) ([]byte, error) { return appendJSON(dst, v, 0) }

func appendJSON(dst []byte, v Value, depth int) ([]byte, error) {
	if depth > DepthMax {
		return nil, fmt.Errorf("value is nested deeper than %d", DepthMax)
	}
	switch v := v.(type) {
	case nil, Null:
		return append(dst, "null"...), nil
	case Bool:
		return strconv.AppendBool(dst, bool(v)), nil
	case Int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case BigInt:
		return v.n.Append(dst, 10), nil
	case Float:
		return append(dst, floatJSON(float64(v))...), nil
	case String:
		return AppendText(dst, string(v)), nil
	case *List:
		return appendItems(dst, v.items, depth)
	case *Tuple:
		return appendItems(dst, v.items, depth)
	case *Dict: // as any mapping, without the iterator
		return appendDict(dst, v, depth)
	case Mapping:
		return appendMapping(dst, v, depth)
	case *Set:
		return appendItems(dst, v.members.keys, depth)
	case interface{ Items() []Value }:
		return appendItems(dst, v.Items(), depth)
	case DateTime:
		return append(dst, `"`+Strftime(v.Time, "%Y-%m-%dT%H:%M:%S.%f")+`"`...), nil
	case Date:
		return v.AppendFormat(dst, `"2006-01-02"`), nil
	}
	return nil, fmt.Errorf("a value of type %s has no JSON form", TypeName(v))
}

func appendItems(dst []byte, items []Value, depth int) ([]byte, error) {
	dst = append(dst, '[')
	var err error
	for i, item := range items {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		if dst, err = appendJSON(dst, item, depth+1); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}

func appendMapping(dst []byte, m Mapping, depth int) ([]byte, error) {
	dst = append(dst, '{')
	first := true
	var err error
	for k, v := range m.All() {
		if dst, err = appendMember(dst, k, v, first, depth); err != nil {
			return nil, err
		}
		first = false
	}
	return append(dst, '}'), nil
}

func appendDict(dst []byte, d *Dict, depth int) ([]byte, error) {
	dst = append(dst, '{')
	var err error
	for i := range d.keys {
		if dst, err = appendMember(dst, d.keys[i], d.vals[i], i == 0, depth); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

func appendMember(dst []byte, k, v Value, first bool, depth int) ([]byte, error) {
	if !first {
		dst = append(dst, ", "...)
	}
	name, ok := keyText(k)
	if !ok {
		return nil, fmt.Errorf("a key of type %s has no JSON form", TypeName(k))
	}
	return appendJSON(append(AppendText(dst, name), ": "...), v, depth+1)
}

func keyText(k Value) (string, bool) {
	switch k := k.(type) {
	case String:
		return string(k), true
	case Null:
		return "null", true
	case Bool:
		return strconv.FormatBool(bool(k)), true
	case Int, BigInt, Float:
		return Repr(k), true
	}
	return "", false
}

func floatJSON(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case math.IsNaN(f):
		return "NaN"
	}
	return FloatText(f)
}

const hexDigits = "0123456789abcdef"

// AppendText appends a text as JSON has it; bytes that are no UTF-8 become U+FFFD.
func AppendText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = append(dst, s[start:i]...)
			switch c {
			case '"', '\\':
				dst = append(dst, '\\', c)
			case '\n':
				dst = append(dst, `\n`...)
			case '\r':
				dst = append(dst, `\r`...)
			case '\t':
				dst = append(dst, `\t`...)
			default:
				dst = append(dst, `\u00`...)
				dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(append(dst, s[start:i]...), "\ufffd"...)
			start = i + 1
		}
		i += size
	}
	return append(append(dst, s[start:]...), '"')
}
