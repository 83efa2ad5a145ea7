// Command cierzo is the workflow engine and its command line in one binary.
//
//	cierzo server            a node: engine, runner and API on a SQLite file by default
//	cierzo run FILE.yaml     runs a workflow to its end, on an embedded node or on a server
//	cierzo lint FILE…        looks at definitions without running them
//	cierzo eval EXPRESSION   evaluates YAQL or Jinja on data
//	cierzo schema            the language as JSON Schema, for editors
//	cierzo config show       the effective settings, each with its origin
//
// and the commands of package remote, which talk to a server: `cierzo execution create`, `watch`, `apply`, `import`, …
//
// Exit codes: 0 success, 1 the work failed, 2 the request was wrong, 3 the execution is paused, 4 it was cancelled,
// 5 something needed is not available.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"cierzo/actions/std"
	"cierzo/cmd/cierzo/show"
	"cierzo/fault"
	"cierzo/node"
)

func main() {
	std.RunJavaScriptChild() // the process may be one that runs a script; it is no command then
	heapFloor := collectSeldom()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	runtime.KeepAlive(heapFloor)
	os.Exit(code)
}

// heapFloorBytes is the size of a piece of memory that nobody touches, so that it takes none, and that the garbage collector counts as what lives on:
// without it the heap of a program that keeps little is collected over and over, after each few hundred actions.
const heapFloorBytes = 16 << 20

// collectSeldom has the garbage collected when the heap is three times what was left the time before, not twice, and not before it has 48 MiB,
// as long as its result is kept. What lives on is small: of ten thousand executions in memory less than 50 MiB. GOGC of the environment is heeded.
func collectSeldom() (heapFloor []byte) {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	debug.SetGCPercent(200)
	return make([]byte, heapFloorBytes)
}

// run is main without the process around it.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(flatNames(root, args))
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var exit show.Exit
	switch {
	case err == nil:
		return show.OK
	case errors.As(err, &exit):
		return exit.Code
	}
	fmt.Fprintln(stderr, node.Explain(err))
	switch fault.KindOf(err) {
	case fault.Invalid, fault.NotFound, fault.TooLarge, fault.Conflict, fault.Forbidden:
		return show.Usage
	case fault.Unavailable:
		return show.Unavailable
	default:
		return show.Failed
	}
}
