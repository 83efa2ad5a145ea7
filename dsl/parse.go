package dsl

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"cierzo/dsl/yaml"
	"cierzo/expr"
	"cierzo/expr/value"
)

// The limits of a document, beyond those of package yaml.
const (
	WorkflowsMax = 1000   // members of a list or workbook
	FindingsMax  = 1000   // errors, and as many warnings; of more it is only said how many
	TasksMax     = 10_000 // of a workflow
	nameMax      = 255    // characters of a task's name; Mistral's database has it
	joinNameMax  = 208    // of a join task's
)

// ParseWorkflows reads a workflow list. The workflows are nil when there is an error among the diagnostics.
func ParseWorkflows(file string, src []byte) ([]*Workflow, Diagnostics) {
	r, root := newReader(file, src)
	if root == nil {
		return nil, r.diags
	}
	return done(r, r.workflows(root))
}

// ParseActions reads a list of ad-hoc actions.
func ParseActions(file string, src []byte) ([]*Action, Diagnostics) {
	r, root := newReader(file, src)
	if root == nil {
		return nil, r.diags
	}
	return done(r, r.actions(root))
}

// ParseWorkbook reads a workbook.
func ParseWorkbook(file string, src []byte) (*Workbook, Diagnostics) {
	r, root := newReader(file, src)
	if root == nil {
		return nil, r.diags
	}
	return done(r, r.workbook(root))
}

// Parse reads a document of any of the three kinds. A text `name` besides workflows or actions makes a workbook; else a
// member with a base and no tasks makes a list of actions; everything else is a list of workflows.
func Parse(file string, src []byte) (*Document, Diagnostics) {
	r, root := newReader(file, src)
	if root == nil {
		return nil, r.diags
	}
	return done(r, r.document(root))
}

// Draft is Parse for those who look for more problems in a document that has errors: what can be made out of it, never nil.
// Nothing may run it.
func Draft(file string, src []byte) *Document {
	r, root := newReader(file, src)
	if root == nil {
		return &Document{}
	}
	return r.document(root)
}

func (r *reader) document(root *yaml.Node) *Document {
	doc := &Document{}
	switch kindOf(root) {
	case "workbook":
		doc.Workbook = r.workbook(root)
	case "actions":
		doc.Actions = r.actions(root)
	default:
		doc.Workflows = r.workflows(root)
	}
	return doc
}

func kindOf(root *yaml.Node) string {
	if name := root.Field("name"); name != nil && name.Value.Kind() != value.KindDict && (root.Field("workflows") != nil || root.Field("actions") != nil) {
		return "workbook"
	}
	for _, e := range root.Entries {
		if e.Node.Field("tasks") != nil {
			return "workflows"
		}
	}
	for _, e := range root.Entries {
		if e.Node.Field("base") != nil {
			return "actions"
		}
	}
	return "workflows"
}

func done[T any](r *reader, v T) (T, Diagnostics) {
	slices.SortStableFunc(r.diags, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col))
	})
	for severity, n := range r.omitted {
		if n > 0 {
			text := fmt.Sprintf("there are %d more of this kind, which are not shown", n)
			r.diags = append(r.diags, Diagnostic{Severity: Severity(severity), File: r.file, Code: "more", Message: text, order: len(r.diags)})
		}
	}
	for _, d := range r.diags {
		if d.Severity == SeverityError {
			var none T
			return none, r.diags
		}
	}
	return v, r.diags
}

// reader collects what is wrong with one document. It reads pieces in the order in which Mistral does, so that the first
// error is Mistral's.
type reader struct {
	file    string
	lines   []string // diagnostics share them
	grammar *grammar
	diags   Diagnostics
	errors  int
	omitted [SeverityWarning + 1]int // diagnostics beyond the limit
	kept    [SeverityWarning + 1]int

	comparisons int      // characters of names that were compared for hints
	functions   []string // names of YAQL's functions and methods, once one was missed
}

