package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"cierzo/actions/std"
)

func TestMain(m *testing.M) {
	std.RunJavaScriptChild()
	testscript.Main(m, map[string]func(){
		"cierzo": func() {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
		},
	})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("EXAMPLES", examples)
			e.Setenv("XDG_DATA_HOME", e.WorkDir)
			e.Setenv("XDG_CONFIG_HOME", e.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exitcode":  exitCode,
			"bigfile":   bigFile,
			"awaitline": awaitLine,
			"serve":     serve,
			"capture":   capture,
		},
	})
}

// exitCode runs a command and compares its exit code: exitcode 2 cierzo run …
func exitCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exitcode code command [args…]")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// bigFile writes a file of so many MiB: bigfile name 50
func bigFile(ts *testscript.TestScript, _ bool, args []string) {
	var mib int
	if _, err := fmt.Sscan(args[1], &mib); err != nil {
		ts.Fatalf("bigfile: %v", err)
	}
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close()
	line := []byte("# " + strings.Repeat("x", 1021) + "\n")
	for range mib * 1024 {
		_, err := f.Write(line)
		ts.Check(err)
	}
}

// awaitLine waits until a file has a line with the text: awaitline file text
func awaitLine(ts *testscript.TestScript, _ bool, args []string) {
	awaitText(ts, ts.MkAbs(args[0]), args[1])
}
