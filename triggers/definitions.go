package triggers

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"regexp"
	"slices"
	"strings"
	"time"

	"cierzo/dsl/yaml"
	"cierzo/expr"
	"cierzo/expr/value"
	"cierzo/fault"
)

// The limits of event definitions.
const (
	definitionsMax = 1000
	evalTimeout    = 5 * time.Second
)

// Definitions say what a workflow gets to know of an event, by the event's type: Mistral's file of event definitions.
//
//   - event_types: compute.instance.*
//     properties:
//     resource_id: <% $.payload.instance_id %>
//
// Of several that match, the one that is written last counts. For other events it is the service that has sent the event, its
// project and user, and its time. The zero value has no definitions.
type Definitions struct {
	list []definition // the last of the file first
}

type definition struct {
	types      []*regexp.Regexp
	properties *expr.Tree
}

// ParseDefinitions reads a file of event definitions. The error says which definition can't be.
func ParseDefinitions(file string, text []byte) (Definitions, error) {
	var out Definitions
	if len(bytes.TrimSpace(text)) == 0 {
		return out, nil
	}
	v, err := yaml.Decode(file, text)
	if err != nil {
		return out, fault.Wrap(fault.Invalid, err, "%s", file)
	}
	list, ok := v.(*value.List)
	if !ok {
		return out, fault.New(fault.Invalid, "%s: event definitions are a list, this is %s", file, value.TypeName(v))
	}
	if list.Len() > definitionsMax {
		return out, fault.New(fault.Invalid, "%s: %d event definitions; there may be %d", file, list.Len(), definitionsMax)
	}
	for i, item := range list.Items() {
		d, err := parseDefinition(item)
		if err != nil {
			return out, fault.Wrap(fault.Invalid, err, "%s: event definition %d", file, i+1)
		}
		out.list = append(out.list, d)
	}
	slices.Reverse(out.list)
	return out, nil
}

func parseDefinition(v value.Value) (definition, error) {
	var out definition
	d, ok := v.(*value.Dict)
	if !ok {
		return out, fault.New(fault.Invalid, "it is %s, not a dict with event_types and properties", value.TypeName(v))
	}
	for k := range d.All() {
		if name := value.Str(k); name != "event_types" && name != "properties" {
			return out, fault.New(fault.Invalid, "unknown key %q; it takes event_types and properties", name)
		}
	}
	types, ok := d.GetString("event_types")
	if !ok {
		return out, fault.New(fault.Invalid, "Required field event_types not specified")
	}
	var names []value.Value
	switch t := types.(type) {
	case value.String:
		names = []value.Value{t}
	case *value.List:
		names = t.Items()
	}
	if len(names) == 0 {
		return out, fault.New(fault.Invalid, "event_types: it takes a type of events or a list of them, such as compute.instance.*")
	}
	for _, n := range names {
		s, ok := n.(value.String)
		if !ok {
			return out, fault.New(fault.Invalid, "event_types: %s is no text", value.Str(n))
		}
		glob, err := compileGlob(string(s))
		if err != nil {
			return out, err
		}
		out.types = append(out.types, glob)
	}
	properties, ok := d.GetString("properties")
	if !ok {
		return out, fault.New(fault.Invalid, "Required field properties not specified")
	}
	if _, ok := properties.(*value.Dict); !ok {
		return out, fault.New(fault.Invalid, "properties: it takes a dict, this is %s", value.TypeName(properties))
	}
	var err error
	if out.properties, err = expr.CompileTree(properties); err != nil {
		return out, fault.Wrap(fault.Invalid, err, "properties")
	}
	return out, nil
}

// compileGlob reads a pattern of Python's fnmatch: *, ?, [seq] and [!seq].
func compileGlob(glob string) (*regexp.Regexp, error) {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for rest := glob; rest != ""; {
		c := rest[:1]
		rest = rest[1:]
		end := -1
		if c == "[" && len(rest) > 1 {
			if end = strings.IndexByte(rest[1:], ']'); end >= 0 {
				end++ // a ] in the first place stands for itself
			}
		}
		switch {
		case c == "*":
			b.WriteString(".*")
		case c == "?":
			b.WriteString(".")
		case end >= 0:
			set := rest[:end]
			rest = rest[end+1:]
			not := ""
			if set[0] == '!' {
				not, set = "^", set[1:]
			}
			b.WriteString("[" + not + strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `^`, `\^`).Replace(set) + "]")
		default:
			b.WriteString(regexp.QuoteMeta(c))
		}
	}
	b.WriteString(`\z`)
	re, err := regexp.Compile(b.String())
	return re, fault.Wrap(fault.Invalid, err, "event_types: %q", glob)
}

// properties are what a workflow gets to know of an event.
func (d Definitions) properties(e Event) (*value.Dict, error) {
	for _, def := range d.list {
		if !slices.ContainsFunc(def.types, func(re *regexp.Regexp) bool { return re.MatchString(e.Type) }) {
			continue
		}
		data := e.data()
		deadline := time.Now().Add(evalTimeout)
		env := &expr.Env{Root: data, Context: data, Now: time.Now().UTC(), Entropy: entropy}
		env.Limits.Expired = func() bool { return time.Now().After(deadline) }
		v, err := def.properties.Eval(env)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "properties of the event %s", e.Type)
		}
		return v.(*value.Dict), nil
	}
	out := value.NewDict(0)
	out.SetString("service", value.String(e.Publisher))
	out.SetString("project_id", e.context("project_id"))
	out.SetString("user_id", e.context("user_id"))
	out.SetString("timestamp", value.String(e.Timestamp))
	return out, nil
}

func entropy() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, says its contract
	return binary.LittleEndian.Uint64(b[:])
}
