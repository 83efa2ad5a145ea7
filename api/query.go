package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"cierzo/api/apitype"
	"cierzo/expr/value"
	"cierzo/fault"
)

// The limits of a list.
const (
	// pageMax is Mistral's own limit of a page.
	pageMax = 1000
	// listMax bounds the items that a list which has to be sorted or filtered here may look at.
	listMax = 10_000
	// scanMax bounds the rows that one request looks at for a page of what is stored in order; the next page goes on there.
	scanMax = 20_000
	// valuesMax bounds the values of an "in:" or "nin:".
	valuesMax = 1000
)

// listQuery is what the query string of a list asks for.
type listQuery struct {
	filters  []filter
	fields   []string // nil: all
	limit    int
	marker   string
	sortKeys []string
	sortDesc []bool
	nulls    []string        // columns that must be null
	flags    map[string]bool // the boolean parameters of the collection that were given
	withheld []string        // columns that filter and aren't shown
}

// filter is a condition on one column.
type filter struct {
	column string
	op     string
	value  string
	json   value.Value // what value stands for, of a column that is JSON; nil: of another
}

// collection says what a list takes: the columns to filter by and boolean parameters of its own.
type collection struct {
	name    string // of the list in the answer
	columns []string
	hidden  []string // columns that only filter
	shown   []string // columns that are only shown: fields can name them
	json    []string // columns that are JSON inside a string: filters compare values
	large   []string // columns that a list shows only when it is asked to
	flags   []string
	nulls   bool   // takes the parameter nulls
	sortBy  string // default key
}

// parseQuery reads the query string.
func parseQuery(r *http.Request) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fault.New(fault.Invalid, "The query string is malformed: %v", err)
	}
	for name, values := range q {
		for _, v := range values {
			if !utf8.ValidString(v) || !utf8.ValidString(name) || strings.ContainsRune(v, 0) || strings.ContainsRune(name, 0) {
				return nil, fault.New(fault.Invalid, "Invalid input for field/attribute %s. It is no text", clipText(strings.ToValidUTF8(name, "?")))
			}
		}
	}
	return q, nil
}

// knownOnly refuses parameters that an endpoint which is no list doesn't know.
func knownOnly(q url.Values, known ...string) error {
	for _, name := range sortedKeys(q) {
		if !slices.Contains(known, name) {
			return fault.New(fault.Invalid, "Unknown argument: %q", clipText(name))
		}
	}
	return nil
}

// read parses the query string. Everything that isn't known is refused with the parameter's name.
func (c collection) read(r *http.Request) (*listQuery, error) {
	q, err := parseQuery(r)
	if err != nil {
		return nil, err
	}
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
		case name == "nulls" && c.nulls:
			out.nulls, err = c.parseNulls(v)
		case name == "all_projects" || slices.Contains(c.flags, name):
			out.flags[name], err = parseBool(name, v)
		case slices.Contains(c.columns, name) || slices.Contains(c.hidden, name):
			for _, v := range q[name] {
				f := parseFilter(name, v)
				if err == nil {
					err = c.check(f)
				}
				if slices.Contains(c.json, name) {
					f.json, _ = value.ParseJSON([]byte(f.value)) // checked where the operator compares values
				}
				out.filters = append(out.filters, f)
			}
		default:
			err = fault.New(fault.Invalid, "Unknown argument: %q", clipText(name))
		}
		if err != nil {
			return nil, err
		}
	}
	for _, name := range c.large {
		if !slices.Contains(out.fields, name) && (name != "output" || !out.flags["include_output"]) {
			out.withheld = append(out.withheld, name)
		}
	}
	return out, c.completeSort(out)
}

// uses reports whether the list is filtered by a column or shows it by name.
func (q *listQuery) uses(column string) bool {
	return slices.Contains(q.fields, column) || slices.ContainsFunc(q.filters, func(f filter) bool { return f.column == column })
}

// check refuses a filter whose value isn't of the column's type. A state that doesn't exist is one that nothing is in, as in Mistral.
func (c collection) check(f filter) error {
	values := []string{f.value}
	if f.op == "in" || f.op == "nin" {
		if values = splitList(f.value); len(values) > valuesMax {
			return fault.New(fault.Invalid, "Invalid input for field/attribute %s. More than %d values", f.column, valuesMax)
		}
	}
	if f.op == "has" {
		return nil
	}
	for _, v := range values {
		if err := c.checkValue(f, v); err != nil {
			return err
		}
	}
	return nil
}

