package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"cierzo/expr/value"
	"cierzo/fault"
)

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

// page filters, sorts and cuts the items, which come in the order of their creation, and makes the answer of a list.
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
	q.sort(objects)
	objects, err := q.after(c, objects)
	if err != nil {
		return nil, err
	}
	next := ""
	if len(objects) >= q.limit {
		objects = objects[:q.limit]
		next = q.next(r, plain(objects[len(objects)-1]["id"]))
	}
	return q.answer(c, objects, next), nil
}

// answer is the body of a list.
func (q *listQuery) answer(c collection, objects []object, next string) map[string]any {
	for i, o := range objects {
		for _, column := range q.withheld {
			delete(o, column)
		}
		if q.fields != nil {
			objects[i] = pick(o, q.fields)
		}
	}
	body := map[string]any{c.name: objects}
	if next != "" {
		body["next"] = next
	}
	return body
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

// someFields applies the parameter `fields` to one item.
func someFields(r *http.Request, c collection, item any) (any, error) {
	list, err := c.parseFields(r.URL.Query().Get("fields"))
	if err != nil || list == nil {
		return item, err
	}
	o, err := objectOf(item)
	if err != nil {
		return nil, err
	}
	return pick(o, list), nil
}

// after drops the items up to the marker, which is an item's id; of actions a name will do, too.
func (q *listQuery) after(c collection, objects []object) ([]object, error) {
	if q.marker == "" {
		return objects, nil
	}
	for i, o := range objects {
		if o["id"] == q.marker || (c.name == "actions" && o["name"] == q.marker) {
			return objects[i+1:], nil
		}
	}
	return nil, noMarker(c, q.marker)
}

// noMarker refuses a marker that isn't in the list. An id that is none has words of its own; of actions, whose ids are names, every
// one may be.
func noMarker(c collection, marker string) error {
	if c.name != "actions" && !isUUID(marker) {
		return notUUID("marker", marker)
	}
	return fault.New(fault.NotFound, "The marker %s is not in the list of %s", clipText(marker), c.name)
}

func (q *listQuery) matches(o object) bool {
	for _, f := range q.filters {
		if !f.matches(o[f.column]) {
			return false
		}
	}
	for _, column := range q.nulls {
		if o[column] != nil {
			return false
		}
	}
	return true
}

// matches compares a field with the filter's value. As in SQL, null matches no condition.
func (f filter) matches(v any) bool {
	if v == nil {
		return false
	}
	if list, ok := v.([]any); ok {
		return f.matchesTags(list)
	}
	switch f.op {
	case "has":
		return strings.Contains(plain(v), f.value)
	case "in", "nin":
		return slices.ContainsFunc(splitList(f.value), func(one string) bool { return f.compare(v, one) == 0 }) == (f.op == "in")
	}
	c := f.compare(v, f.value)
	switch f.op {
	case "neq":
		return c != 0
	case "gt":
		return c > 0
	case "gte":
		return c >= 0
	case "lt":
		return c < 0
	case "lte":
		return c <= 0
	default:
		return c == 0
	}
}

// compare orders a field and a filter's text: numbers by their value, JSON that is to be equal by what it stands for, other
// things by their characters.
func (f filter) compare(v any, with string) int {
	text := plain(v)
	switch {
	case f.json != nil && (f.op == "eq" || f.op == "neq"):
		if has, err := value.ParseJSON([]byte(text)); err == nil && value.Equal(has, f.json) {
			return 0
		}
	case isTimeColumn(f.column):
		with = strings.Replace(with, "T", " ", 1)
	default:
		switch v.(type) {
		case json.Number:
			return compareNumbers(text, with)
		case bool:
			if b, err := parseBool(f.column, with); err == nil {
				with = strconv.FormatBool(b)
			}
		}
	}
	return strings.Compare(text, with)
}

// compareNumbers orders whole numbers; what is none by its characters.
func compareNumbers(a, b string) int {
	x, errX := strconv.ParseInt(a, 10, 64)
	y, errY := strconv.ParseInt(b, 10, 64)
	if errX != nil || errY != nil {
		return strings.Compare(a, b)
	}
	return cmp.Compare(x, y)
}

// matchesTags: all of the tags that the filter names must be there.
func (f filter) matchesTags(list []any) bool {
	for _, want := range splitList(f.value) {
		if slices.Contains(list, any(want)) == (f.op == "nin" || f.op == "neq") {
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

// sort sorts items that come in the order of their creation: it is finer than the whole seconds that they show.
func (q *listQuery) sort(objects []object) {
	if !q.storeOrder() {
		slices.SortStableFunc(objects, q.compare)
	} else if q.sortDesc[0] {
		slices.Reverse(objects)
	}
}

func (q *listQuery) compare(a, b object) int {
	for i, k := range q.sortKeys {
		c := compareFields(a[k], b[k])
		if q.sortDesc[i] {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// compareFields orders two items by a field: numbers by their value; null is before everything.
func compareFields(a, b any) int {
	_, numberA := a.(json.Number)
	_, numberB := b.(json.Number)
	if numberA && numberB {
		return compareNumbers(plain(a), plain(b))
	}
	return strings.Compare(plain(a), plain(b))
}

// next is the address of the page behind the item of an id, in the form that Mistral gives it.
func (q *listQuery) next(r *http.Request, last string) string {
	var dirs []string
	for _, desc := range q.sortDesc {
		dirs = append(dirs, map[bool]string{false: "asc", true: "desc"}[desc])
	}
	parts := []string{"sort_keys=" + strings.Join(q.sortKeys, ","), "sort_dirs=" + strings.Join(dirs, ",")}
	for _, f := range q.filters {
		v := url.QueryEscape(f.value)
		if f.op != "eq" || parseFilter(f.column, f.value).value != f.value {
			v = f.op + ":" + v
		}
		parts = append(parts, f.column+"="+v)
	}
	if len(q.nulls) > 0 {
		parts = append(parts, "nulls="+strings.Join(q.nulls, ","))
	}
	for _, name := range sortedKeys(q.flags) {
		parts = append(parts, name+"="+strconv.FormatBool(q.flags[name]))
	}
	parts = append(parts, "limit="+strconv.Itoa(q.limit), "marker="+url.QueryEscape(last))
	if q.fields != nil {
		parts = append(parts, "fields="+strings.Join(q.fields, ","))
	}
	return baseURL(r) + r.URL.EscapedPath() + "?" + strings.Join(parts, "&")
}
