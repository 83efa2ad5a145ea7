package dsl

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var rewrite = flag.Bool("rewrite", false, "write what the scripts in testdata give now into them")

// scriptCase is a document and the diagnostics that it gives. In the file: "=== title [kind]", the document, "---- ", the
// diagnostics as rendered, and Mistral's text where it isn't that of the first error.
type scriptCase struct{ title, text, want string }

const (
	caseMark   = "=== "
	resultMark = "----\n"
)

func parseScript(data string) []scriptCase {
	var out []scriptCase
	for part := range strings.SplitSeq("\n"+data, "\n"+caseMark) {
		title, body, found := strings.Cut(part, "\n")
		if !found || strings.TrimSpace(part) == "" {
			continue
		}
		text, want, _ := strings.Cut(body+"\n", resultMark)
		out = append(out, scriptCase{title, text, strings.TrimSpace(want)})
	}
	return out
}

func TestScripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("scripts: %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var now strings.Builder
			for _, c := range parseScript(string(data)) {
				got := scriptResult(c)
				if !*rewrite && got != c.want {
					t.Errorf("%s (-want +got):\n%s", c.title, cmp.Diff(c.want, got))
				}
				now.WriteString(caseMark + c.title + "\n" + c.text + resultMark + got + "\n\n")
			}
			if *rewrite {
				if err := os.WriteFile(file, []byte(strings.TrimRight(now.String(), "\n")+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func scriptResult(c scriptCase) string {
	var diags Diagnostics
	src := []byte(c.text)
	switch {
	case strings.HasSuffix(c.title, "[actions]"):
		_, diags = ParseActions("doc", src)
	case strings.HasSuffix(c.title, "[workbook]"):
		_, diags = ParseWorkbook("doc", src)
	default:
		_, diags = ParseWorkflows("doc", src)
	}
	if len(diags) == 0 {
		return "fine"
	}
	out := strings.TrimSpace(diags.Render())
	if errs := diags.Errors(); len(errs) > 0 && errs[0].Message != diags.Mistral() {
		out += "\nMistral: " + strings.TrimSpace(diags.Mistral())
	}
	return out
}
