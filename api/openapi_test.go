package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
	"golang.org/x/net/html"

	"cierzo/api"
	"cierzo/node"
)

// TestMain looks at the end, when all tests have passed, whether each operation of the document was answered by success: a
// contract about answers that nobody has seen would hold nothing.
func TestMain(m *testing.M) {
	code := m.Run()
	if c, err := theContract(); code == 0 && err == nil && flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.list").Value.String() == "" && !testing.Short() {
		for _, name := range c.unseen() {
			fmt.Fprintln(os.Stderr, "no test has got a success of "+name)
			code = 1
		}
	}
	os.Exit(code)
}

// TestWriteOpenAPI writes the document to the file that CIERZO_OPENAPI names, for programs that make code of it.
func TestWriteOpenAPI(t *testing.T) {
	t.Parallel()
	d, err := api.Document()
	if err != nil {
		t.Fatal(err)
	}
	text, err := d.JSON()
	if err != nil || !json.Valid(text) {
		t.Fatal(err)
	}
	if file := os.Getenv("CIERZO_OPENAPI"); file != "" {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func cfgOfTest() node.Config { return node.Config{} }

// TestOpenAPIIsValid compares the document with the schema that the OpenAPI Initiative has published for version 3.1, and
// its two forms with each other.
func TestOpenAPIIsValid(t *testing.T) {
	t.Parallel()
	w := open(t, cfgOfTest())
	text := w.get("/v2/openapi.json").want(200).text
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	meta, err := os.ReadFile("openapi/testdata/openapi-3.1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(meta))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("openapi-3.1.schema.json", schema); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("openapi-3.1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(doc); err != nil {
		t.Errorf("%v", err)
	}
	// All references lead somewhere.
	for _, ref := range regexp.MustCompile(`"\$ref": "#([^"]*)"`).FindAllStringSubmatch(text, -1) {
		v := doc
		for part := range strings.SplitSeq(strings.TrimPrefix(ref[1], "/"), "/") {
			m, _ := v.(map[string]any)
			v = m[part]
		}
		if v == nil {
			t.Errorf("%s leads nowhere", ref[1])
		}
	}
	var asJSON, asYAML any
	if err := yaml.Unmarshal([]byte(text), &asJSON); err != nil {
		t.Fatal(err)
	}
	page := w.get("/v2/openapi.yaml").want(200)
	if err := yaml.Unmarshal([]byte(page.text), &asYAML); err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(page.text, "{") || !reflect.DeepEqual(asJSON, asYAML) {
		t.Error("the YAML says something else than the JSON")
	}
}

// TestDocsPage: the page is whole HTML, knows each operation and schema, loads nothing from elsewhere, and its links lead
// somewhere.
func TestDocsPage(t *testing.T) {
	t.Parallel()
	w := open(t, cfgOfTest())
	a := w.get("/docs").want(200)
	if got := a.header.Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'self';") {
		t.Errorf("policy %q", got)
	}
	root, err := html.Parse(strings.NewReader(a.text))
	if err != nil {
		t.Fatal(err)
	}
	ids, links := map[string]bool{}, []string{}
	for n := range root.Descendants() {
		for _, attr := range n.Attr {
			switch {
			case attr.Key == "id":
				if ids[attr.Val] {
					t.Errorf("two elements are %s", attr.Val)
				}
				ids[attr.Val] = true
			case attr.Key == "href" || attr.Key == "src":
				links = append(links, attr.Val)
			case attr.Key == "style" || strings.HasPrefix(attr.Key, "on"):
				t.Errorf("<%s %s>: the policy forbids it", n.Data, attr.Key)
			}
		}
		if (n.Data == "script" || n.Data == "style") && n.FirstChild != nil {
			t.Errorf("<%s> has a text: the policy forbids it", n.Data)
		}
	}
	for _, link := range links {
		switch {
		case strings.HasPrefix(link, "#"):
			if !ids[link[1:]] {
				t.Errorf("%s leads nowhere", link)
			}
		case strings.HasPrefix(link, "/"):
			w.get(link).want(200)
		default:
			t.Errorf("%s leads elsewhere", link)
		}
	}
	for _, id := range []string{"listExecutions", "createExecution", "schema-Execution", "schema-NewExecution"} {
		if !ids[id] {
			t.Errorf("the page has no %s", id)
		}
	}
	w.get("/docs/nothing.js").refused(404, "There is no file")
}
