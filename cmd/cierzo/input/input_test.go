package input

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cierzo/fault"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"b.yaml", "a.yml", "deep/c.yaml", "notes.txt"} {
		write(t, filepath.Join(dir, "flows", name), "x")
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "flows"), link); err != nil {
		t.Fatal(err)
	}
	got, err := Files([]string{link, "-", filepath.Join(dir, "flows", "notes.txt")})
	want := []string{link + "/a.yml", link + "/b.yaml", link + "/deep/c.yaml", "-", filepath.Join(dir, "flows", "notes.txt")}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	for _, wrong := range []string{filepath.Join(dir, "nothing"), t.TempDir()} {
		if _, err := Files([]string{wrong}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

func TestAssignments(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	yaml, json := filepath.Join(dir, "v.yaml"), filepath.Join(dir, "v.json")
	write(t, yaml, "list: [1, two]\nname: file\n")
	write(t, json, `{"big": 12345678901234567890, "on": "yes"}`)
	got, err := Assignments("--input", []string{"@" + yaml, "@" + json, `{"n": 1}`, "n=2", "text=a=b", "empty=", `quoted="5"`, "name=flag"})
	if err != nil {
		t.Fatal(err)
	}
	text := map[string]string{}
	for k, v := range got {
		text[k] = string(v)
	}
	want := map[string]string{
		"list": `[1,"two"]`, "name": `"flag"`, "big": "12345678901234567890", "on": `"yes"`, "n": "2", "text": `"a=b"`, "empty": `""`, "quoted": `"5"`,
	}
	for k, v := range want {
		if strings.ReplaceAll(text[k], ", ", ",") != v {
			t.Errorf("%s is %s, want %s", k, text[k], v)
		}
	}
	if len(text) != len(want) {
		t.Errorf("%v", text)
	}
	for _, wrong := range []string{"novalue", "=x", "{broken", "@" + dir + "/nothing"} {
		if _, err := Assignments("--input", []string{wrong}); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "--input") {
			t.Errorf("%s: %v", wrong, err)
		}
	}
	if raw, err := Object("INPUT", json); err != nil || !strings.Contains(string(raw), "12345678901234567890") {
		t.Errorf("a file's name as Mistral's command takes it: %s, %v", raw, err)
	}
	if raw, err := Object("INPUT", ""); raw != nil || err != nil {
		t.Errorf("nothing: %s, %v", raw, err)
	}
}
