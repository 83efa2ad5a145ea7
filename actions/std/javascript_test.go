package std_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cierzo/actions/std"
)

// scripts is the interpreter of this test binary.
var scripts std.Interpreter

func TestMain(m *testing.M) {
	scripts = std.RunJavaScriptChild()
	os.Exit(m.Run())
}

func TestJavaScript(t *testing.T) {
	t.Parallel()
	cfg := std.Config{JavaScript: scripts, JavaScriptTimeout: 3 * time.Minute}
	failed := func(text string) string { return exception("JavaScriptAction", "JavaScriptAction failed: "+text) }
	for _, c := range []struct{ script, context, want string }{
		{"return 1 + 1", "null", "value 2"},
		{"return $.a.concat([{b: $.n}])", `{"a": [1, 1.5], "n": null}`, `value [1, 1.5, {"b": null}]`},
		{"return Object.keys($).join()", `{"z": 1, "a": 2, "__proto__": 3}`, `value "z,a,__proto__"`},
		{"return {z: 1, a: 'ü☃😀'} // and a comment", "null", `value {"z": 1, "a": "ü☃😀"}`},
		{"", "null", "value null"},
		{"return undefined", "null", "value null"},
		{"return f", "null", "value null"},
		{"return $", "null", "value null"},
		{"return NaN", "null", "value null"},
		{"return 1e3", "null", "value 1000"},
		{"throw new Error('boom')", "null", failed("Error: boom")},
		{"throw 'x'", "null", failed("x")},
		{"return nothing", "null", failed("ReferenceError: 'nothing' is not defined")},
		{"return (", "null", failed("SyntaxError: unexpected token in expression: '}'")},
		{"return 1n", "null", failed("TypeError: Do not know how to serialize a BigInt")},
		{"JSON.stringify = () => 'x'; return 1", "null", "value 1"},
		{"return typeof require + typeof std + typeof os + typeof fetch", "null", `value "undefinedundefinedundefinedundefined"`},
		{"(function r() { r() })()", "null", failed("InternalError: stack overflow")},
		{"let a = []; while (true) a.push(new Uint8Array(1e6).fill(7))", "null", failed("InternalError: out of memory")},
		{"return 'x'.repeat(1e9)", "null", failed("InternalError: out of memory")},
		{"return 'x'.repeat(6e6)", "null", failed("the result has 6000002 bytes (limit 5242880)")},
	} {
		t.Run(c.script, func(t *testing.T) {
			t.Parallel()
			a := find(t, cfg, "std.javascript")
			in := call(t, a, fmt.Sprintf(`{"script": %q, "context": %s}`, c.script, c.context))
			if diff := cmp.Diff(c.want, show(t, a.Run(t.Context(), in))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestJavaScriptTime: scripts that never end are ended, also those that spend their time inside one built-in function.
func TestJavaScriptTime(t *testing.T) {
	t.Parallel()
	cfg := std.Config{JavaScript: scripts, JavaScriptTimeout: 200 * time.Millisecond}
	for _, script := range []string{
		"while (true) {}",
		"try { while (true) {} } finally { while (true) {} }",
		"return /(a|aa)+$/.test('a'.repeat(60) + 'b')",
		"let a = Array(1e6).fill(1); while (true) a.sort(() => 1)",
		"return new Date(NaN) > 0 ? 1 : [...function*() { while (true) yield 1 }()].length",
	} {
		got := run(t, cfg, "std.js", fmt.Sprintf(`{"script": %q}`, script))
		took := exception("JavaScriptAction", "JavaScriptAction failed: the script took longer than 200ms")
		memory := exception("JavaScriptAction", "JavaScriptAction failed: InternalError: out of memory")
		killed := exception("JavaScriptAction", "JavaScriptAction failed: the script was killed at its limits (200ms, 128 MiB of memory)")
		if got != took && got != memory && got != killed {
			t.Errorf("%s: %s", script, got)
		}
	}
}

// TestJavaScriptUnwired is a program that doesn't call RunJavaScriptChild: it isn't started again, that would be a second
// one of it.
func TestJavaScriptUnwired(t *testing.T) {
	t.Parallel()
	got := run(t, std.Config{}, "std.javascript", `{"script": "return 1"}`)
	if want := "this program has no JavaScript: its main function must begin with std.RunJavaScriptChild()"; !strings.Contains(got, want) {
		t.Error(got)
	}
}

func TestJavaScriptInputLimit(t *testing.T) {
	t.Parallel()
	got := run(t, std.Config{JavaScript: scripts}, "std.js", `{"script": "`+strings.Repeat(" ", 5<<20)+`"}`)
	if want := exception("JavaScriptAction", "JavaScriptAction failed: script and context have 5242911 bytes (limit 5242880)"); got != want {
		t.Errorf("got %.300s", got)
	}
}

func TestJavaScriptCancel(t *testing.T) {
	t.Parallel()
	cfg := std.Config{JavaScript: scripts, JavaScriptTimeout: time.Hour}
	a := find(t, cfg, "std.js")
	testCancel(t, a, call(t, a, `{"script": "while (true) {}"}`), nil)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if got := show(t, a.Run(ctx, call(t, a, `{"script": "while (true) {}"}`))); got != "cancelled" {
		t.Error(got)
	}
}
