package conformance

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cierzo/actions/std"
	"cierzo/expr/goldentest"
	"cierzo/node"
)

var (
	only = flag.String("case", "", "run only the cases whose name matches this regular expression, and print the differences")
	jobs = flag.Int("jobs", 48, "how many cases run at the same time; they mostly wait")
)

// interpreter runs std.javascript: this program is started again as its child.
var interpreter std.Interpreter

func TestMain(m *testing.M) {
	interpreter = std.RunJavaScriptChild()
	os.Exit(m.Run())
}

// better is an answer that differs from Mistral's on purpose.
type better struct {
	Reason string
	// Answers are ours, at all the paths where it differs from the recorded one.
	Answers map[string]any
}

// TestDSL replays the corpus on a whole node with a database in memory.
func TestDSL(t *testing.T) {
	t.Parallel()
	files := goldentest.Files(t, "dsl/*/*.yaml")
	betters := readBetters(t)
	help := newHelper()
	t.Cleanup(help.Close)
	base := startNode(t)
	report := goldentest.NewReport(t, "dsl", 0.99)
	rx := regexp.MustCompile(*only)
	var cases []play
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if rx.MatchString(name) {
			cases = append(cases, play{filepath.Base(filepath.Dir(file)), name, func(v *goldentest.Verdict) {
				judge(t.Context(), v, base, help.URL, file, betters[name])
			}})
		}
	}
	playAll(t, report, cases)
}

// play is a case to be played and judged.
type play struct {
	area, name string
	judge      func(v *goldentest.Verdict)
}

// playAll plays the cases, many at a time. Cases were recorded with steps at certain moments, which a busy machine misses: what
// fails is played again by itself, and that counts. What is broken fails twice.
func playAll(t *testing.T, report *goldentest.Report, cases []play) {
	t.Helper()
	verdicts := make([]*goldentest.Verdict, len(cases))
	slots := make(chan struct{}, max(1, *jobs))
	var wg sync.WaitGroup
	for i, c := range cases {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			verdicts[i] = c.verdict()
		})
	}
	wg.Wait()
	again := 0
	for i, c := range cases {
		v := verdicts[i]
		if v.Failed() && again < againMax {
			again++
			t.Logf("%s is played again, because the first time: %.300s", c.name, v.Text())
			v = c.verdict()
		}
		report.Add(c.area, c.name, v)
		if v.Failed() {
			t.Errorf("%s: %s", c.name, v.Text())
		}
	}
}

// againMax bounds how many cases are played again: if more fail, the machine isn't the reason.
const againMax = 20

func (c *play) verdict() (v *goldentest.Verdict) {
	v = &goldentest.Verdict{}
	defer func() {
		if p := recover(); p != nil {
			v.Errorf("panic: %v", p)
		}
	}()
	c.judge(v)
	return v
}

func readBetters(t *testing.T) map[string]better {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "better.json"))
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]better
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatalf("better.json: %v", err)
	}
	for name, b := range out {
		if b.Reason == "" || len(b.Answers) == 0 {
			t.Errorf("better.json: %s needs a reason and answers", name)
		}
	}
	return out
}

// startNode starts a whole node and gives the address of its API. Its runner has the name that the recorder's executor had.
func startNode(t *testing.T) string {
	t.Helper()
	n, err := node.New(t.Context(), node.Config{
		Store: "memory:", Listen: "127.0.0.1:0", Slots: 1024, Targets: []string{"executor1"}, LegacyFunctions: true,
		Standard: std.Config{JavaScript: interpreter},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 30*time.Second)
		defer cancel()
		if err := n.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return n.URL() + "/v2"
}

// judge runs a case and compares. With a better answer it must differ there and nowhere else.
func judge(ctx context.Context, v *goldentest.Verdict, base, helperURL, file string, b better) {
	want, ignored, err := readGolden(file)
	if err != nil {
		v.Errorf("%v", err)
		return
	}
	c, err := readCase(file, helperURL)
	if err != nil {
		v.Errorf("%v", err)
		return
	}
	// Connections are a case's own, as with the recorder.
	transport := &http.Transport{MaxIdleConnsPerHost: 2}
	defer transport.CloseIdleConnections()
	r := &run{server: server{base: base, http: newClient(transport)}, c: c, ctx: ctx}
	got, err := r.play()
	if err != nil {
		v.Errorf("%v", err)
		return
	}
	a, g := forgive(goldentest.Semantic(want), goldentest.Semantic(plain(got)))
	diffs := slices.DeleteFunc(differences(a, g, ""), func(d string) bool {
		return slices.ContainsFunc(ignored, func(i string) bool { return strings.HasPrefix(d, i) })
	})
	compare(v, a, g, diffs, b)
}

// newClient shows redirects instead of following them.
func newClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport: transport, Timeout: 3 * time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func compare(v *goldentest.Verdict, want, got any, diffs []string, b better) {
	v.Better = b.Reason
	for _, d := range diffs {
		if _, expected := b.Answers[d]; !expected {
			v.Errorf("%s: got %.300s, want %.300s", d, dump(at(got, d)), dump(at(want, d)))
		}
	}
	for _, d := range sortedKeys(b.Answers) {
		if ours := dump(plain(b.Answers[d])); dump(at(got, d)) != ours {
			v.Errorf("%s: got %.300s, want the better answer %.300s", d, dump(at(got, d)), ours)
		}
	}
}

// readGolden reads what Mistral answered, and the paths at which it didn't answer always the same.
func readGolden(file string) (want any, ignored []string, err error) {
	text, err := os.ReadFile(strings.TrimSuffix(file, ".yaml") + ".golden.json")
	if err != nil {
		return nil, nil, err
	}
	parsed, err := parseJSON(text)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	o, ok := parsed.(object)
	if !ok {
		return nil, nil, fmt.Errorf("%s: the golden is no object", file)
	}
	unstable, _ := o["unstable_paths"].([]any)
	for _, p := range unstable {
		ignored = append(ignored, strings.ReplaceAll(fmt.Sprint(p), "#len", ""))
	}
	for _, k := range []string{"unstable_paths", "stable", "oracle", "race"} {
		delete(o, k)
	}
	return o, ignored, nil
}
