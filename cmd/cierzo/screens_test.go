package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"cierzo/cmd/cierzo/show"
)

var rewrite = flag.Bool("rewrite", false, "write the screens into the documentation")

// page is where the screens are: a block of text behind a comment that names it.
const page = "../../docs/cli.md"

var screenBlock = regexp.MustCompile("(?s)(<!-- screen: ([a-z-]+) -->\n\n```text\n)(.*?)(```\n)")

// TestScreens makes what the commands show, and holds the documentation to it.
func TestScreens(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	screens := takeScreens(t)
	seen := map[string]bool{}
	now := screenBlock.ReplaceAllStringFunc(string(text), func(block string) string {
		m := screenBlock.FindStringSubmatch(block)
		seen[m[2]] = true
		want, ok := screens[m[2]]
		if !ok {
			t.Errorf("%s: nothing makes the screen %q", page, m[2])
			return block
		}
		if !*rewrite && m[3] != want {
			t.Errorf("%s: the screen %s is\n%s\nand the page shows\n%s\n(make golden)", page, m[2], want, m[3])
		}
		return m[1] + want + m[4]
	})
	for name := range screens {
		if !seen[name] {
			t.Errorf("%s doesn't show the screen %s", page, name)
		}
	}
	if *rewrite {
		if err := os.WriteFile(page, []byte(now), 0o644); err != nil { //nolint:gosec // a page of the documentation is for everybody
			t.Fatal(err)
		}
	}
}

// The ids of the executions in the screens.
const (
	waiting  = "5f0c7f3e-0000-4000-8000-000000000001"
	finished = "5f0c7f3e-0000-4000-8000-000000000002"
	failed   = "5f0c7f3e-0000-4000-8000-000000000003"
	small    = "5f0c7f3e-0000-4000-8000-000000000004" // its tasks run one after the other, so that its events have an order
)

// fileOf is a file that the page shows: a block of YAML whose first line is its name.
func fileOf(t *testing.T, folder, name string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```yaml\n# " + regexp.QuoteMeta(name) + "\n(.*?)```").FindStringSubmatch(string(text))
	if m == nil {
		t.Fatalf("%s has no file %s", page, name)
	}
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte("# "+name+"\n"+m[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func takeScreens(t *testing.T) map[string]string {
	t.Helper()
	url, folder := startServer(t), t.TempDir()
	release, trap := fileOf(t, folder, "release.yaml"), fileOf(t, folder, "trap.yaml")
	on := func(code int, args ...string) string {
		t.Helper()
		out, _ := command(t, code, append(args, "--server", url)...)
		return out
	}
	on(show.OK, "apply", "-f", release)
	on(show.Failed, "execution", "create", "suite", "-i", "version=broken", "--id", small, "--wait", "50s")
	on(show.OK, "execution", "create", "release", "-i", "version=2.4.0", "--id", finished)
	on(show.OK, "action", "complete", openAction(t, on, finished), "approved=true", "by=kim")
	on(show.OK, "watch", finished)
	on(show.Failed, "execution", "create", "release", "-i", "version=broken", "--id", failed, "--wait", "50s", "-d", "a try")
	on(show.OK, "execution", "create", "release", "-i", "version=2.5.0", "--id", waiting)
	openAction(t, on, waiting)
	lint, _ := command(t, show.Failed, "lint", trap)
	out := map[string]string{
		"execution-list": on(show.OK, "execution", "list", "--rootsonly"),
		"watch":          lastFrame(t, url),
		"explain":        on(show.OK, "explain", waiting),
		"graph":          on(show.OK, "graph", waiting),
		"logs":           on(show.OK, "logs", small, "--kind", "task."),
		"doctor":         on(show.OK, "doctor"),
		"lint":           strings.ReplaceAll(lint, folder+string(filepath.Separator), ""),
	}
	for name, text := range out {
		out[name] = mask(t, text, url)
	}
	return out
}

// openAction waits for the action of a person, and gives its id.
func openAction(t *testing.T, on func(int, ...string) string, execution string) string {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		out := on(show.OK, "execution", "tasks", execution, "-o", "json", "--query", "[?name=='std.async_noop' && action_state=='RUNNING'].action_id | [0]")
		if id := strings.Trim(strings.TrimSpace(out), `"`); id != "null" {
			return id
		}
	}
	t.Fatalf("execution %s has no open action", execution)
	return ""
}

// lastFrame is what `watch` shows on a terminal, when the execution doesn't move.
func lastFrame(t *testing.T, url string) string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out, errs output
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"watch", waiting, "--live", "--server", url}, strings.NewReader(""), &out, &errs)
	}()
	out.await(t, `approve`)
	stop()
	if code := <-ended; code != show.Unavailable {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	text := out.String()
	if i := strings.LastIndex(text, "A\r"); i >= 0 { // up to where the frame before began
		text = text[i+1:]
	}
	return regexp.MustCompile(`\x1b\[[0-9;]*[A-Za-z]|\r`).ReplaceAllString(text, "")
}

var (
	anyUUID  = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	anyTime  = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d\d\d)?`)
	anySpan  = regexp.MustCompile(`\b(\d+m)?\d+s\b`)
	anyTook  = regexp.MustCompile(`(answers after|std.echo ran in) \S+`)
	anyCount = regexp.MustCompile(`\d+ are known`)
	anySlots = regexp.MustCompile(`\d+ of \d+ slots`)
	cutUUID  = regexp.MustCompile(`task_ex_id=[0-9a-f-]*…`)
)

// mask replaces what is different each time.
func mask(t *testing.T, text, url string) string {
	t.Helper()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	text = strings.ReplaceAll(text, url, "http://127.0.0.1:8989")
	text = strings.ReplaceAll(text, host, "host")
	ids := map[string]string{}
	text = anyUUID.ReplaceAllStringFunc(text, func(id string) string {
		if id == waiting || id == finished || id == failed || id == small {
			return id
		}
		if ids[id] == "" {
			ids[id] = fmt.Sprintf("%08x-0000-4000-8000-%012x", 0x9b3e61a4+len(ids), len(ids)+1)
		}
		return ids[id]
	})
	text = anyTime.ReplaceAllStringFunc(text, func(at string) string { return "2026-11-28 09:30:00.000"[:len(at)] })
	text = anyTook.ReplaceAllString(text, "$1 4ms")
	text = anyCount.ReplaceAllString(text, "204 are known")
	text = anySlots.ReplaceAllString(text, "0 of 32 slots")
	text = cutUUID.ReplaceAllString(text, "task_ex_id=9…")
	text = anySpan.ReplaceAllStringFunc(text, func(span string) string { return "1s" + strings.Repeat(" ", len(span)-2) })
	var lines []string
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return strings.Join(lines, "\n") + "\n"
}
