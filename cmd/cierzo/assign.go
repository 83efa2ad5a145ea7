package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"cierzo/fault"
	"cierzo/node"
)

// parseAssignments reads the values of a repeatable flag: key=value, a JSON object or @file. Later ones win. nil when
// the flag wasn't given.
func parseAssignments(flag string, args []string) (map[string]json.RawMessage, error) {
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
			return fault.Wrap(fault.Invalid, err, "--%s %s", flag, arg)
		}
		return nil
	}
	key, text, ok := strings.Cut(arg, "=")
	if !ok || key == "" {
		return fault.New(fault.Invalid, "--%s %s: give key=value, a JSON object or @file", flag, arg)
	}
	out[key] = assignedValue(text)
	return nil
}

// assignedValue takes the text for JSON where it is JSON, else for a string: servers=5 is a number, name=web is a text.
func assignedValue(text string) json.RawMessage {
	if raw := []byte(text); json.Valid(raw) && len(bytes.TrimSpace(raw)) > 0 {
		return raw
	}
	quoted, err := json.Marshal(text)
	if err != nil { // a Go string always has a JSON form
		panic(err)
	}
	return quoted
}

func readAssignments(flag, path string, out map[string]json.RawMessage) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "--%s @%s", flag, path)
	}
	if ext := filepath.Ext(path); ext == ".yaml" || ext == ".yml" {
		if data, err = node.YAMLToJSON(path, data); err != nil {
			return fault.Wrap(fault.Invalid, err, "--%s @%s", flag, path)
		}
	}
	if err := json.Unmarshal(data, &out); err != nil {
		return fault.Wrap(fault.Invalid, err, "--%s @%s: not a JSON object", flag, path)
	}
	return nil
}
