package dsl

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cierzo/dsl/yaml"
	"cierzo/expr"
	"cierzo/expr/value"
)

// reader collects what is wrong with one document.
type reader struct {
	file  string
	lines []string
	diags Diagnostics
}

func newReader(file string, src []byte) (*reader, *yaml.Node) {
	r := &reader{file: file}
	n, err := yaml.Parse(src)
	if err != nil {
		var bad *yaml.Error
		pos := Pos{}
		if errors.As(err, &bad) {
			pos = Pos{bad.Line, bad.Col}
		}
		r.lines = strings.Split(string(src[:min(len(src), yaml.SizeMax)]), "\n")
		r.fail(pos, "", "yaml", "", "Definition could not be parsed: %v", err)
		return r, nil
	}
	r.lines = strings.Split(string(src), "\n")
	return r, n
}

func (r *reader) fail(pos Pos, path, code, hint, format string, args ...any) {
	r.report(SeverityError, pos, path, code, hint, fmt.Sprintf(format, args...))
}

func (r *reader) report(sev Severity, pos Pos, path, code, hint, msg string) {
	d := Diagnostic{Severity: sev, File: r.file, Pos: pos, Path: path, Code: code, Message: msg, Hint: hint}
	if pos.Line >= 1 && pos.Line <= len(r.lines) {
		d.Line = r.lines[pos.Line-1]
	}
	r.diags = append(r.diags, d)
}

func at(n *yaml.Node) Pos { return Pos{n.Line, n.Col} }

// ParseWorkflows reads a workflow list. The workflows are nil when there is an error among the diagnostics.
func ParseWorkflows(file string, src []byte) ([]*Workflow, Diagnostics) {
	r, root := newReader(file, src)
	if root == nil {
		return nil, r.diags
	}
	var out []*Workflow
	for _, e := range r.list(root) {
		if w := r.workflow(textOf(e.Key), e.Node, textOf(e.Key)); w != nil {
			out = append(out, w)
		}
	}
	return done(r, out)
}

// ParseActions reads a list of ad-hoc actions.
func ParseActions(file string, src []byte) ([]*Action, Diagnostics) {
	r, root := newReader(file, src)
	if root == nil {
		return nil, r.diags
	}
	var out []*Action
	for _, e := range r.list(root) {
		if a := r.action(textOf(e.Key), e.Node, textOf(e.Key)); a != nil {
			out = append(out, a)
		}
	}
	return done(r, out)
}

// ParseWorkbook reads a workbook.
func ParseWorkbook(file string, src []byte) (*Workbook, Diagnostics) {
	r, root := newReader(file, src)
	if root == nil {
		return nil, r.diags
	}
	return done(r, r.workbook(root))
}

func done[T any](r *reader, v T) (T, Diagnostics) {
	slices.SortStableFunc(r.diags, func(a, b Diagnostic) int {
		if a.Pos.Line != b.Pos.Line {
			return a.Pos.Line - b.Pos.Line
		}
		return a.Pos.Col - b.Pos.Col
	})
	if len(r.diags.Errors()) > 0 {
		var none T
		return none, r.diags
	}
	return v, r.diags
}

// Parse reads a document of any of the three kinds: a workbook has a name, a workflow has tasks, an action has a base.
func Parse(file string, src []byte) (*Document, Diagnostics) {
	r, root := newReader(file, src)
	if root == nil {
		return nil, r.diags
	}
	if name := field(root, "name"); name != nil && name.Entries == nil && (field(root, "workflows") != nil || field(root, "actions") != nil) {
		wb, diags := ParseWorkbook(file, src)
		return &Document{Workbook: wb}, diags
	}
	for _, e := range root.Entries {
		if field(e.Node, "base") != nil && field(e.Node, "tasks") == nil {
			as, diags := ParseActions(file, src)
			return &Document{Actions: as}, diags
		}
	}
	ws, diags := ParseWorkflows(file, src)
	return &Document{Workflows: ws}, diags
}

