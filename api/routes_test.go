package api_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cierzo/api"
)

// routesPage has a row for each route.
const routesPage = "../docs/rest.md"

// mistralRoutes is how many pairs of a method and a path are Mistral's.
const mistralRoutes = 75

// row is a row of the page: | `GET /v2/x` | rule | test | difference |.
var row = regexp.MustCompile("^\\| `([A-Z]+) (/[^`]*)` \\| ([^|]*) \\| ([^|]*) \\| ([^|]*) \\|$")

// looksLikeRow finds rows that are meant to be about a route.
var looksLikeRow = regexp.MustCompile("^\\| `[A-Z]+ ")

// TestRoutesAreDocumented walks the router: every route has a row in the page, with its rule and a test that is there, and
// no row is about a route that isn't.
func TestRoutesAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(routesPage)
	if err != nil {
		t.Fatal(err)
	}
	tests := testNames(t)
	rows := map[string][]string{}
	mistral, section := 0, ""
	for line := range strings.SplitSeq(string(page), "\n") {
		if strings.HasPrefix(line, "## ") {
			section = line
		}
		m := row.FindStringSubmatch(line)
		if m == nil {
			if looksLikeRow.MatchString(line) {
				t.Errorf("%s: no row of a route: %s", routesPage, line)
			}
			continue
		}
		route := m[1] + " " + m[2]
		if rows[route] != nil {
			t.Errorf("%s has two rows", route)
		}
		rows[route] = m
		if !strings.Contains(section, "Beyond") {
			mistral++
		}
		for name := range strings.SplitSeq(m[4], ", ") {
			if !slices.Contains(tests, name) {
				t.Errorf("%s: there is no test %q", route, name)
			}
		}
	}
	for _, r := range api.Routes() {
		route := r.Method + " " + strings.TrimSuffix(r.Path, "{$}")
		m := rows[route]
		if m == nil {
			t.Errorf("%s: %s has no row", routesPage, route)
			continue
		}
		delete(rows, route)
		if rule := strings.TrimSpace(m[3]); rule != r.Rule && (rule != "–" || r.Rule != "") {
			t.Errorf("%s: the rule is %q, the page says %q", route, r.Rule, rule)
		}
	}
	for route := range rows {
		t.Errorf("%s: %s is no route", routesPage, route)
	}
	if mistral < mistralRoutes {
		t.Errorf("%d of Mistral's routes, want at least %d", mistral, mistralRoutes)
	}
}

// testNames are the names of this package's tests.
func testNames(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Test") {
				out = append(out, f.Name.Name)
			}
		}
	}
	return out
}

// TestEveryRouteHasARule: what changes something, and all that belongs to a project, is asked about.
func TestEveryRouteHasARule(t *testing.T) {
	t.Parallel()
	open := []string{
		"GET /{$}", "GET /v2", "GET /info", "GET /healthcheck", "GET /metrics", "GET /maintenance", "GET /v2/maintenance",
		"GET /v2/openapi.json", "GET /v2/openapi.yaml", "GET /docs", "GET /docs/{file}",
	}
	for _, r := range api.Routes() {
		route := fmt.Sprint(r.Method, " ", r.Path)
		if free := slices.Contains(open, route); free != (r.Rule == "") {
			t.Errorf("%s has the rule %q", route, r.Rule)
		}
	}
}
