package sqlstore

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cierzo/persistence"
	"cierzo/workflow"
)

// statements are all that a database of the dialect can get, by a name, but the migrations.
func (d dialect) statements() map[string]string {
	out := map[string]string{}
	for kind, list := range map[string][]string{"first": d.firstStatements(), "read": d.reads(), "write": d.writes(), "list": d.listStatements()} {
		for i, text := range list {
			out[fmt.Sprintf("%s-%03d", kind, i)] = d.text(text)
		}
	}
	return out
}

// listStatements are all shapes of the statements that are built.
func (d dialect) listStatements() []string {
	var out []string
	for bits := range 1 << 8 {
		var q persistence.ExecutionsQuery
		for i, set := range []func(){
			func() { q.ProjectID = "p" },
			func() { q.WorkflowName = "w" },
			func() { q.States = []workflow.State{workflow.Error, workflow.Success} },
			func() { q.RootID = "r" },
			func() { q.ParentTask = "t" },
			func() { q.RootsOnly = true },
			func() { q.States = persistence.LiveStates() },
			func() { q.Before = &persistence.PageKey{CreatedAt: time.Unix(1, 0), ID: "i"} },
		} {
			if bits&(1<<i) != 0 {
				set()
			}
		}
		text, _ := executionsStatement(d, q)
		out = append(out, text)
	}
	return slices.Concat(out, d.pageStatements(), resourceStatements())
}

// pageStatements are all shapes of pageStatement.
func (d dialect) pageStatements() []string {
	var out []string
	seen := map[string]bool{}
	for _, p := range []paged{d.executionPage(), d.taskPage(), d.actionPage()} {
		for bits := range 1 << 11 {
			var q persistence.PageQuery
			for i, set := range []func(){
				func() { q.ProjectID = "p" },
				func() { q.ID = "e" },
				func() { q.WorkflowName = "w" },
				func() { q.NotWorkflow, q.Since, q.Until = "n", time.Unix(1, 0), time.Unix(2, 0) },
				func() { q.States = []workflow.State{workflow.Error, workflow.Success} },
				func() { q.States = []workflow.State{workflow.Running} },
				func() { q.States = []workflow.State{workflow.Error} },
				func() { q.RootID, q.ParentTask = "r", "t" },
				func() { q.RootsOnly = true },
				func() { q.Descending = true },
				func() { q.After = &persistence.PageMark{CreatedAt: time.Unix(1, 0), ID: "i", Seq: 1} },
			} {
				if bits&(1<<i) != 0 {
					set()
				}
			}
			text, _ := d.pageStatement(p, q)
			if !seen[text] {
				seen[text] = true
				out = append(out, text)
			}
		}
	}
	return out
}

// resourceStatements are all shapes of resourcesStatement.
func resourceStatements() []string {
	var out []string
	for bits := range 1 << 5 {
		q := persistence.ResourcesQuery{Kind: persistence.CronTriggerResource}
		for i, set := range []func(){
			func() { q.ProjectID = "p" },
			func() { q.OrPublic = true },
			func() { q.Namespace = "n" },
			func() { q.Ref = "r" },
			func() { q.After = &persistence.ResourceMark{CreatedAt: time.Unix(1, 0), ID: "i"} },
		} {
			if bits&(1<<i) != 0 {
				set()
			}
		}
		text, _ := resourcesStatement(q)
		out = append(out, text)
	}
	return out
}

