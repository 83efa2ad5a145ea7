package dsl

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"cierzo/dsl/yaml"
	"cierzo/expr/value"
)

// fuzzTimeMax is for a document of some kilobytes, which takes milliseconds.
const fuzzTimeMax = 10 * time.Second

// FuzzParse looks for panics and for documents that are neither accepted nor refused; for diagnostics outside of the text,
// or that are not the same the second time.
func FuzzParse(f *testing.F) {
	scripts, _ := filepath.Glob("testdata/*.txt") // none: then the seeds below
	for _, name := range scripts {
		if data, err := os.ReadFile(name); err == nil {
			for _, c := range parseScript(string(data)) {
				f.Add([]byte(c.text))
			}
		}
	}
	f.Add(manyTasks(2))
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) > 8000 {
			t.Skip()
		}
		begin := time.Now()
		doc, diags := Parse("fuzz.yaml", src)
		if (doc == nil) != (diags.Err() != nil) {
			t.Fatalf("document %v, %s", doc, diags.Render())
		}
		_, again := Parse("fuzz.yaml", src)
		if first, second := diags.Render(), again.Render(); first != second {
			t.Fatalf("first:\n%s\nthen:\n%s", first, second)
		}
		_ = diags.RenderColor()
		checkDiagnostics(t, src, diags)
		checkDiagnostics(t, src, Draft("fuzz.yaml", src).UnknownActions("fuzz.yaml", src, []string{"std.noop"}))
		for _, parse := range []func() Diagnostics{
			func() Diagnostics { _, d := ParseActions("f", src); return d },
			func() Diagnostics { _, d := ParseWorkbook("f", src); return d },
		} {
			d := parse()
			if len(d.Errors()) > 0 && d.Mistral() == "" {
				t.Fatalf("errors without Mistral's text: %s", d.Render())
			}
			checkDiagnostics(t, src, d)
		}
		if took := time.Since(begin); took > fuzzTimeMax {
			t.Fatalf("took %s", took)
		}
	})
}

// checkDiagnostics sees to it that each is in the text and says something.
func checkDiagnostics(t *testing.T, src []byte, diags Diagnostics) {
	t.Helper()
	lines := yaml.Lines(string(src))
	for _, d := range diags {
		if d.Message == "" || d.Code == "" {
			t.Errorf("a diagnostic without code or text: %+v", d)
		}
		if d.Pos.Line == 0 { // the document as a whole
			continue
		}
		if d.Pos.Line > len(lines) || d.Pos.Col < 1 {
			t.Errorf("a diagnostic outside: %+v in %d lines", d, len(lines))
			continue
		}
		if n := utf8.RuneCountInString(lines[d.Pos.Line-1]); d.Pos.Col > n+1 || d.End > n+1 || d.End != 0 && d.End < d.Pos.Col {
			t.Errorf("a diagnostic outside of its line of %d characters: %+v", n, d)
		}
	}
}

// FuzzInline takes texts as "std.http url=<% $.u %> method='GET'": name, parameters and what is dropped are parts of the text.
func FuzzInline(f *testing.F) {
	for _, seed := range []string{
		"std.noop", "std.echo output='a b'", `std.http url=<% $.u %> method="GET" timeout=5`, "wf x={{ _.x }} y=[1, {\"a\": 2}] z=-1.5", "<% $.a %> b=1", "{{ a }} b=true",
		"a b='unclosed", "a b=[1 c=null", "a =1 b", "a  b = 1", "std.ssh cmd=\"x='1'\" a='\"'", "\u00e4.b c=1", "a b=1b=2", "a x=[1] y=[2]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1000 || !utf8.ValidString(text) || text == "" {
			t.Skip()
		}
		begin := time.Now()
		name, params, dropped, ok := splitCall(text)
		if took := time.Since(begin); took > fuzzTimeMax {
			t.Fatalf("took %s", took)
		}
		if !ok {
			if params != nil || name != "" {
				t.Errorf("refused, but %q %s", name, value.Repr(params))
			}
			return
		}
		if !strings.HasPrefix(text, name) || name == "" || strings.Trim(dropped, text) != "" {
			t.Errorf("%q gives the name %q and drops %q", text, name, dropped)
		}
		if params == nil {
			return
		}
		for k, v := range params.All() {
			if s, isText := v.(value.String); !strings.Contains(text, value.Str(k)+"=") || isText && !strings.Contains(text, string(s)) && !bytes.ContainsRune([]byte(text), '"') {
				t.Errorf("%q has no %s=%s", text, value.Str(k), value.Repr(v))
			}
		}
	})
}
