// Package goldentest reads the golden corpora, which were recorded from the real implementation. Of expressions there are
// vectors, one JSON object a line, with Python's values in them; of workflows it finds the files and masks answers as the
// recorder does. All tests that replay a corpus share it.
package goldentest

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"cierzo/expr/value"
)

// Vector is one recorded evaluation.
type Vector struct {
	ID, Area string
	// Expr is a YAQL expression, Template a Jinja template, Value any structure with texts that are evaluated.
	Expr, Template string
	Value          value.Value
	Recursive      bool
	Data           value.Value // nil: none was recorded
	HasData        bool
	Vars           map[string]value.Value
	Options        map[string]any
	Delegates      bool
	// Result is what it gave; nil when it failed with the class Error, of the Cause.
	Result                value.Value
	Error, Cause, Message string
	Validate              string
	Unordered             bool
	Stored, StoredError   *string
	// Text is what a Jinja template gives as text, even if it is one expression; or the class and message of its failure.
	Text                   *string
	TextError, TextMessage string
	Portable               bool
	Why                    string
	// Debian is the outcome in Mistral 15 where it is another one.
	Debian *Vector
	// Mistral is the outcome under Mistral's options, of yaql's own tests.
	Mistral *Vector
}

// Load reads the vectors of a corpus.
func Load(t testing.TB, name string) []Vector {
	t.Helper()
	vectors, err := Read(name)
	if errors.Is(err, fs.ErrNotExist) {
		noCorpus(t, find("expr/"+name))
	}
	if err != nil {
		t.Fatal(err)
	}
	return vectors
}

// Read is Load for who goes on without.
func Read(name string) ([]Vector, error) {
	file := find("expr/" + name)
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var vectors []Vector
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		v, err := decodeVector(lines.Bytes())
		if err != nil {
			return nil, fmt.Errorf("%s: vector %d: %w", file, len(vectors)+1, err)
		}
		vectors = append(vectors, v)
	}
	if lines.Err() == nil && len(vectors) == 0 {
		return nil, fmt.Errorf("%s has no vectors", file)
	}
	return vectors, lines.Err()
}

func decodeVector(line []byte) (Vector, error) {
	var raw struct {
		ID, Area, Expr, Template             string
		Value, Data, Result                  json.RawMessage
		Recursive, Delegates, Unordered      bool
		Vars                                 map[string]json.RawMessage
		Options                              map[string]any
		Error, Cause, Message, Validate, Why string
		Portable                             *bool
		Stored                               *string
		StoredError                          *string `json:"stored_error"`
		Text                                 *string
		TextError                            string `json:"text_error"`
		TextMessage                          string `json:"text_message"`
		Deb, Mistral                         json.RawMessage
	}
	if err := json.Unmarshal(line, &raw); err != nil {
		return Vector{}, err
	}
	v := Vector{
		ID: raw.ID, Area: raw.Area, Expr: raw.Expr, Template: raw.Template, Recursive: raw.Recursive, Options: raw.Options,
		Delegates: raw.Delegates, Error: raw.Error, Cause: raw.Cause, Message: raw.Message, Validate: raw.Validate,
		Unordered: raw.Unordered, Stored: raw.Stored, StoredError: raw.StoredError, Why: raw.Why,
		Text: raw.Text, TextError: raw.TextError, TextMessage: raw.TextMessage,
		Portable: raw.Portable == nil || *raw.Portable, HasData: raw.Data != nil,
	}
	for _, field := range []struct {
		raw json.RawMessage
		to  *value.Value
	}{{raw.Value, &v.Value}, {raw.Data, &v.Data}, {raw.Result, &v.Result}} {
		if field.raw == nil {
			continue
		}
		var err error
		if *field.to, err = Decode(field.raw); err != nil {
			return v, fmt.Errorf("%s: %w", v.ID, err)
		}
	}
	for name, data := range raw.Vars {
		item, err := Decode(data)
		if err != nil {
			return v, fmt.Errorf("%s: %s: %w", v.ID, name, err)
		}
		if v.Vars == nil {
			v.Vars = map[string]value.Value{}
		}
		v.Vars[name] = item
	}
	for _, other := range []struct {
		raw json.RawMessage
		to  **Vector
	}{{raw.Deb, &v.Debian}, {raw.Mistral, &v.Mistral}} {
		if other.raw == nil || bytes.Equal(other.raw, []byte("null")) {
			continue
		}
		sub, err := decodeVector(other.raw)
		if err != nil {
			return v, fmt.Errorf("%s: %w", v.ID, err)
		}
		*other.to = &sub
	}
	return v, nil
}

// Decode reads a value in the notation of the corpora: plain JSON, and objects with __type__ for the rest of Python.
func Decode(data []byte) (value.Value, error) {
	v, err := value.ParseJSON(data)
	if err != nil {
		return nil, err
	}
	return revive(v)
}

