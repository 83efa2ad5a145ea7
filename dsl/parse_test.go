package dsl

import (
	"os"
	"path/filepath"
	"testing"
)

func TestExamplesAreFlawless(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../examples/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("examples: %d files, %v", len(files), err)
	}
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		_, diags := Parse(f, src)
		if len(diags) > 0 {
			t.Errorf("%s", diags.Render())
		}
	}
}