// TestDumpStatements writes what the servers get into the folder CIERZO_SQL_DUMP, for `make sql-syntax`.
func TestDumpStatements(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("CIERZO_SQL_DUMP")
	if folder == "" {
		folder = t.TempDir()
	}
	count := 0
	for _, d := range []dialect{cockroach(), postgres()} {
		texts, err := d.migrationTexts()
		if err != nil {
			t.Fatal(err)
		}
		all := d.statements()
		for i, text := range texts {
			all[fmt.Sprintf("migration-%04d", i+1)] = strings.ReplaceAll(text, ` COLLATE "C"`, "") // no collation of CockroachDB
		}
		count += len(all)
		for name, text := range all {
			if strings.ContainsAny(text, "{}") {
				t.Errorf("%s: something isn't replaced in %s", name, text)
			}
			if err := os.WriteFile(filepath.Join(folder, d.name+"-"+name+".sql"), []byte(text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.sql"))
	if err != nil || len(files) != count {
		t.Errorf("%d files of %d statements and migrations, %v", len(files), count, err)
	}
}

// TestSchemasAreTheSame: but for what only one of the servers knows, their migrations are the same.
func TestSchemasAreTheSame(t *testing.T) {
	t.Parallel()
	own := regexp.MustCompile(`(?m) COLLATE "C"| WITH \(fillfactor = \d+\)|^--.*\n|^(CREATE|DROP) TYPE [^;]*;\n|^SELECT 1;\n`)
	var plain [2][]string
	for i, d := range []dialect{cockroach(), postgres()} {
		texts, err := d.migrationTexts()
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			plain[i] = append(plain[i], statementsOf(own.ReplaceAllString(text, ""))...)
		}
	}
	if diff := cmp.Diff(plain[0], plain[1]); diff != "" {
		t.Errorf("CockroachDB's schema and PostgreSQL's (-cockroach +postgres):\n%s", diff)
	}
}

// verb is how a statement begins, in the capitals that ours have.
var verb = regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|WITH|UPSERT|TRUNCATE)\s`)

// TestEveryStatementIsListed reads the package's source: a statement that isn't in the lists of statements.go would not be
// prepared, and not be seen by CockroachDB's parser.
func TestEveryStatementIsListed(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for _, d := range []dialect{sqlite(), postgres(), cockroach()} {
		for _, text := range slices.Concat(d.firstStatements(), d.reads(), d.writes()) {
			listed[text] = true
		}
	}
	source := readSource(t)
	found := 0
	for name, expr := range source.constants {
		text := source.text(t, expr)
		if !verb.MatchString(text) || source.pieces[name] {
			continue
		}
		found++
		if !listed[text] {
			t.Errorf("the constant %s is in no list of statements.go:\n%s", name, text)
		}
	}
	if found != len(listed) {
		t.Errorf("%d constants hold a statement, %d statements are listed", found, len(listed))
	}
	for _, where := range source.loose {
		t.Errorf("%s: a statement that is no constant", where)
	}
}

// source is what the package's files say about texts.
type source struct {
	constants map[string]ast.Expr
	pieces    map[string]bool // constants that others are made of
	loose     []string        // places of literals that begin like a statement, outside of constants
}

func readSource(t *testing.T) *source {
	t.Helper()
	s := &source{constants: map[string]ast.Expr{}, pieces: map[string]bool{}}
	set := token.NewFileSet()
	names, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if d, ok := decl.(*ast.GenDecl); ok && d.Tok == token.CONST {
				s.addConstants(d)
				continue
			}
			if f, ok := decl.(*ast.FuncDecl); ok && slices.Contains([]string{"executionsStatement", "pageStatement", "resourcesStatement", "wholeText"}, f.Name.Name) {
				continue
			}
			s.addLoose(set, decl)
		}
	}
	return s
}

func (s *source) addConstants(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		v := spec.(*ast.ValueSpec)
		for i, name := range v.Names {
			if i >= len(v.Values) {
				continue
			}
			s.constants[name.Name] = v.Values[i]
			ast.Inspect(v.Values[i], func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					s.pieces[id.Name] = true
				}
				return true
			})
		}
	}
}

func (s *source) addLoose(set *token.FileSet, decl ast.Decl) {
	ast.Inspect(decl, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil && verb.MatchString(text) {
				s.loose = append(s.loose, set.Position(lit.Pos()).String())
			}
		}
		return true
	})
}

// text evaluates a constant; "" for what is no text.
func (s *source) text(t *testing.T, expr ast.Expr) string {
	t.Helper()
	switch e := expr.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			text, err := strconv.Unquote(e.Value)
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return s.text(t, e.X) + s.text(t, e.Y)
		}
	case *ast.Ident:
		if value, ok := s.constants[e.Name]; ok {
			return s.text(t, value)
		}
	}
	return ""
}
