package conformance

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"cierzo/dsl/yaml"
	"cierzo/expr/goldentest"
	"cierzo/expr/value"
)

// TestStated runs the cases of testdata/stated: behaviours that are stated of Mistral and that the recorded corpus doesn't
// show, one file for each part of the language. A case is as in the corpus, but that W stands for its workflow's name and
// `workflow`, `workbook` or `action` for a definition; `want` has paths into what is recorded with what must be there. A text
// that ends in "…" is a beginning.
func TestStated(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "stated", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	help := newHelper()
	t.Cleanup(help.Close)
	base := startNode(t)
	report := goldentest.NewReport(t, "stated", 1)
	cases := map[string][]*value.Dict{}
	for _, file := range files {
		cases[strings.TrimSuffix(filepath.Base(file), ".yaml")] = statedCases(t, file, strings.TrimPrefix(help.URL, "http://"))
	}
	rx := regexp.MustCompile(*only)
	var plays []play
	for area, list := range cases {
		for _, d := range list {
			c, want := statedCase(area, d)
			if rx.MatchString(c.name) {
				plays = append(plays, play{area, c.name, func(v *goldentest.Verdict) { judgeStated(t, v, base, c, want) }})
			}
		}
	}
	playAll(t, report, plays)
}

func statedCases(t *testing.T, file, host string) []*value.Dict {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	root, err := yaml.Load([]byte(strings.ReplaceAll(string(text), helperAddress, host)))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var out []*value.Dict
	for _, x := range itemsOf(root) {
		out = append(out, dictOf(x))
	}
	return out
}

func statedCase(area string, d *value.Dict) (*scenario, *value.Dict) {
	name := "stated_" + area + "_" + textOf(d, "name")
	named := func(s string) string {
		return strings.NewReplacer("\nW:", "\n"+name+":", "\nW_", "\n"+name+"_", "W_", name+"_", "WF", name).Replace("\n" + s)[1:]
	}
	c := &scenario{name: name, start: dictOf(field(d, "start")), joins: map[string]bool{}, timeout: secondsOf(value.Int(25), 0)}
	for _, kind := range []string{"action", "workbook", "workflow"} {
		if text := textOf(d, kind); text != "" {
			if kind != "workbook" {
				text = "version: '2.0'\n" + text
			}
			c.definitions = append(c.definitions, definition{kind: kind, text: named(text), namespace: textOf(d, "namespace")})
		}
	}
	if !has(d, "start") && has(d, "workflow") {
		start := value.NewDict(3)
		start.SetString("workflow", value.String(name))
		for _, k := range []string{"input", "params"} {
			if has(d, k) {
				start.SetString(k, field(d, k))
			}
		}
		c.start = start
	}
	for _, x := range itemsOf(field(d, "steps")) {
		for k, v := range dictOf(x).All() {
			c.steps = append(c.steps, step{value.Str(k), v})
		}
	}
	return c, dictOf(field(d, "want"))
}

func judgeStated(t *testing.T, v *goldentest.Verdict, base string, c *scenario, want *value.Dict) {
	transport := &http.Transport{MaxIdleConnsPerHost: 2}
	defer transport.CloseIdleConnections()
	r := &run{server: server{base: base, http: newClient(transport)}, c: c, ctx: t.Context()}
	played, err := r.play()
	if err != nil {
		v.Errorf("%v", err)
		return
	}
	got := plain(played)
	for k, x := range want.All() {
		wanted, err := parseJSON(jsonOf(x))
		if err != nil {
			v.Errorf("%v", err)
			continue
		}
		have := at(got, value.Str(k))
		if begin, ok := strings.CutSuffix(fmt.Sprint(wanted), "…"); ok {
			if !strings.HasPrefix(fmt.Sprint(have), begin) {
				v.Errorf("%s: got %.1500s, want %s", value.Str(k), dump(have), begin)
			}
			continue
		}
		if dump(have) != dump(wanted) {
			v.Errorf("%s: got %.1500s, want %s", value.Str(k), dump(have), dump(wanted))
		}
	}
	if want.Len() == 0 {
		v.Errorf("%.3000s", dump(got))
	}
}
