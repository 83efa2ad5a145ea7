package goldentest

import (
	"os"
	"path/filepath"
	"testing"
)

// FolderVariable names the environment variable that says where the corpora are; a relative path begins at the root of the
// repository. Defaults to ../shared/golden. A corpus that isn't there skips its tests; a folder that was named and isn't there
// fails them.
const FolderVariable = "CIERZO_GOLDEN"

// Files lists the files of the corpora that a pattern names, such as "dsl/*/*.yaml".
func Files(t testing.TB, pattern string) []string {
	t.Helper()
	files := Glob(t, pattern)
	if len(files) == 0 {
		noCorpus(t, find(pattern))
	}
	return files
}

// Glob is Files for who goes on without.
func Glob(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(find(pattern))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// noCorpus ends a test whose corpus isn't there.
func noCorpus(t testing.TB, where string) {
	t.Helper()
	if _, err := os.Stat(find("")); err != nil && os.Getenv(FolderVariable) != "" {
		t.Fatalf("%s names no folder: %v", FolderVariable, err)
	}
	t.Skipf("no golden corpus in %s: set %s to its folder", where, FolderVariable)
}

// find is where a file of the corpora is. The root of the repository is looked for from the working directory upwards.
func find(name string) string {
	folder := os.Getenv(FolderVariable)
	if folder == "" {
		folder = filepath.Join("..", "shared", "golden")
	}
	if !filepath.IsAbs(folder) {
		root, err := os.Getwd()
		for err == nil && root != filepath.Dir(root) {
			if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
				break
			}
			root = filepath.Dir(root)
		}
		folder = filepath.Join(root, folder)
	}
	return filepath.Join(folder, filepath.FromSlash(name))
}
