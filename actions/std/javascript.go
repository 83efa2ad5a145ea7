package std

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"cierzo/actions"
	"cierzo/expr/value"
)

// The limits of a script besides Config.JavaScriptTimeout.
const (
	// scriptMemoryMax bounds what the interpreter allocates, in bytes.
	scriptMemoryMax = 128 << 20
	// scriptSpaceMax bounds what the address space of its process grows by, in bytes: interpreter and garbage of Go.
	scriptSpaceMax = 1 << 30
	// scriptBytesMax bounds script and context together, and the result, in bytes of JSON.
	scriptBytesMax = 5 << 20
	// scriptComplaintMax bounds what is kept of the standard error of an interpreter that crashed, in bytes.
	scriptComplaintMax = 4 << 10
	// scriptStartMax is what starting the process may take besides the script's time.
	scriptStartMax = 10 * time.Second
)

// scriptVariable in the environment makes a process an interpreter; its value is the script's time in seconds.
const scriptVariable = "CIERZO_JAVASCRIPT"

const javaScriptClass = class + "JavaScriptAction"

// Interpreter runs scripts in child processes. The zero value can't: RunJavaScriptChild makes one that can.
//
// A child is this program's own file, started again; that is why the program's main function must call RunJavaScriptChild
// before it does anything else:
//
//	func main() {
//		scripts := std.RunJavaScriptChild()
//		…
//		std.Register(registry, std.Config{JavaScript: scripts})
type Interpreter struct{ program string }

// RunJavaScriptChild is the first thing that a program's main function (or TestMain) calls. In a process that was started
// to run a script it does that and ends the process; otherwise it returns the interpreter for Config.JavaScript.
func RunJavaScriptChild() Interpreter {
	if limit := os.Getenv(scriptVariable); limit != "" {
		os.Exit(scriptChild(limit, os.Stdin, os.Stdout, os.Stderr))
	}
	if runtime.GOOS == "linux" {
		return Interpreter{"/proc/self/exe"} // the program that runs, even if its file was replaced
	}
	program, err := os.Executable()
	if err != nil {
		return Interpreter{}
	}
	return Interpreter{program}
}

func javaScript(cfg Config, name string) actions.Action {
	return actions.Action{
		Name: name, Class: javaScriptClass, SafeRerun: true,
		Description: "Runs a script and succeeds with what it returns. It has neither files nor network, and bounded time and memory.",
		Params: []actions.Param{
			{Name: "script", Doc: "the body of a function: `return $.a + 1`"},
			optional("context", "the value of $ in the script"),
		},
		Run: func(ctx context.Context, c *actions.Call) actions.Result {
			v, err := cfg.JavaScript.run(ctx, c, cfg.JavaScriptTimeout)
			switch {
			case err == nil:
				return actions.Value(v)
			case ctx.Err() != nil:
				return actions.Cancelled()
			default:
				return raised(javaScriptClass, c, "JavaScriptAction failed: %v", err)
			}
		},
	}
}

// run starts a child, gives it the script and takes its answer: {"value": …} or {"error": "…"}.
func (i Interpreter) run(ctx context.Context, c *actions.Call, limit time.Duration) (value.Value, error) {
	if i.program == "" {
		return nil, errors.New("this program has no JavaScript: its main function must begin with std.RunJavaScriptChild(), " +
			"and give what that returns to std.Config.JavaScript")
	}
	job := value.NewDict(2)
	job.SetString("script", value.String(value.Str(given(c, "script"))))
	job.SetString("context", given(c, "context"))
	input, err := value.AppendJSON(nil, job)
	if err != nil {
		return nil, err
	}
	if len(input) > scriptBytesMax {
		return nil, fmt.Errorf("script and context have %d bytes (limit %d)", len(input), scriptBytesMax)
	}
	ctx, cancel := context.WithTimeout(ctx, limit+scriptStartMax)
	defer cancel()
	answer, complaint := &bounded{max: scriptBytesMax + 1024}, &bounded{max: scriptComplaintMax, drop: true}
	cmd := exec.CommandContext(ctx, i.program)
	cmd.Args = []string{"cierzo-javascript"}
	cmd.Env = []string{scriptVariable + "=" + strconv.FormatFloat(limit.Seconds(), 'f', -1, 64), "GOTRACEBACK=none", "GOMAXPROCS=2"}
	cmd.Dir = "/"
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), answer, complaint
	cmd.WaitDelay = time.Second
	detach(cmd)
	if err := cmd.Run(); err != nil {
		return nil, crash(err, limit, complaint.kept.String())
	}
	return parseAnswer(answer.kept.Bytes())
}

// crash says why a child ended without an answer.
func crash(err error, limit time.Duration, complaint string) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == -1 {
		return fmt.Errorf("the script was killed at its limits (%s, %d MiB of memory)", limit, scriptMemoryMax>>20)
	}
	first, _, _ := strings.Cut(strings.TrimSpace(complaint), "\n")
	if first == "" {
		return fmt.Errorf("the interpreter ended: %w", err)
	}
	return fmt.Errorf("the interpreter ended: %w: %s", err, first)
}

func parseAnswer(data []byte) (value.Value, error) {
	v, err := value.ParseJSON(data)
	if err != nil {
		return nil, fmt.Errorf("the result is no JSON: %w", err)
	}
	answer, ok := v.(*value.Dict)
	if !ok {
		return nil, errors.New("the interpreter gave no answer")
	}
	if text, failed := answer.GetString("error"); failed {
		return nil, errors.New(value.Str(text))
	}
	result, ok := answer.GetString("value")
	if !ok {
		return nil, errors.New("the interpreter gave no answer")
	}
	return result, nil
}
