package jinja

import (
	"go/ast"
	goparser "go/parser"
	gotoken "go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNamesAreThoseOfTheTables reads the tables' own text: what they know is what is listed.
func TestNamesAreThoseOfTheTables(t *testing.T) {
	t.Parallel()
	operators := strings.Fields("== != > >= < <=")
	for _, table := range []struct {
		file, function string
		names          []string
	}{
		{"filters.go", "lookupFilter", filterNames()},
		{"tests.go", "lookupTest", testNames()},
		{"globals.go", "global", globalNames()},
		{"mistral.go", "mistralBuiltin", mistralNames()},
	} {
		file, err := goparser.ParseFile(gotoken.NewFileSet(), table.file, nil, goparser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		var known []string
		for _, d := range file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Name.Name != table.function {
				continue
			}
			ast.Inspect(fn, func(n ast.Node) bool {
				if c, ok := n.(*ast.CaseClause); ok {
					for _, e := range c.List {
						if lit, ok := e.(*ast.BasicLit); ok {
							name, _ := strconv.Unquote(lit.Value)
							known = append(known, name)
						}
					}
				}
				return true
			})
		}
		known = slices.DeleteFunc(known, func(n string) bool { return slices.Contains(operators, n) })
		slices.Sort(known)
		slices.Sort(table.names)
		if diff := cmp.Diff(slices.Compact(known), table.names); diff != "" {
			t.Errorf("%s in %s (-knows, +lists):\n%s", table.function, table.file, diff)
		}
	}
}

// TestFunctionsHaveSignatures looks at some of each kind.
func TestFunctionsHaveSignatures(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, f := range Functions(true) {
		got[f.Kind+" "+f.Name] = f.Signature
	}
	for name, want := range map[string]string{
		"filter default": "default(default_value=…, boolean=…)", "filter upper": "upper", "filter map": "map(*args, **kwargs)", "filter replace": "replace(old, new, count=…)",
		"test divisibleby": "divisibleby(num)", "test defined": "defined", "function range": "range(*args)", "function task": "task(task_name=…)",
		"function json_dump": "json_dump(data)", "function json_pp": "json_pp(data=…)",
	} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
	if slices.ContainsFunc(Functions(false), func(f Function) bool { return f.Name == "json_pp" }) {
		t.Error("json_pp is listed where it isn't known")
	}
}