func newReader(file string, src []byte) (*reader, *yaml.Node) {
	r := &reader{file: file, grammar: newGrammar()}
	n, err := yaml.Parse(src)
	if len(src) <= yaml.SizeMax {
		r.lines = yaml.Lines(strings.TrimPrefix(string(src), "\uFEFF"))
	}
	if err != nil {
		pos, brief := Pos{}, err.Error()
		if bad := (*yaml.Error)(nil); errors.As(err, &bad) {
			pos, brief = Pos{bad.Line, bad.Col}, bad.Brief()
			if bad.ContextLine > 0 && strings.Contains(bad.Problem, "end of stream") { // the end says nothing
				pos = Pos{bad.ContextLine, bad.ContextCol}
			}
		}
		d := r.add(SeverityError, pos, 0, "", "yaml", yamlHint(brief), "Definition could not be parsed: "+brief)
		d.mistral = "Definition could not be parsed: " + err.Error() + "\n"
		return r, nil
	}
	if !value.Truthy(n.Value) { // Mistral takes all of these for an empty document
		n = &yaml.Node{Value: value.NewDict(0), Line: n.Line, Col: n.Col}
	}
	r.duplicates(n)
	return r, n
}

// yamlHint says what is behind the usual errors of a scanner.
func yamlHint(problem string) string {
	switch {
	case strings.Contains(problem, `'\t'`):
		return "indent with blanks, not with tabs"
	case strings.Contains(problem, "mapping values are not allowed here"):
		return "put a text that contains \": \" into quotes; or is a colon missing in the line above?"
	case strings.Contains(problem, "quoted scalar: found unexpected end of stream"):
		return "close the quote that is opened here"
	case strings.Contains(problem, "expected <block end>"):
		return "is the line indented as those that it belongs to, and is each quote closed?"
	case strings.Contains(problem, "could not find expected ':'"):
		return "write a \": \" behind the key, and close each quote"
	case strings.Contains(problem, "'@'") || strings.Contains(problem, "'%'") || strings.Contains(problem, "'`'"):
		return "put the text into quotes"
	}
	return ""
}

// duplicates warns of keys that are there twice.
func (r *reader) duplicates(n *yaml.Node) {
	for _, e := range n.Shadowed {
		r.warn(e.Key, "", "duplicate-key", "remove one of them", "the key %s is there more than once: the last one counts", value.Repr(e.Key.Value))
	}
	for _, e := range n.Entries {
		r.duplicates(e.Node)
	}
	for _, item := range n.Items {
		r.duplicates(item)
	}
}

func (r *reader) add(sev Severity, pos Pos, endCol int, path, code, hint, msg string) *Diagnostic {
	if sev == SeverityError {
		r.errors++
	}
	if r.kept[sev] == FindingsMax {
		r.omitted[sev]++
		return &Diagnostic{}
	}
	r.kept[sev]++
	d := Diagnostic{Severity: sev, File: r.file, Pos: pos, End: endCol, Path: path, Code: code, Message: msg, Hint: hint, order: len(r.diags)}
	if pos.Line >= 1 && pos.Line <= len(r.lines) {
		d.Line = r.lines[pos.Line-1]
	}
	r.diags = append(r.diags, d)
	return &r.diags[len(r.diags)-1]
}

func at(n *yaml.Node) Pos { return Pos{n.Line, n.Col} }

func endOf(n *yaml.Node) int {
	if n.EndLine == n.Line {
		return n.EndCol
	}
	return 0
}

func (r *reader) fail(n *yaml.Node, path, code, hint, format string, args ...any) *Diagnostic {
	return r.add(SeverityError, at(n), endOf(n), path, code, hint, fmt.Sprintf(format, args...))
}

func (r *reader) warn(n *yaml.Node, path, code, hint, format string, args ...any) {
	r.add(SeverityWarning, at(n), endOf(n), path, code, hint, fmt.Sprintf(format, args...))
}

