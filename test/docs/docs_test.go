package docs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// commandTimeout bounds one command; it is there to end a test that hangs, not to measure.
const commandTimeout = 2 * time.Minute

// TestPages checks every page: its links, then its files and commands.
func TestPages(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	book := book{root: root, targets: makeTargets(t, root), binary: sync.OnceValues(func() (string, error) { return build(t.TempDir(), root) })}
	names, err := filepath.Glob(filepath.Join(root, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	below, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 3 || len(below) == 0 {
		t.Fatalf("found the pages %q and %q: this isn't the repository", names, below)
	}
	for _, name := range append(names, below...) {
		relative, err := filepath.Rel(root, name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(relative, func(t *testing.T) {
			t.Parallel()
			book.check(t, relative)
		})
	}
}

// book is what all pages share.
type book struct {
	root    string
	targets map[string]bool
	binary  func() (string, error)
	address string // of the page's server, if it has begun one that stays
}

func (b book) check(t *testing.T, name string) {
	text, err := os.ReadFile(filepath.Join(b.root, name))
	if err != nil {
		t.Fatal(err)
	}
	page, err := parsePage(string(text))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, target := range page.links {
		if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
			continue
		}
		if _, err := os.Stat(filepath.Join(b.root, filepath.Dir(name), target)); err != nil {
			t.Errorf("%s: a link leads nowhere: %s", name, target)
		}
	}
	folder := ""
	for _, step := range page.steps {
		if target, ok := strings.CutPrefix(step.command, "make "); ok {
			if !b.targets[target] {
				t.Errorf("%s:%d: the Makefile has no target %q", name, step.line, target)
			}
			continue
		}
		if folder == "" {
			folder = b.workspace(t)
		}
		switch {
		case step.file != "":
			b.write(t, name, folder, step)
		case strings.HasPrefix(step.command, "bin/cierzo server") && strings.HasSuffix(step.command, "&"):
			step.command = strings.TrimSpace(strings.TrimSuffix(step.command, "&"))
			address, stop := b.start(t, name, folder, step)
			t.Cleanup(stop) // before the command's own cleanup, which would kill it
			b.address = address
		default:
			b.run(t, name, folder, step)
		}
	}
}

// workspace makes a folder that looks like the repository after make build.
func (b book) workspace(t *testing.T) string {
	t.Helper()
	binary, err := b.binary()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "bin"), 0o750); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{binary: "bin/cierzo", filepath.Join(b.root, "examples"): "examples"} {
		if err := os.Symlink(from, filepath.Join(folder, to)); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// write writes a file of the page, and runs it if it is a program.
func (b book) write(t *testing.T, name, folder string, s step) {
	t.Helper()
	file := filepath.Join(folder, s.file)
	if err := os.WriteFile(file, []byte(s.text), 0o600); err != nil {
		t.Fatal(err)
	}
	if filepath.Ext(s.file) != ".go" {
		return
	}
	program := filepath.Join(folder, "program")
	build := exec.Command("go", "build", "-o", program, file)
	build.Dir = b.root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s:%d: build the program: %v\n%s", name, s.line, err, out)
	}
	b.run(t, name, folder, step{line: s.line, command: "./program"})
}

// standardAddress is a server's own choice, which pages mean when they name it.
const standardAddress = "http://127.0.0.1:8989"

// run runs a command as a reader would, and compares what it prints if the page says it.
func (b book) run(t *testing.T, name, folder string, s step) {
	t.Helper()
	if strings.HasPrefix(s.command, "bin/cierzo server") {
		b.serve(t, name, folder, s)
		return
	}
	command := s.command
	if b.address != "" && !strings.HasPrefix(command, "bin/cierzo profile") { // which only writes it down
		command = strings.ReplaceAll(command, standardAddress, b.address)
	}
	cmd := b.command(t, folder, command)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s:%d: %s: %v\n%s%s", name, s.line, s.command, err, out, stderr.Bytes())
		return
	}
	got := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
	if len(s.want) > 0 && !matches(s.want, got) {
		t.Errorf("%s:%d: %s prints\n%s\nand the page says\n%s", name, s.line, s.command, out, strings.Join(s.want, "\n"))
	}
}

// listening finds the address in a server's log.
var listening = regexp.MustCompile(`https?://[0-9a-z.\[\]:]+:[0-9]+`)

// serve starts a server on a free port, waits until it says where it listens, asks for its health, and stops it.
func (b book) serve(t *testing.T, name, folder string, s step) {
	t.Helper()
	_, stop := b.start(t, name, folder, s)
	stop()
}

// start starts a server on a free port, and gives its address when it is well, and how to stop it.
func (b book) start(t *testing.T, name, folder string, s step) (string, func()) {
	t.Helper()
	cmd := b.command(t, folder, s.command+" --listen 127.0.0.1:0")
	logs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var seen strings.Builder
	address := ""
	lines := bufio.NewScanner(logs)
	for address == "" && lines.Scan() {
		seen.WriteString(lines.Text() + "\n")
		address = listening.FindString(lines.Text())
	}
	if address == "" {
		t.Errorf("%s:%d: %s never says where it listens: %v\n%s", name, s.line, s.command, cmd.Wait(), seen.String())
		return "", func() {}
	}
	if err := get(address + "/healthcheck"); err != nil {
		t.Errorf("%s:%d: %s: %v", name, s.line, s.command, err)
	}
	read := make(chan error, 1)
	go func() {
		_, err := io.Copy(&seen, logs)
		read <- err
	}()
	return address, func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := <-read; err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s:%d: %s after SIGTERM: %v\n%s", name, s.line, s.command, err, seen.String())
		}
	}
}

func (b book) command(t *testing.T, folder, command string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, "bash", "-c", "exec "+command)
	if strings.ContainsAny(command, "|;&") {
		cmd = exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", command)
	}
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "HOME="+folder, "XDG_DATA_HOME="+folder, "XDG_CONFIG_HOME="+folder, "CIERZO_SERVER="+b.address)
	return cmd
}

func get(url string) error {
	client := http.Client{Timeout: commandTimeout}
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return errors.New("GET " + url + ": " + response.Status)
	}
	return response.Body.Close()
}

func build(folder, root string) (string, error) {
	binary := filepath.Join(folder, "cierzo")
	cmd := exec.Command("go", "build", "-o", binary, "./cmd/cierzo")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build cierzo: %w\n%s", err, out)
	}
	return binary, nil
}

func makeTargets(t *testing.T, root string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	targets := map[string]bool{}
	for _, found := range regexp.MustCompile(`(?m)^([a-z-]+):.*## `).FindAllStringSubmatch(string(text), -1) {
		targets[found[1]] = true
	}
	return targets
}
