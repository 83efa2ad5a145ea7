package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"cierzo/fault"
)

// pageMax is Mistral's own limit of a page; listMax bounds the rows that one list request may look at.
const (
	pageMax = 1000
	listMax = 100000
)

// listQuery is what the query string of a list asks for.
type listQuery struct {
	filters  []filter
	fields   []string // nil: all
	limit    int
	marker   string
	sortKeys []string
	sortDesc []bool
	flags    map[string]bool // the boolean parameters of the collection that were given
}

type filter struct {
	column string
	op     string
	value  string
}

// collection says what a list takes: the columns to filter by and boolean parameters of its own.
type collection struct {
	name    string // of the list in the answer
	columns []string
	flags   []string
	sortBy  string // default key
}

// parse reads the query string. Everything that isn't known is refused with the parameter's name.
func (c collection) parse(q url.Values) (*listQuery, error) {
	out := &listQuery{limit: pageMax, flags: map[string]bool{}}
	for _, name := range sortedKeys(q) {
		v := q.Get(name)
		var err error
		switch {
		case name == "limit":
			out.limit, err = parseLimit(v)
		case name == "marker":
			out.marker = v
		case name == "sort_keys":
			out.sortKeys = splitList(v)
		case name == "sort_dirs":
			out.sortDesc, err = parseDirs(v)
		case name == "fields":
			out.fields, err = c.parseFields(v)
		case name == "all_projects" || slices.Contains(c.flags, name):
			out.flags[name], err = parseBool(name, v)
		case slices.Contains(c.columns, name):
			out.filters = append(out.filters, parseFilter(name, v))
		default:
			err = fault.New(fault.Invalid, "Unknown argument: %q", name)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, c.completeSort(out)
}

func (c collection) completeSort(q *listQuery) error {
	if len(q.sortKeys) == 0 {
		q.sortKeys = []string{c.sortBy}
	}
	for _, k := range q.sortKeys {
		if k != "id" && !slices.Contains(c.columns, k) {
			return fault.New(fault.Invalid, "Sort key supplied is invalid: %s", k)
		}
	}
	if len(q.sortDesc) > len(q.sortKeys) {
		return fault.New(fault.Invalid, "Length of sort_keys must be equal or greater than sort_dirs.")
	}
	for len(q.sortDesc) < len(q.sortKeys) {
		q.sortDesc = append(q.sortDesc, false)
	}
	if !slices.Contains(q.sortKeys, "id") {
		q.sortKeys, q.sortDesc = append(q.sortKeys, "id"), append(q.sortDesc, false)
	}
	return nil
}

func (c collection) parseFields(v string) ([]string, error) {
	fields := splitList(strings.ToLower(v))
	var unknown []string
	for _, f := range fields {
		if f != "id" && !slices.Contains(c.columns, f) {
			unknown = append(unknown, f)
		}
	}
	if len(unknown) > 0 {
		return nil, fault.New(fault.Invalid, "Some fields do not exist  [%s], please choose from [%s]", strings.Join(unknown, ", "), strings.Join(c.columns, ", "))
	}
	if len(fields) > 0 && !slices.Contains(fields, "id") {
		fields = append([]string{"id"}, fields...)
	}
	return fields, nil
}

func parseLimit(v string) (int, error) {
	n, err := strconv.Atoi(v)
	if err != nil {
		return 0, fault.New(fault.Invalid, "Invalid input for field/attribute limit. Value: '%s'. unable to convert to int. Error: invalid literal for int() with base 10: '%s'", v, v)
	}
	if n <= 0 {
		return 0, fault.New(fault.Invalid, "Limit must be positive.")
	}
	return min(n, pageMax), nil
}

func parseDirs(v string) ([]bool, error) {
	var out []bool
	for _, d := range splitList(v) {
		if d != "asc" && d != "desc" {
			return nil, fault.New(fault.Invalid, "Unknown sort direction, must be 'desc' or 'asc'.")
		}
		out = append(out, d == "desc")
	}
	return out, nil
}

func parseBool(name, v string) (bool, error) {
	switch strings.ToLower(v) {
	case "true", "1", "yes", "on", "t", "y":
		return true, nil
	case "false", "0", "no", "off", "f", "n":
		return false, nil
	}
	return false, fault.New(fault.Invalid, "Invalid input for field/attribute %s. Value: '%s'. Value should be a boolean.", name, v)
}

// parseFilter reads "op:value"; a prefix that is no operator belongs to the value.
func parseFilter(column, v string) filter {
	op, rest, ok := strings.Cut(v, ":")
	if ok && slices.Contains([]string{"eq", "neq", "gt", "gte", "lt", "lte", "in", "nin", "has"}, op) {
		return filter{column, op, rest}
	}
	return filter{column, "eq", v}
}

func splitList(v string) []string {
	var out []string
	for w := range strings.SplitSeq(v, ",") {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}

// object is an answer's item as a JSON object.
type object map[string]any

// objectOf gives an item the form that filters, sorting and `fields` work on. Numbers stay as they are written.
func objectOf(item any) (object, error) {
	raw, err := json.Marshal(item)
	if err != nil {
		return nil, fmt.Errorf("encode item: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var o object
	if err := dec.Decode(&o); err != nil {
		return nil, fmt.Errorf("encode item: %w", err)
	}
	return o, nil
}

// page filters, sorts and cuts the items, and makes the answer of a list.
func page[T any](r *http.Request, c collection, q *listQuery, items []T) (any, error) {
	objects := make([]object, 0, len(items))
	for _, item := range items {
		o, err := objectOf(item)
		if err != nil {
			return nil, err
		}
		if q.matches(o) {
			objects = append(objects, o)
		}
	}
	slices.SortStableFunc(objects, q.compare)
	objects, err := q.after(c, objects)
	if err != nil {
		return nil, err
	}
	full := len(objects) >= q.limit
	objects = objects[:min(len(objects), q.limit)]
	answer := map[string]any{}
	if full {
		answer["next"] = q.next(r, objects[len(objects)-1])
	}
	if q.fields != nil {
		for i, o := range objects {
			objects[i] = pick(o, q.fields)
		}
	}
	answer[c.name] = objects
	return answer, nil
}

func pick(o object, fields []string) object {
	out := object{}
	for _, f := range fields {
		if v, ok := o[f]; ok {
			out[f] = v
		}
	}
	return out
}

// after drops the items up to the marker.
func (q *listQuery) after(c collection, objects []object) ([]object, error) {
	if q.marker == "" {
		return objects, nil
	}
	for i, o := range objects {
		if o["id"] == q.marker {
			return objects[i+1:], nil
		}
	}
	return nil, fault.New(fault.NotFound, "The marker %s is not in the list of %s", q.marker, c.name)
}

func (q *listQuery) matches(o object) bool {
	for _, f := range q.filters {
		if !f.matches(o[f.column]) {
			return false
		}
	}
	return true
}

func (f filter) matches(v any) bool {
	if list, ok := v.([]any); ok {
		return f.matchesTags(list)
	}
	text := plain(v)
	switch f.op {
	case "neq":
		return text != f.value
	case "gt":
		return text > f.value
	case "gte":
		return text >= f.value
	case "lt":
		return text < f.value
	case "lte":
		return text <= f.value
	case "in":
		return slices.Contains(splitList(f.value), text)
	case "nin":
		return !slices.Contains(splitList(f.value), text)
	case "has":
		return strings.Contains(text, f.value)
	default:
		return text == f.value
	}
}

// matchesTags: all of the tags that the filter names must be there.
func (f filter) matchesTags(list []any) bool {
	for _, want := range splitList(f.value) {
		if !slices.Contains(list, any(want)) {
			return false
		}
	}
	return true
}

// plain is a field's value as text, as filters compare it.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	default:
		return fmt.Sprint(v)
	}
}

func (q *listQuery) compare(a, b object) int {
	for i, k := range q.sortKeys {
		c := strings.Compare(plain(a[k]), plain(b[k]))
		if q.sortDesc[i] {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// next is the address of the following page, in the form that Mistral gives it.
func (q *listQuery) next(r *http.Request, last object) string {
	var dirs []string
	for _, desc := range q.sortDesc {
		dirs = append(dirs, map[bool]string{false: "asc", true: "desc"}[desc])
	}
	parts := []string{"sort_keys=" + strings.Join(q.sortKeys, ","), "sort_dirs=" + strings.Join(dirs, ",")}
	for _, f := range q.filters {
		v := url.QueryEscape(f.value)
		if f.op != "eq" {
			v = f.op + ":" + v
		}
		parts = append(parts, f.column+"="+v)
	}
	for _, name := range sortedKeys(q.flags) {
		parts = append(parts, name+"="+strconv.FormatBool(q.flags[name]))
	}
	parts = append(parts, "limit="+strconv.Itoa(q.limit), "marker="+url.QueryEscape(plain(last["id"])))
	if q.fields != nil {
		parts = append(parts, "fields="+strings.Join(q.fields, ","))
	}
	return baseURL(r) + r.URL.Path + "?" + strings.Join(parts, "&")
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
