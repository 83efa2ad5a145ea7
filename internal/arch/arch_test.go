package arch_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"cierzo/internal/arch"
)

// TestTree checks this repository.
func TestTree(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	gomod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(gomod), "module "+arch.Module+"\n") {
		t.Fatalf("go.mod doesn't begin with module %s", arch.Module)
	}
	tree, err := arch.Load(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.Folders) < 10 {
		t.Fatalf("found %d folders with Go files in %s: this isn't the tree", len(tree.Folders), root)
	}
	for _, violation := range arch.Check(tree) {
		t.Error(violation)
	}
}

// TestViolationsAreFound runs the real table over small trees that break it, one rule each: testdata/*.txtar holds the
// tree's files and, in "want", the violations.
func TestViolationsAreFound(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("cases: %v, %v", cases, err)
	}
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			want := ""
			for _, file := range archive.Files {
				if file.Name == "want" {
					want = string(file.Data)
				}
			}
			root, err := txtar.FS(archive)
			if err != nil {
				t.Fatal(err)
			}
			tree, err := arch.Load(root)
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, violation := range arch.Check(tree) {
				got.WriteString(violation.String() + "\n")
			}
			if diff := cmp.Diff(want, got.String()); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLongFile is made here because its tree would be nothing to look at.
func TestLongFile(t *testing.T) {
	t.Parallel()
	for lines, want := range map[int]int{arch.LinesMax: 0, arch.LinesMax + 1: 1} {
		text := "// Package fault is long.\npackage fault\n"
		text += strings.Repeat("\n", lines-strings.Count(text, "\n"))
		root, err := txtar.FS(&txtar.Archive{Files: []txtar.File{{Name: "fault/fault.go", Data: []byte(text)}}})
		if err != nil {
			t.Fatal(err)
		}
		tree, err := arch.Load(root)
		if err != nil {
			t.Fatal(err)
		}
		if got := arch.Check(tree); len(got) != want {
			t.Errorf("%d lines: %v, want %d violations", lines, got, want)
		}
	}
}

// TestTableNamesWhatItKnows sees to it that a folder has one rule, and that rules name folders that another rule is about.
func TestTableNamesWhatItKnows(t *testing.T) {
	t.Parallel()
	rules := map[string]bool{}
	for _, rule := range arch.Rules() {
		if rules[rule.Folder] {
			t.Errorf("%s has two rules", rule.Folder)
		}
		rules[rule.Folder] = true
	}
	for _, rule := range arch.Rules() {
		for _, may := range append(rule.May, rule.TestsMay...) {
			if !strings.HasSuffix(may, "/...") && !rules[may] {
				t.Errorf("%s may import %s, which has no rule of its own", rule.Folder, may)
			}
		}
	}
}

// TestRunnerCanNotReachAStore: a runner works with no store configured, because there is no way from it to one.
func TestRunnerCanNotReachAStore(t *testing.T) {
	t.Parallel()
	for _, rule := range arch.Rules() {
		if rule.Folder != "actors/runner" {
			continue
		}
		for _, store := range []string{"persistence/...", "database/sql", "catalog", "workflow", "actors"} {
			if !slices.Contains(rule.NeverReaches, store) {
				t.Errorf("the table doesn't keep %s from %s", rule.Folder, store)
			}
		}
		return
	}
	t.Error("the table has no rule for actors/runner")
}
