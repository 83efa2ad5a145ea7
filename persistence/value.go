package persistence

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"cierzo/expr/value"
	"cierzo/fault"
)

// Micros is how stores keep a time: microseconds since 1970 in UTC, 0 for the zero time.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// FromMicros is the inverse of Micros.
func FromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// distance is a moment as microseconds after another one, plus one: 0 stays the zero time. A clock that was set back makes it
// negative.
func distance(from int64, t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	d := t.UnixMicro() - from
	if d >= 0 {
		d++
	}
	return d
}

// moment is the inverse of distance.
func moment(from, d int64) time.Time {
	switch {
	case d == 0:
		return time.Time{}
	case d > 0:
		d--
	}
	return time.UnixMicro(from + d).UTC()
}

// body builds the JSON object of the values of a row. A value that is nil is left out, so that nil and null stay apart.
type body struct{ object object }

func (b *body) add(name string, v value.Value) {
	o := &b.object
	if o.err != nil {
		return
	}
	if len(o.dst) == 0 {
		o.dst = append(o.dst, '{')
	}
	o.member(name)
	out, err := value.AppendJSON(o.dst, v)
	if err != nil {
		o.err = fmt.Errorf("%s: %w", name, err)
		return
	}
	o.dst = out
}

func (b *body) dict(name string, d *value.Dict) {
	if d != nil {
		b.add(name, d)
	}
}

func (b *body) value(name string, v value.Value) {
	if v != nil {
		b.add(name, v)
	}
}

func (b *body) text() (string, error) {
	o := &b.object
	if o.err != nil || len(o.dst) == 0 {
		return "", o.err
	}
	return string(append(o.dst, '}')), nil
}

// members reads what body wrote.
type members struct {
	dict *value.Dict
	err  error
}

func readBody(text string) *members {
	if text == "" {
		return &members{dict: value.NewDict(0)}
	}
	v, err := parseValue(text)
	if err != nil {
		return &members{err: err}
	}
	d, ok := v.(*value.Dict)
	if !ok {
		return &members{err: fmt.Errorf("values of a row are a %s, want an object", value.TypeName(v))}
	}
	return &members{dict: d}
}

func (m *members) get(name string) value.Value {
	if m.err != nil {
		return nil
	}
	v, _ := m.dict.GetString(name)
	return v
}

func (m *members) getDict(name string) *value.Dict {
	v := m.get(name)
	if v == nil {
		return nil
	}
	d, ok := v.(*value.Dict)
	if !ok && m.err == nil {
		m.err = fmt.Errorf("%s is a %s, want an object", name, value.TypeName(v))
	}
	return d
}

// orNull is what stands for a dictionary that may be nil, where the empty one is left out.
func orNull(d *value.Dict) value.Value {
	if d == nil {
		return value.Null{}
	}
	return d
}

// dictOrEmpty is the inverse of orNull.
func (m *members) dictOrEmpty(name string) *value.Dict {
	switch m.get(name).(type) {
	case nil:
		return value.NewDict(0).Freeze()
	case value.Null:
		return nil
	}
	return m.getDict(name)
}

// parseValue reads the JSON of a row. As Python does, and unlike JSON, rows may hold the numbers NaN and Infinity.
func parseValue(text string) (value.Value, error) {
	v, err := value.ParseJSON([]byte(text))
	if err == nil || !(strings.Contains(text, "NaN") || strings.Contains(text, "Infinity")) {
		return v, err
	}
	v, err = value.ParseJSON(nameNumbers([]byte(text)))
	if err != nil {
		return nil, err
	}
	return numbersOf(v), nil
}

// notANumber stands for NaN where only JSON may be.
const notANumber = "\x00NaN"

// nameNumbers replaces the numbers that JSON doesn't know, outside of strings: Infinity by a number that is too big, NaN
// by the text notANumber.
func nameNumbers(text []byte) []byte {
	out := make([]byte, 0, len(text)+32)
	for i := 0; i < len(text); {
		switch {
		case text[i] == '"':
			end := i + 1
			for end < len(text) && text[end] != '"' {
				if text[end] == '\\' {
					end++
				}
				end++
			}
			end = min(end+1, len(text))
			out = append(out, text[i:end]...)
			i = end
		case bytes.HasPrefix(text[i:], []byte("NaN")):
			out = append(out, `"\u0000NaN"`...)
			i += len("NaN")
		case bytes.HasPrefix(text[i:], []byte("Infinity")):
			out = append(out, "1e999"...)
			i += len("Infinity")
		default:
			out = append(out, text[i])
			i++
		}
	}
	return out
}

func numbersOf(v value.Value) value.Value {
	switch v := v.(type) {
	case value.String:
		if v == notANumber {
			return value.Float(math.NaN())
		}
	case *value.List:
		items := make([]value.Value, 0, v.Len())
		for _, item := range v.Items() {
			items = append(items, numbersOf(item))
		}
		return value.NewList(items)
	case *value.Dict:
		out := value.NewDict(v.Len())
		for k, item := range v.All() {
			if name, ok := k.(value.String); ok {
				out.SetString(string(name), numbersOf(item))
			}
		}
		return out
	}
	return v
}

// checkText refuses what not every database can keep in a column of texts.
func checkText(what, s string) error {
	if strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) {
		return fault.New(fault.Invalid, "%s %.80q is no text: it has a NUL character or isn't UTF-8", what, s)
	}
	return nil
}

// LimitMax is how many rows one read gives at most.
const LimitMax = 1000

// Limit brings the limit of a read into 1…LimitMax.
func Limit(n int) int {
	if n < 1 || n > LimitMax {
		return LimitMax
	}
	return n
}
