package input

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"

	"cierzo/fault"
	"cierzo/node"
)

// Assignments reads the values of a repeatable flag: key=value, a JSON object or @file. Later ones win. nil when
// the flag wasn't given.
func Assignments(flag string, args []string) (map[string]json.RawMessage, error) {
	if len(args) == 0 {
		return nil, nil
	}
	out := map[string]json.RawMessage{}
	for _, arg := range args {
		if err := parseAssignment(flag, arg, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func parseAssignment(flag, arg string, out map[string]json.RawMessage) error {
	switch {
	case strings.HasPrefix(arg, "@"):
		return readAssignments(flag, arg[1:], out)
	case strings.HasPrefix(strings.TrimSpace(arg), "{"):
		if err := json.Unmarshal([]byte(arg), &out); err != nil {
			return fault.Wrap(fault.Invalid, err, "%s %s", flag, arg)
		}
		return nil
	}
	key, text, ok := strings.Cut(arg, "=")
	if !ok || key == "" {
		return fault.New(fault.Invalid, "%s %s: give key=value, a JSON object or @file", flag, arg)
	}
	out[key] = Value(text)
	return nil
}

// Value takes a text for JSON where it is JSON, else for a string: servers=5 is a number, name=web is a text.
func Value(text string) json.RawMessage {
	if raw := []byte(text); json.Valid(raw) && len(bytes.TrimSpace(raw)) > 0 {
		return raw
	}
	quoted, err := json.Marshal(text)
	if err != nil { // a Go string always has a JSON form
		panic(err)
	}
	return quoted
}

// Object reads an argument that is a JSON object, key=value, or the name of a file in JSON or YAML, with or without an @, as
// Mistral's command takes it. "" is nil.
func Object(what, arg string) (json.RawMessage, error) {
	if arg == "" {
		return nil, nil
	}
	if _, err := os.Stat(arg); err == nil {
		arg = "@" + arg
	}
	values, err := Assignments(what, []string{arg})
	if err != nil {
		return nil, err
	}
	return json.Marshal(values)
}

func readAssignments(flag, path string, out map[string]json.RawMessage) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "%s @%s", flag, path)
	}
	if !json.Valid(data) { // JSON that is valid is read as it is: YAML would take some texts for something else
		if data, err = node.YAMLToJSON(path, data); err != nil {
			return fault.Wrap(fault.Invalid, err, "%s @%s", flag, path)
		}
	}
	if err := json.Unmarshal(data, &out); err != nil {
		return fault.Wrap(fault.Invalid, err, "%s @%s: not a JSON object", flag, path)
	}
	return nil
}