// Object is a value that has no form of its own here: a pattern, a method, an object of the host.
type Object struct {
	value.Object
	// Form is the notation without what may differ: of a regex the pattern and flags.
	Form string
}

// Repr is the notation.
func (o *Object) Repr() string { return o.Form }

func revive(v value.Value) (value.Value, error) {
	switch v := v.(type) {
	case *value.List:
		items, err := reviveAll(v.Items())
		return value.NewList(items), err
	case *value.Dict:
		if name, ok := v.GetString("__type__"); ok {
			return reviveTyped(string(name.(value.String)), v)
		}
		out := value.NewDict(v.Len())
		for k, item := range v.All() {
			got, err := revive(item)
			if err != nil {
				return nil, err
			}
			if err := out.Set(k, got); err != nil {
				return nil, err
			}
		}
		return out.Freeze(), nil
	}
	return v, nil
}

func reviveAll(items []value.Value) ([]value.Value, error) {
	out := make([]value.Value, len(items))
	for i, item := range items {
		var err error
		if out[i], err = revive(item); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func reviveTyped(name string, d *value.Dict) (value.Value, error) {
	field := func(name string) value.Value {
		v, _ := d.GetString(name)
		return v
	}
	text := func(name string) string {
		s, _ := field(name).(value.String)
		return string(s)
	}
	switch name {
	case "set", "tuple", "generator", "view", "range":
		list, _ := field("items").(*value.List)
		if list == nil {
			return nil, fmt.Errorf("a %s without items", name)
		}
		items, err := reviveAll(list.Items())
		switch {
		case err != nil:
			return nil, err
		case name == "set":
			return value.NewSet(items, true)
		case name == "tuple":
			return value.NewTuple(items), nil
		}
		return &Items{Form: name, List: items}, nil
	case "dict":
		return reviveDict(field("items"))
	case "datetime":
		t, err := time.Parse("2006-01-02T15:04:05.999999Z07:00", text("value"))
		if err != nil {
			t, err = time.Parse("2006-01-02T15:04:05.999999", text("value"))
		}
		return value.DateTime{Time: t}, err
	case "date":
		t, err := time.Parse("2006-01-02", text("value"))
		return value.Date{Time: t}, err
	case "timespan":
		us, _ := field("microseconds").(value.Int)
		return value.TimeSpan{Microseconds: int64(us)}, nil
	case "float":
		return map[string]value.Float{
			"inf": value.Float(math.Inf(1)), "-inf": value.Float(math.Inf(-1)), "nan": value.Float(math.NaN()),
		}[text("value")], nil
	case "markup":
		return value.String(text("value")), nil
	case "bytes":
		data, err := hex.DecodeString(text("hex"))
		return &Object{Form: "bytes " + string(data)}, err
	case "regex":
		return &Object{Form: fmt.Sprintf("regex %s %s", text("pattern"), value.Repr(field("flags")))}, nil
	}
	return &Object{Form: name + " " + value.Repr(d)}, nil
}

// Items is a collection that is neither list nor tuple: a generator, a view, a range.
type Items struct {
	value.Object
	Form string
	List []value.Value
}

// Plain makes lists of collections that are neither list nor tuple, at any depth: results are stored that way.
func Plain(v value.Value) value.Value {
	plain := func(in []value.Value) []value.Value {
		out := make([]value.Value, len(in))
		for i, item := range in {
			out[i] = Plain(item)
		}
		return out
	}
	switch v := v.(type) {
	case *Items:
		return value.NewList(plain(v.List))
	case *value.List:
		return value.NewList(plain(v.Items()))
	case *value.Tuple:
		return value.NewTuple(plain(v.Items()))
	case *value.Dict:
		out := value.NewFreeDict(v.Len())
		for k, item := range v.All() {
			if err := out.Set(k, Plain(item)); err != nil {
				panic(err)
			}
		}
		return out
	}
	return v
}

func reviveDict(v value.Value) (value.Value, error) {
	pairs, _ := v.(*value.List)
	if pairs == nil {
		return nil, fmt.Errorf("a dict without items")
	}
	out := value.NewFreeDict(pairs.Len())
	for _, pair := range pairs.Items() {
		entry, err := reviveAll(pair.(*value.List).Items())
		if err != nil {
			return nil, err
		}
		if err := out.Set(entry[0], entry[1]); err != nil {
			return nil, err
		}
	}
	return out.Freeze(), nil
}

// Text is a value in a notation where equal texts are equal values of equal types: 1, 1.0 and true differ, the order of
// keys counts, that of sets doesn't. unordered drops the order of the outermost list.
func Text(v value.Value, unordered bool) string {
	var b strings.Builder
	write(&b, v, unordered)
	return b.String()
}
