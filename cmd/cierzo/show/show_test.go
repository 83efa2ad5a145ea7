package show

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"cierzo/api/apitype"
	"cierzo/fault"
)

var rewrite = flag.Bool("rewrite", false, "write what is drawn into testdata")

// TestGraphs draws graphs of testdata/graphs.txtar: a file has a line for each node ("name STATE") and each edge
// ("from -> to on", with ? when it has a condition), its ".out" the drawing.
func TestGraphs(t *testing.T) {
	t.Parallel()
	const path = "testdata/graphs.txtar"
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out txtar.Archive
	out.Comment = archive.Comment
	want := map[string]string{}
	for _, f := range archive.Files {
		want[f.Name] = string(f.Data)
	}
	for _, f := range archive.Files {
		if strings.HasSuffix(f.Name, ".out") {
			continue
		}
		p := &Printer{Out: &bytes.Buffer{}}
		got := p.Draw(parseGraph(t, f.Name, string(f.Data)))
		out.Files = append(out.Files, f, txtar.File{Name: f.Name + ".out", Data: []byte(got)})
		if !*rewrite && got != want[f.Name+".out"] {
			t.Errorf("%s is drawn as\n%s\nwant\n%s", f.Name, got, want[f.Name+".out"])
		}
	}
	if *rewrite {
		if err := os.WriteFile(path, txtar.Format(&out), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func parseGraph(t *testing.T, name, text string) *apitype.Graph {
	t.Helper()
	g := &apitype.Graph{Workflow: name, State: "RUNNING"}
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		words := strings.Fields(line)
		if len(words) > 2 && words[1] == "->" {
			e := apitype.GraphEdge{From: words[0], To: words[2], On: "success"}
			if len(words) > 3 {
				e.On, e.Conditional = strings.CutSuffix(words[3], "?")
			}
			g.Edges = append(g.Edges, e)
			continue
		}
		n := apitype.GraphNode{Name: words[0], Kind: "action", Runs: "std.noop"}
		if len(words) > 1 && words[1] == "command" {
			n.Kind = "command"
		} else if len(words) > 1 {
			n.State = words[1]
		}
		g.Nodes = append(g.Nodes, n)
	}
	return g
}

type thing struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	State string `json:"state"`
	Input string `json:"input"`
}

func things() []thing {
	return []thing{
		{"1", "web", "SUCCESS", `{"n": 12345678901234567890, "list": [1, 2.5]}`},
		{"2", "a\x1b[31mname\nof two lines", "ERROR", "x, y=\"2\""},
	}
}

func columns() []Column {
	return []Column{{Title: "ID", Key: "id"}, {Title: "Name", Key: "name"}, {Title: "State", Key: "state"}, {Title: "Input", Key: "input", Wide: true}}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ format, query, want string }{
		{"", "", "ID  NAME                     STATE\n1   web                      SUCCESS\n2   a�[31mname of two lines  ERROR\n"},
		{"name", "", "1\n2\n"},
		{"name", "[].name | [0]", "web\n"},
		{"json", "[0].input.list[1]", "2.5\n"},
		{"", "[0].input.list", "[\n  1,\n  2.5\n]\n"},
		{"yaml", "[].{n: name, s: state} | [:1]", "- \"n\": web\n  s: SUCCESS\n"},
		{"json", "[?name=='web'].input.nothing", "[]\n"},
		{"name", "length(@)", "2\n"},
		{"name", "[0].nothing", ""},
	} {
		var out bytes.Buffer
		p, err := NewPrinter(&out, &out, x.format, x.query)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.List("things", columns(), things()); err != nil || out.String() != x.want {
			t.Errorf("-o %s --query %s: %v\n%q\nwant\n%q", x.format, x.query, err, out.String(), x.want)
		}
	}
}

// TestUnfolded: JSON inside of texts is JSON, with its numbers as they are; what only looks like a field of JSON stays.
func TestUnfolded(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p, err := NewPrinter(&out, &out, "json", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.List("things", columns(), things()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"n": 12345678901234567890`, `"input": "x, y=\"2\""`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in %s", want, out.String())
		}
	}
	out.Reset()
	p.Format = "yaml"
	if err := p.List("things", columns(), things()); err != nil || !strings.Contains(out.String(), ": 12345678901234567890\n") {
		t.Errorf("%v in %s", err, out.String())
	}
}

func TestWrongOptions(t *testing.T) {
	t.Parallel()
	for _, x := range [][2]string{{"xml", ""}, {"", "["}, {"json", "a b"}} {
		if _, err := NewPrinter(nil, nil, x[0], x[1]); !fault.Is(err, fault.Invalid) {
			t.Errorf("%v: %v", x, err)
		}
	}
	p := &Printer{Out: &bytes.Buffer{}, Format: "json", Query: "length(name)"}
	if err := p.One(nil, map[string]any{"name": 5}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a query that can't be computed: %v", err)
	}
}

// TestTerminal: a table is cut to the terminal's width, but for ids and states; colours are around what is seen.
func TestTerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := &Printer{Out: &out, Err: &out, Format: "table", Colour: true, Width: 40}
	long := []thing{{"5f0c7f3e-0000-4000-8000", strings.Repeat("long ", 20), "SUCCESS", ""}}
	if err := p.List("things", columns(), long); err != nil {
		t.Fatal(err)
	}
	want := "\x1b[2mID\x1b[0m                       \x1b[2mNAME\x1b[0m      \x1b[2mSTATE\x1b[0m\n5f0c7f3e-0000-4000-8000  long lo…  \x1b[32mSUCCESS\x1b[0m\n"
	if out.String() != want {
		t.Errorf("%q\nwant\n%q", out.String(), want)
	}
}