// list gives the members of a list document: all keys but the version.
func (r *reader) list(root *yaml.Node) []yaml.Entry {
	if root.Entries == nil {
		r.fail(at(root), "", "version", "write version: '2.0' at the top", "Invalid DSL: 'version' is a required property")
		return nil
	}
	if field(root, "version") == nil {
		r.fail(at(root), "", "version", "write version: '2.0' at the top", "Invalid DSL: 'version' is a required property")
	}
	var out []yaml.Entry
	for _, e := range root.Entries {
		if textOf(e.Key) != "version" {
			out = append(out, e)
		}
	}
	if len(out) == 0 {
		r.fail(at(root), "", "empty", "", "At least one item must be in the list [data=%s].", value.Repr(root.Value))
	}
	return out
}

func textOf(n *yaml.Node) string { return value.Str(n.Value) }

// field is the value of a key of a mapping; nil when it isn't there.
func field(n *yaml.Node, name string) *yaml.Node {
	for _, e := range n.Entries {
		if s, ok := e.Key.Value.(value.String); ok && string(s) == name {
			return e.Node
		}
	}
	return nil
}

// known refuses keys that aren't in the list.
func (r *reader) known(n *yaml.Node, path string, names ...string) {
	for _, e := range n.Entries {
		if k := textOf(e.Key); !slices.Contains(names, k) {
			r.fail(at(e.Key), path, "unknown-attribute", didYouMean(k, names),
				"Invalid DSL: Additional properties are not allowed (%s was unexpected)", value.Repr(value.String(k)))
		}
	}
}

// mapping refuses what isn't a mapping with at least one key.
func (r *reader) mapping(n *yaml.Node, path string) bool {
	if d, ok := n.Value.(*value.Dict); ok {
		if d.Len() > 0 {
			return true
		}
		r.fail(at(n), path, "empty", "", "Invalid DSL: {} does not have enough properties")
		return false
	}
	r.fail(at(n), path, "type", "", "Invalid DSL: %s is not of type 'object'", value.Repr(n.Value))
	return false
}

// text reads a text with at least one character.
func (r *reader) text(n *yaml.Node, path string) string {
	if n == nil {
		return ""
	}
	s, ok := n.Value.(value.String)
	if !ok {
		r.fail(at(n), path, "type", "", "Invalid DSL: %s is not of type 'string'", value.Repr(n.Value))
		return ""
	}
	if s == "" {
		r.fail(at(n), path, "empty", "", "Invalid DSL: '' is too short")
	}
	return string(s)
}

// texts reads a list of unique texts.
func (r *reader) texts(n *yaml.Node, path string) []string {
	if n == nil {
		return nil
	}
	if _, ok := n.Value.(*value.List); !ok {
		r.fail(at(n), path, "type", "write a list: [a, b]", "Invalid DSL: %s is not of type 'array'", value.Repr(n.Value))
		return nil
	}
	if len(n.Items) == 0 {
		r.fail(at(n), path, "empty", "", "Invalid DSL: [] is too short")
	}
	var out []string
	for _, item := range n.Items {
		s := r.text(item, path)
		if slices.Contains(out, s) {
			r.fail(at(item), path, "duplicate", "", "Invalid DSL: %s has non-unique elements", value.Repr(n.Value))
		}
		out = append(out, s)
	}
	return out
}

// tree reads a structure with expressions. Only the text itself, or the texts directly in it, are checked now.
func (r *reader) tree(n *yaml.Node, path string) *expr.Tree {
	if n == nil {
		return nil
	}
	r.checkExpression(n, path)
	for _, e := range n.Entries {
		r.checkExpression(e.Node, path+"."+textOf(e.Key))
	}
	for _, item := range n.Items {
		r.checkExpression(item, path)
	}
	return expr.CompileLenient(n.Value)
}

func (r *reader) checkExpression(n *yaml.Node, path string) {
	s, ok := n.Value.(value.String)
	if !ok {
		return
	}
	if _, err := expr.Parse(string(s)); err != nil {
		r.fail(at(n), path, "expression", "", "%v", err)
	}
}

// dict is tree for what must be a mapping.
func (r *reader) dict(n *yaml.Node, path string) *expr.Tree {
	if n == nil || !r.mapping(n, path) {
		return nil
	}
	return r.tree(n, path)
}

// didYouMean is a hint with the name that was probably meant.
func didYouMean(word string, names []string) string {
	best, distance := "", 1+len(word)/3
	for _, n := range names {
		if d := editDistance(word, n); d <= distance {
			best, distance = n, d-1
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", best)
}

func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			diagonal, row[j] = row[j], min(row[j]+1, row[j-1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