func (c collection) checkValue(f filter, v string) (err error) {
	switch {
	case isTimeColumn(f.column) && !isTime(v):
		return fault.New(fault.Invalid, "Invalid input for field/attribute %s. Value: '%s'. Value should be a time such as 2026-01-31 13:45:00", f.column, clipText(v))
	case slices.Contains([]string{"accepted", "processed", "is_system"}, f.column):
		_, err = parseBool(f.column, v)
	case slices.Contains([]string{"remaining_executions", "version"}, f.column):
		_, err = parseInt(f.column, v)
	case slices.Contains([]string{"workflow_id", "task_execution_id"}, f.column) && !isUUID(v):
		return notUUID(f.column, v)
	case slices.Contains(c.json, f.column) && slices.Contains([]string{"eq", "neq"}, f.op):
		if _, parseErr := value.ParseJSON([]byte(v)); parseErr != nil {
			return fault.New(fault.Invalid, "Invalid input for field/attribute %s. Value: '%s'. It is not valid JSON: %v", f.column, clipText(v), parseErr)
		}
	}
	return err
}

// notUUID refuses an id that is none, in Mistral's words.
func notUUID(name, v string) error {
	return fault.New(fault.Invalid, "Invalid input for field/attribute %s. Value: '%s'. Expected a uuid but received %s.", name, clipText(v), clipText(v))
}

func isTimeColumn(column string) bool {
	return strings.HasSuffix(column, "_at") || strings.HasSuffix(column, "_execution_time")
}

// isTime reports whether v is a time as the API writes it, or the beginning of one.
func isTime(v string) bool {
	for _, layout := range []string{apitype.TimeFormat, "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if _, err := time.Parse(layout, v); err == nil {
			return true
		}
	}
	return false
}

func (c collection) completeSort(q *listQuery) error {
	if len(q.sortKeys) == 0 {
		q.sortKeys = []string{c.sortBy}
	}
	for _, k := range q.sortKeys {
		if k != "id" && !slices.Contains(c.columns, k) {
			return fault.New(fault.Invalid, "Sort key supplied is invalid: %s", clipText(k))
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
		if f != "id" && !slices.Contains(c.columns, f) && !slices.Contains(c.shown, f) {
			unknown = append(unknown, clipText(f))
		}
	}
	if len(unknown) > 0 {
		return nil, fault.New(fault.Invalid, "Some fields do not exist  [%s], please choose from [%s]", strings.Join(unknown[:min(len(unknown), 10)], ", "), strings.Join(c.columns, ", "))
	}
	if len(fields) > 0 && !slices.Contains(fields, "id") {
		fields = append([]string{"id"}, fields...)
	}
	return fields, nil
}

func (c collection) parseNulls(v string) ([]string, error) {
	columns := splitList(v)
	for _, name := range columns {
		if !slices.Contains(c.columns, name) {
			return nil, fault.New(fault.Invalid, "Invalid input for field/attribute nulls. Value: '%s'. There is no column of the name", clipText(name))
		}
	}
	return columns, nil
}

func parseLimit(v string) (int, error) {
	n, err := parseInt("limit", v)
	if err != nil {
		return 0, err
	}
	if n <= 0 {
		return 0, fault.New(fault.Invalid, "Limit must be positive.")
	}
	return min(n, pageMax), nil
}

func parseInt(name, v string) (int, error) {
	n, err := strconv.Atoi(v)
	if err != nil {
		return 0, fault.New(fault.Invalid, "Invalid input for field/attribute %s. Value: '%s'. unable to convert to int. Error: invalid literal for int() with base 10: '%s'", name, clipText(v), clipText(v))
	}
	return n, nil
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
	return false, fault.New(fault.Invalid, "Invalid input for field/attribute %s. Value: '%s'. Value should be a boolean.", name, clipText(v))
}

// flag reads a boolean parameter; absent or empty is def.
func flag(q url.Values, name string, def bool) (bool, error) {
	if v := q.Get(name); v != "" {
		return parseBool(name, v)
	}
	return def, nil
}

// parseFilter reads "op:value"; a prefix that is no operator belongs to the value.
func parseFilter(column, v string) filter {
	op, rest, ok := strings.Cut(v, ":")
	if ok && slices.Contains([]string{"eq", "neq", "gt", "gte", "lt", "lte", "in", "nin", "has"}, op) {
		return filter{column: column, op: op, value: rest}
	}
	return filter{column: column, op: "eq", value: v}
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

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
