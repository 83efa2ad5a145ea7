package dsl

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cierzo/dsl/yaml"
	"cierzo/expr/goldentest"
	"cierzo/expr/value"
)

// upload is what the golden corpus records of one upload.
type upload struct {
	Kind   string
	Op     string
	Status int
	Error  string
	Class  string `json:"error_class"`
}

// textMax is where the corpus cuts texts.
const textMax = 300

// TestGoldenUploads replays the uploads of the golden corpus: the same are refused, with the same first line. 409s are
// of the store and count as accepted here, and so is a refusal by name of Mistral's database.
func TestGoldenUploads(t *testing.T) {
	t.Parallel()
	files := goldentest.Files(t, "dsl/*/*.golden.json")
	uploads, outcomes, texts, exact := 0, 0, 0, 0
	for _, file := range files {
		want := goldenUploads(t, file)
		for i, text := range goldenTexts(t, strings.TrimSuffix(file, ".golden.json")+".yaml") {
			w := want[i]
			uploads++
			diags := parseKind(w.Kind, text)
			refused := len(diags.Errors()) > 0
			if refused != (w.Status == 400) && w.Class == "jinja-grammar" {
				t.Logf("%s %d: Jinja accepts this: %s", filepath.Base(file), i, w.Error)
				continue
			}
			if refused != (w.Status == 400) {
				t.Errorf("%s %d: refused %t (%s), Mistral answered %d %s", filepath.Base(file), i, refused, diags.Mistral(), w.Status, w.Error)
				continue
			}
			outcomes++
			if w.Status != 400 {
				continue
			}
			texts++
			got, _, _ := strings.Cut(diags.Mistral(), "\n")
			if got == w.Error || len(w.Error) >= textMax && strings.HasPrefix(got, w.Error) {
				exact++
			} else {
				t.Logf("%s %d:\n got %s\nwant %s", filepath.Base(file), i, got, w.Error)
			}
		}
	}
	t.Logf("%d uploads, %d same outcome; %d refusals, %d with the same text", uploads, outcomes, texts, exact)
	if exact*100 < texts*95 {
		t.Errorf("only %d of %d texts are Mistral's", exact, texts)
	}
}

func goldenUploads(t *testing.T, file string) []upload {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var golden struct{ Definitions []upload }
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return golden.Definitions
}

// goldenTexts are the texts that a case uploads. The case itself is YAML too, and is read with our own reader.
func goldenTexts(t *testing.T, file string) []string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	root, err := yaml.Parse(data)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var out []string
	if defs := root.Field("definitions"); defs != nil {
		for _, d := range defs.Items {
			out = append(out, string(d.Field("text").Value.(value.String)))
		}
	}
	return out
}

func parseKind(kind, text string) Diagnostics {
	var diags Diagnostics
	switch kind {
	case "workflow":
		_, diags = ParseWorkflows("golden.yaml", []byte(text))
	case "action":
		_, diags = ParseActions("golden.yaml", []byte(text))
	case "workbook":
		_, diags = ParseWorkbook("golden.yaml", []byte(text))
	}
	return diags
}
