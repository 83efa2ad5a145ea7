package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"cierzo/expr/value"
	"cierzo/fault"
)

// readText reads a definition's text.
func readText(r *http.Request) ([]byte, error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, bodyError(err)
	}
	if !utf8.Valid(text) {
		return nil, fault.New(fault.Invalid, "The text isn't UTF-8")
	}
	if bytes.IndexByte(text, 0) >= 0 {
		return nil, fault.New(fault.Invalid, "The text holds a NUL character")
	}
	return text, nil
}

func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return fault.New(fault.Invalid, "The request's body can't be read")
}

// fields is a JSON object of a request, checked for unknown names.
type fields map[string]json.RawMessage

// readFields reads a request's JSON object. what names the argument in Mistral's texts.
func readFields(r *http.Request, what string, known ...string) (fields, error) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, bodyError(err)
	}
	f := fields{}
	if len(bytes.TrimSpace(data)) == 0 {
		return f, nil
	}
	if !utf8.Valid(data) {
		return nil, fault.New(fault.Invalid, "Invalid input for field/attribute %s. The body isn't UTF-8", what)
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fault.New(fault.Invalid, "Invalid input for field/attribute %s. Value: '%s'. %s", what, clipText(string(data)), jsonComplaint(data, err))
	}
	if f == nil {
		return fields{}, nil // null
	}
	for _, name := range sortedKeys(f) {
		if !slices.Contains(known, name) {
			return nil, fault.New(fault.Invalid, "Unknown attribute for argument %s: %s", what, clipText(name))
		}
	}
	return f, nil
}

// jsonComplaint says what is wrong with a body that should be a JSON object.
func jsonComplaint(data []byte, err error) string {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Sprintf("It is not valid JSON: %v (at byte %d)", err, syntax.Offset)
	}
	return "It should be a JSON object, it is a " + pythonKind(bytes.TrimSpace(data)[0])
}

// has reports whether the field is there and not null.
func (f fields) has(name string) bool {
	raw, ok := f[name]
	return ok && string(raw) != "null"
}

// textMax bounds texts of people (descriptions, messages), in bytes.
const textMax = 64 << 10

// text reads a field that is a string; "" when it is absent or null.
func (f fields) text(name string) (string, error) {
	if !f.has(name) {
		return "", nil
	}
	var s string
	if err := json.Unmarshal(f[name], &s); err != nil {
		return "", fault.New(fault.Invalid, "Invalid input for field/attribute %s. Value: '%s'. Value should be string.", name, clipText(string(f[name])))
	}
	if len(s) > textMax {
		return "", fault.New(fault.Invalid, "Invalid input for field/attribute %s. Value: '%s'. It is longer than %d bytes", name, clipText(s), textMax)
	}
	if strings.ContainsRune(s, 0) {
		return "", fault.New(fault.Invalid, "Invalid input for field/attribute %s. It holds a NUL character", name)
	}
	return s, nil
}

// texts reads fields that are strings.
func (f fields) texts(names ...string) (map[string]string, error) {
	out := make(map[string]string, len(names))
	for _, name := range names {
		t, err := f.text(name)
		if err != nil {
			return nil, err
		}
		out[name] = t
	}
	return out, nil
}

// boolean reads a field that is a bool; false when it is absent or null.
func (f fields) boolean(name string) (bool, error) {
	if !f.has(name) {
		return false, nil
	}
	var b bool
	if err := json.Unmarshal(f[name], &b); err != nil {
		return false, fault.New(fault.Invalid, "Invalid input for field/attribute %s. Value: '%s'. Value should be a boolean.", name, clipText(string(f[name])))
	}
	return b, nil
}

// integer reads a field that is an int, itself or inside a string; 0 when it is absent or null.
func (f fields) integer(name string) (int, error) {
	if !f.has(name) {
		return 0, nil
	}
	text := string(f[name])
	var inner string
	if json.Unmarshal(f[name], &inner) == nil {
		text = inner
	}
	return parseInt(name, text)
}

// json reads a field that is any JSON, itself or inside a string; nil when it is absent, null or the empty string.
func (f fields) json(name string) (value.Value, error) {
	if !f.has(name) {
		return nil, nil
	}
	raw := []byte(f[name])
	var inner string
	if json.Unmarshal(raw, &inner) == nil {
		if inner == "" {
			return nil, nil
		}
		raw = []byte(inner)
	} else if raw[0] != '{' {
		return nil, fault.New(fault.Invalid, "Invalid input for field/attribute %s. Value: '%s'. the JSON object must be str, bytes or bytearray, not %s", name, clipText(string(raw)), pythonKind(raw[0]))
	}
	v, err := value.ParseJSON(raw)
	if err != nil {
		return nil, fault.New(fault.Invalid, "Invalid input for field/attribute %s. Value: '%s'. It is not valid JSON: %v", name, clipText(string(raw)), err)
	}
	return v, nil
}

// object reads a field that is a JSON object, itself or inside a string; nil when it is absent.
func (f fields) object(name string) (*value.Dict, error) {
	v, err := f.json(name)
	if err != nil || v == nil {
		return nil, err
	}
	if _, null := v.(value.Null); null {
		return nil, nil
	}
	d, ok := v.(*value.Dict)
	if !ok {
		return nil, fault.New(fault.Invalid, "JsonType field value must be a dictionary [actual=%s]", clipText(value.Str(v)))
	}
	return d, nil
}

func pythonKind(first byte) string {
	switch {
	case first == '[':
		return "list"
	case first == 't' || first == 'f':
		return "bool"
	case first == '"':
		return "str"
	default:
		return "int"
	}
}

// clipText keeps a value that is quoted in an error readable.
func clipText(s string) string {
	const limit = 200
	if len(s) > limit {
		s = s[:limit] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// jsonText is a value as the API writes it: JSON inside a string. nil is an empty object.
func jsonText(v value.Value) (string, error) {
	if v == nil {
		return "{}", nil
	}
	data, err := value.AppendJSON(nil, v)
	if err != nil {
		return "", fmt.Errorf("encode: %w", err)
	}
	return string(data), nil
}

// dictText is jsonText for a dict that may be a nil pointer.
func dictText(d *value.Dict) (string, error) {
	if d == nil {
		return "{}", nil
	}
	return jsonText(d)
}
