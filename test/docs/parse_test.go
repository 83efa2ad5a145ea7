package docs

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParsePage(t *testing.T) {
	t.Parallel()
	text := strings.ReplaceAll(`See [this](docs/README.md#top) and [that](https://example.org/).
'''yaml
# hello.yaml
a: 1
'''
'''yaml
b: [no](file)
'''
'''console
$ make test
$ bin/cierzo run \
    hello.yaml
{
  …
'''
'''sh
$ rm -rf /
'''
`, "'''", "```")
	got, err := parsePage(text)
	if err != nil {
		t.Fatal(err)
	}
	want := page{
		links: []string{"docs/README.md", "https://example.org/"},
		steps: []step{
			{line: 3, file: "hello.yaml", text: "# hello.yaml\na: 1\n"},
			{line: 10, command: "make test"},
			{line: 11, command: "bin/cierzo run hello.yaml", want: []string{"{", "  …"}},
		},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(page{}, step{})); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
	for _, bad := range []string{"```console\nmake test\n```\n", "```console\n$ make\n"} {
		if _, err := parsePage(bad); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want, got string
		ok        bool
	}{
		{"a b", "a b", true},
		{"a b", "a", false},
		{"a", "a b", false},
		{"… b", "a a b", true},
		{"a …", "a", true},
		{"a … c", "a b", false},
		{"… b …", "a b c", true},
	} {
		if ok := matches(strings.Fields(c.want), strings.Fields(c.got)); ok != c.ok {
			t.Errorf("%q against %q: %t", c.want, c.got, ok)
		}
	}
}