// check reports what a schema says of a piece. injected is the piece with the keys that Mistral adds, which are named.
func (r *reader) check(s *schema, n *yaml.Node, injected value.Value, path string, names ...string) bool {
	violations := s.check(n, injected, names...)
	if len(violations) == 0 {
		return true
	}
	first := best(violations)
	r.violation(first, path)
	for _, v := range violations {
		v = v.inner()
		if v.node != first.node || v.rule != first.rule || v.text() != first.text() {
			r.violation(v, path)
		}
	}
	return false
}

func (r *reader) violation(v violation, path string) {
	path = strings.Trim(path+"."+strings.Join(v.trail, "."), ".")
	const prefix = "Invalid DSL: "
	if v.extras == nil {
		place, hint := r.misspelt(v, path)
		if hint == "" {
			place, hint = v.node, r.hint(v, path)
		}
		r.fail(place, path, v.rule, hint, "%s%s", prefix, v.text())
		return
	}
	for i, e := range v.extras {
		hint := r.didYouMean(textOf(e.Key), v.known)
		if hint == "" {
			hint = attributeHint(textOf(e.Key), v.known)
		}
		d := r.fail(e.Key, path, "unknown-attribute", hint, "%sAdditional properties are not allowed (%s was unexpected)", prefix, value.Repr(e.Key.Value))
		if i == 0 {
			d.mistral = prefix + v.text()
		}
	}
}

func textOf(n *yaml.Node) string {
	if s, ok := n.Value.(value.String); ok {
		return string(s)
	}
	return value.Str(n.Value)
}

// stringOf is the text of a node; "" when it is none.
func stringOf(n *yaml.Node) string {
	if n == nil {
		return ""
	}
	s, _ := n.Value.(value.String)
	return string(s)
}

// stringsOf are the texts of a list, or one text.
func stringsOf(n *yaml.Node) []string {
	if n == nil {
		return nil
	}
	if s := stringOf(n); s != "" {
		return []string{s}
	}
	var out []string
	for _, item := range n.Items {
		out = append(out, stringOf(item))
	}
	return out
}

// expressions checks the text itself, or the texts directly in a list or mapping, as Mistral does. What lies deeper
// fails only when it is evaluated, and gets a warning.
func (r *reader) expressions(n *yaml.Node, path string) {
	if n == nil {
		return
	}
	r.expression(n, path, true)
	r.eachBelow(n, path, func(sub *yaml.Node, path string) {
		r.expression(sub, path, true)
		r.eachBelow(sub, path, r.deepExpressions)
	})
}

// deepExpressions warns of expressions that nobody checks before they are evaluated.
func (r *reader) deepExpressions(n *yaml.Node, path string) {
	r.expression(n, path, false)
	r.eachBelow(n, path, r.deepExpressions)
}

func (r *reader) eachBelow(n *yaml.Node, path string, do func(*yaml.Node, string)) {
	for _, e := range n.Entries {
		do(e.Node, path+"."+textOf(e.Key))
	}
	for i, item := range n.Items {
		do(item, fmt.Sprintf("%s.%d", path, i))
	}
}

func (r *reader) expression(n *yaml.Node, path string, checked bool) {
	s, ok := n.Value.(value.String)
	if !ok {
		return
	}
	text := string(s)
	t, err := expr.Parse(text)
	switch {
	case err != nil && checked:
		r.fail(r.within(n, err), path, "expression", "", "%v", err)
	case err != nil:
		r.warn(r.within(n, err), path, "unchecked-expression", "", "this will fail when it is evaluated: %v", err)
	default:
		r.unclosed(n, path, text)
		r.unknownFunctions(n, path, t)
	}
}

