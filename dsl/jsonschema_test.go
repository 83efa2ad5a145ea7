package dsl

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"cierzo/dsl/yaml"
	"cierzo/expr/goldentest"
	"cierzo/expr/value"
)

func editorSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := value.AppendJSON(nil, JSONSchema())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// complain gives what an editor would say of a document; nil: nothing.
func complain(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	root, err := yaml.Parse([]byte(text))
	if err != nil {
		return err
	}
	data, err := value.AppendJSON(nil, root.Value)
	if err != nil {
		return err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

// TestJSONSchemaAcceptsWhatMistralAccepts: an editor with red lines in a good file is worse than one without a schema.
func TestJSONSchemaAcceptsWhatMistralAccepts(t *testing.T) {
	t.Parallel()
	s := editorSchema(t)
	examples, err := filepath.Glob("../examples/*.yaml")
	if err != nil || len(examples) == 0 {
		t.Fatalf("examples: %v %v", examples, err)
	}
	for _, f := range examples {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := complain(t, s, string(text)); err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
}

// TestJSONSchemaOnGoldenUploads: what Mistral accepts the schema accepts, but for what we warn of.
func TestJSONSchemaOnGoldenUploads(t *testing.T) {
	t.Parallel()
	s := editorSchema(t)
	accepted, odd, refused, seen := 0, 0, 0, 0
	for _, file := range goldentest.Files(t, "dsl/*/*.golden.json") {
		want := goldenUploads(t, file)
		for i, text := range goldenTexts(t, strings.TrimSuffix(file, ".golden.json")+".yaml") {
			err := complain(t, s, text)
			switch {
			case want[i].Status == 400:
				refused++
				if err != nil {
					seen++
				}
			case err != nil && len(parseKind(want[i].Kind, text).Warnings()) == 0:
				t.Errorf("%s: Mistral accepts it, the schema says: %v", filepath.Base(file), err)
			case err != nil:
				odd++ // accepted by Mistral, with a trap that we warn of: an editor may well mark it
			default:
				accepted++
			}
		}
	}
	t.Logf("%d accepted, %d more with a trap that is marked; %d of %d refusals seen by the schema alone", accepted, odd, seen, refused)
}

func TestJSONSchemaFindsMistakes(t *testing.T) {
	t.Parallel()
	s := editorSchema(t)
	for name, text := range map[string]string{
		"misspelt":   "version: '2.0'\nw:\n  tasks:\n    t: {acton: std.noop}\n",
		"no tasks":   "version: '2.0'\nw: {input: [a]}\n",
		"no version": "w:\n  tasks:\n    t: {action: std.noop}\n",
		"both":       "version: '2.0'\nw:\n  tasks:\n    t: {action: a, workflow: b}\n",
		"join":       "version: '2.0'\nw:\n  tasks:\n    t: {action: a, join: most}\n",
		"retry":      "version: '2.0'\nw:\n  tasks:\n    t: {action: a, retry: {count: 3}}\n",
		"workbook":   "version: '2.0'\nname: b\nworkflows:\n  w: {tasks: {}}\n",
		"action":     "version: '2.0'\na: {base: std.noop, inputs: [x]}\n",
	} {
		if complain(t, s, text) == nil {
			t.Errorf("%s: the schema finds nothing", name)
		}
	}
}

func TestAttributeDocsAreComplete(t *testing.T) {
	t.Parallel()
	g := newGrammar()
	known := map[string]bool{"name": true, "workflows": true, "actions": true, "tasks": true}
	for _, s := range []*schema{g.workflow, g.direct, g.reverse, g.action, g.publish, g.retry.oneOf[0], g.defaults} {
		for _, p := range s.properties {
			known[p.name] = true
			if attributeDocs[p.name] == "" && p.name != "name" {
				t.Errorf("attribute %s has no description", p.name)
			}
		}
	}
	for name := range attributeDocs {
		if !known[name] && name != "type" && name != "version" {
			t.Errorf("there is no attribute %s", name)
		}
	}
}
