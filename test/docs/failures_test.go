package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var word = regexp.MustCompile("`([a-z-]+)`")

// TestFailureMatrix: each row of the failure matrix has its proof. Links lead to files of packages with tests; the faults that it names are faults of the simulation or of the chaos tests.
func TestFailureMatrix(t *testing.T) {
	t.Parallel()
	const folder = "../../docs"
	text, err := os.ReadFile(filepath.Join(folder, "failures.md"))
	if err != nil {
		t.Fatal(err)
	}
	var faults strings.Builder
	for _, place := range []string{"../sim/*_test.go", "../chaos/*_test.go"} {
		files, err := filepath.Glob(place)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", place, files, err)
		}
		for _, f := range files {
			source, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			faults.Write(source)
		}
	}
	_, matrix, found := strings.Cut(string(text), "## The matrix\n")
	matrix, _, _ = strings.Cut(matrix, "\n## ")
	proof, rows := -1, 0
	for line := range strings.Lines(matrix) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if proof < 0 {
			proof = slices.Index(cells, "proof")
			continue
		}
		if strings.HasPrefix(cells[0], "---") {
			continue
		}
		rows++
		if proof < 0 || proof >= len(cells) {
			t.Fatalf("no column of proofs: %s", line)
		}
		named := word.FindAllStringSubmatch(cells[proof], -1)
		for _, w := range named {
			if !strings.Contains(faults.String(), `"`+w[1]+`"`) {
				t.Errorf("%s: there is no fault %q", cells[0], w[1])
			}
		}
		links := link.FindAllStringSubmatch(cells[proof], -1)
		for _, l := range links {
			if !strings.HasSuffix(l[1], "/doc.go") && !strings.HasSuffix(l[1], "_test.go") || !tests(t, filepath.Join(folder, l[1])) {
				t.Errorf("%s: %s holds no test", cells[0], l[1])
			}
		}
		if len(named)+len(links) == 0 {
			t.Errorf("%s: nothing proves it", cells[0])
		}
	}
	if !found || rows < 15 {
		t.Errorf("found %d rows", rows)
	}
}

// tests reports whether a file is there, and tests are in its package.
func tests(t *testing.T, file string) bool {
	t.Helper()
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
		return false
	}
	all, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(all, func(name string) bool {
		source, err := os.ReadFile(name)
		return err == nil && strings.Contains(string(source), "\nfunc Test")
	})
}