// unknownFunctions warns of calls that will fail when they are evaluated; Mistral accepts them.
func (r *reader) unknownFunctions(n *yaml.Node, path string, t *expr.Template) {
	for _, u := range t.Unknown() {
		if r.functions == nil {
			r.functions = yaqlNames()
		}
		place := r.within(n, &expr.SyntaxError{Offset: u.Offset})
		hint := r.didYouMean(u.Name, r.functions)
		d := r.add(SeverityWarning, at(place), 0, path, "unknown-function", hint, fmt.Sprintf("there is no function %s(): this will fail when it is evaluated", u.Name))
		if place != n {
			d.End = place.Col + utf8.RuneCountInString(u.Name)
		}
	}
}

// yaqlNames are the names of YAQL's functions and methods.
func yaqlNames() []string {
	var names []string
	for _, f := range expr.Catalogue(true) {
		if f.Lang == "yaql" {
			names = append(names, f.Name)
		}
	}
	return slices.Compact(names)
}

// The texts in which within looks for a place: those of all findings of a document take no time that one notices.
const (
	withinLinesMax = 1000   // of a node
	withinBytesMax = 10_000 // of a line
)

// within is the place in a text where its expression stops to be one. It is the node itself when the place isn't sure, because
// the text is escaped, folded or there twice.
func (r *reader) within(n *yaml.Node, err error) *yaml.Node {
	var bad *expr.SyntaxError
	text := stringOf(n)
	if !errors.As(err, &bad) || bad.Offset > len(text) || n.EndLine-n.Line > withinLinesMax {
		return n
	}
	before := text[strings.LastIndexByte(text[:bad.Offset], '\n')+1 : bad.Offset]
	after, _, _ := strings.Cut(text[bad.Offset:], "\n")
	whole := before + after
	var found *yaml.Node
	for line := n.Line; line >= 1 && line <= min(n.EndLine, len(r.lines)); line++ {
		shown, col := r.lines[line-1], 1
		if len(shown) > withinBytesMax {
			return n
		}
		if line == n.Line {
			shown, col = behind(shown, n.Col-1), n.Col
		}
		i := strings.Index(shown, whole)
		if i < 0 {
			continue
		}
		if found != nil || strings.Contains(shown[i+1:], whole) {
			return n
		}
		col += utf8.RuneCountInString(shown[:i] + before)
		found = &yaml.Node{Line: line, Col: col, EndLine: line, EndCol: col + 1}
	}
	if found == nil {
		return n
	}
	return found
}

// unclosed warns of texts that look like expressions and are none.
func (r *reader) unclosed(n *yaml.Node, path, text string) {
	for _, pair := range [][2]string{{"<%", "%>"}, {"{{", "}}"}} {
		_, behind, found := strings.Cut(text, pair[0])
		if !found {
			continue
		}
		inside, _, closed := strings.Cut(behind, pair[1])
		switch {
		case !closed:
			r.warn(n, path, "unclosed-expression", "close it with "+pair[1], "%s without %s is no expression: it stays as it is", pair[0], pair[1])
		case strings.Contains(inside, "\n"):
			r.warn(n, path, "multiline-expression", "write it on one line, or fold it with >", "an expression of more than one line is none: it stays as it is")
		}
	}
}

// tree compiles a structure whose expressions have been looked at.
func tree(n *yaml.Node) *expr.Tree {
	if n == nil {
		return nil
	}
	return expr.CompileLenient(n.Value)
}

// dict is tree for what has to be a mapping.
func dict(n *yaml.Node) *expr.Tree {
	if n == nil || !isType(n.Value, "object") {
		return nil
	}
	return tree(n)
}

// injected is a definition as written, with the keys that Mistral adds.
func injected(n *yaml.Node, keys ...string) value.Value {
	d, ok := n.Value.(*value.Dict)
	if !ok {
		return n.Value
	}
	d = d.Clone()
	for i := 0; i+1 < len(keys); i += 2 {
		d.SetString(keys[i], value.String(keys[i+1]))
	}
	return d.Freeze()
}
