// Package deploy compares what should be on a server with what is there, and brings the difference about: `cierzo apply`, `diff`
// and `import`. The wanted things come from files or from another server; a Plan says what to do with each, and Carry does it.
package deploy

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"cierzo/api/apitype"
	"cierzo/cmd/cierzo/input"
	"cierzo/fault"
	"cierzo/node"
)

// Kind is what an item is.
type Kind string

// The kinds, in the order in which they are brought about: triggers need their workflows.
const (
	Action       Kind = "action"
	Workbook     Kind = "workbook"
	Workflow     Kind = "workflow"
	Environment  Kind = "environment"
	CronTrigger  Kind = "cron-trigger"
	EventTrigger Kind = "event-trigger"
	Member       Kind = "member"
)

// Kinds lists all kinds in their order.
func Kinds() []Kind {
	return []Kind{Action, Workbook, Workflow, Environment, CronTrigger, EventTrigger, Member}
}

// Item is a thing that a server should have: all definitions of one text, or one environment or trigger.
type Item struct {
	Kind      Kind
	Names     []string // of the text's workflows or actions, else one
	Namespace string
	Scope     string // "" leaves it as it is
	Origin    string // the file, or where it was imported from
	Text      []byte // of definitions

	Environment *apitype.NewEnvironment
	Cron        *apitype.NewCronTrigger
	Event       *EventItem
	Member      *MemberItem
}

// EventItem is an event trigger whose workflow is named by its name: ids are different on each server.
type EventItem struct {
	apitype.NewEventTrigger
	Workflow  string `json:"workflow_name"`
	Namespace string `json:"workflow_namespace"`
}

// Name is the item's names in one text.
func (i *Item) Name() string { return strings.Join(i.Names, ", ") }

// FromFiles reads files and the *.yaml and *.yml of folders. All that is wrong is said at once.
func FromFiles(paths []string, namespace string, stdin io.Reader) ([]Item, error) {
	files, err := input.Files(paths)
	if err != nil {
		return nil, err
	}
	var out []Item
	var problems []string
	owner := map[string]string{} // kind and name → file
	for _, f := range files {
		source, err := input.Source(f, stdin)
		if err != nil {
			return nil, err
		}
		item, err := parse(f, namespace, source)
		if err != nil {
			problems = append(problems, strings.TrimPrefix(node.Explain(err), "cierzo: "))
			continue
		}
		for _, n := range item.Names {
			key := string(item.Kind) + " " + n
			if other, ok := owner[key]; ok {
				problems = append(problems, fmt.Sprintf("%s: %s is in %s, too", f, key, other))
			}
			owner[key] = f
		}
		out = append(out, *item)
	}
	if len(problems) > 0 {
		return nil, fault.New(fault.Invalid, "%d of %d files can't be used:\n%s", len(problems), len(files), strings.Join(problems, "\n"))
	}
	sortItems(out)
	return out, nil
}

func sortItems(items []Item) {
	order := Kinds()
	slices.SortStableFunc(items, func(a, b Item) int { return slices.Index(order, a.Kind) - slices.Index(order, b.Kind) })
}

// parse finds out what a file holds.
func parse(file, namespace string, source []byte) (*Item, error) {
	raw, err := node.YAMLToJSON(file, source)
	if err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, fault.New(fault.Invalid, "%s: this is neither a definition nor an environment nor a trigger", file)
	}
	has := func(names ...string) bool {
		for _, n := range names {
			if _, ok := fields[n]; !ok {
				return false
			}
		}
		return true
	}
	item := &Item{Origin: file}
	switch {
	case has("version"):
		return parseDefinition(item, file, namespace, source)
	case has("exchange", "topic", "event"):
		item.Kind, item.Event = EventTrigger, &EventItem{}
		err = strict(file, raw, item.Event)
		item.Names, item.Scope = []string{item.Event.Name}, item.Event.Scope
		if err == nil && item.Event.Workflow == "" {
			err = fault.New(fault.Invalid, "%s: an event trigger needs a workflow_name", file)
		}
	case has("pattern") || has("first_execution_time"):
		item.Kind, item.Cron = CronTrigger, &apitype.NewCronTrigger{}
		err = strict(file, raw, item.Cron)
		item.Names, item.Scope = []string{item.Cron.Name}, item.Cron.Scope
	case has("variables"):
		item.Kind, item.Environment = Environment, &apitype.NewEnvironment{}
		err = strict(file, raw, item.Environment)
		item.Names, item.Scope = []string{item.Environment.Name}, item.Environment.Scope
	default:
		// What the parser of definitions says of it says most.
		return parseDefinition(item, file, namespace, source)
	}
	if err == nil && item.Names[0] == "" {
		err = fault.New(fault.Invalid, "%s: the %s has no name", file, item.Kind)
	}
	return item, err
}

// strict reads JSON whose every field must be known.
func strict(file string, raw json.RawMessage, into any) error {
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fault.New(fault.Invalid, "%s: %s", file, strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

func parseDefinition(item *Item, file, namespace string, source []byte) (*Item, error) {
	doc, err := node.Check(file, source)
	if err != nil {
		return nil, err
	}
	item.Text, item.Namespace = source, namespace
	switch {
	case doc.Workbook != "":
		item.Kind, item.Names = Workbook, []string{doc.Workbook}
	case len(doc.Actions) > 0:
		item.Kind, item.Names = Action, doc.Actions
	default:
		item.Kind, item.Names = Workflow, doc.Workflows
	}
	return item, nil
}

// part is the text with only one of its workflows or actions; false: it can't be cut out.
func (i *Item) part(name string) ([]byte, bool) {
	key := regexp.MustCompile(`^["']?` + regexp.QuoteMeta(name) + `["']?\s*:`)
	out := []string{"version: '2.0'"}
	inside := false
	for line := range strings.SplitAfterSeq(string(i.Text), "\n") {
		top := line != "" && !strings.ContainsAny(line[:1], " \t\r\n#-")
		if top {
			inside = key.MatchString(line)
		}
		if inside {
			out = append(out, strings.TrimRight(line, "\n"))
		}
	}
	text := []byte(strings.Join(out, "\n") + "\n")
	doc, err := node.Check(i.Origin, text)
	if err != nil || doc.Workbook != "" || len(doc.Workflows)+len(doc.Actions) != 1 {
		return nil, false
	}
	return text, true
}

// Relative makes file names short for people.
func Relative(path string) string {
	wd, err := os.Getwd()
	if err != nil || !filepath.IsAbs(path) {
		return path
	}
	if r, err := filepath.Rel(wd, path); err == nil && !strings.HasPrefix(r, "..") {
		return r
	}
	return path
}
