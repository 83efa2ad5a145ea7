package std

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"modernc.org/quickjs"
)

// scriptChild is the process that runs one script: it ties its own hands, reads the job, and writes the answer. The
// interpreter is C made into Go, so that a flaw of its memory is one of this process, which has nothing to lose.
func scriptChild(limit string, in io.Reader, out, complaints io.Writer) int {
	seconds, err := strconv.ParseFloat(limit, 64)
	if err != nil || !(seconds > 0) {
		fmt.Fprintf(complaints, "%s=%q is no number of seconds\n", scriptVariable, limit)
		return 2
	}
	if err := confine(seconds); err != nil {
		fmt.Fprintf(complaints, "limit the interpreter: %v\n", err)
		return 2
	}
	var job struct {
		Script  string
		Context json.RawMessage
	}
	if err := json.NewDecoder(in).Decode(&job); err != nil {
		fmt.Fprintf(complaints, "read the script: %v\n", err)
		return 2
	}
	answer := map[string]any{}
	result, err := evaluate(job.Script, string(job.Context), time.Duration(seconds*float64(time.Second)))
	switch {
	case err != nil:
		answer["error"] = err.Error()
	case len(result) > scriptBytesMax:
		answer["error"] = fmt.Sprintf("the result has %d bytes (limit %d)", len(result), scriptBytesMax)
	case !json.Valid([]byte(result)):
		answer["error"] = "the result is no JSON"
	default:
		answer["value"] = json.RawMessage(result)
	}
	if err := json.NewEncoder(out).Encode(answer); err != nil {
		fmt.Fprintf(complaints, "write the answer: %v\n", err)
		return 2
	}
	return 0
}

// evaluate runs the script as the body of a function, with $ as the context, and gives its result as JSON.
func evaluate(script, context string, limit time.Duration) (string, error) {
	vm, err := quickjs.NewVM()
	if err != nil {
		return "", err
	}
	vm.SetMemoryLimit(scriptMemoryMax)
	if err := vm.SetEvalTimeout(limit); err != nil {
		return "", err
	}
	if context == "" {
		context = "null"
	}
	data, err := vm.CallValue("JSON.parse", context)
	if err != nil {
		return "", err
	}
	name, err := vm.NewAtom("$")
	if err != nil {
		return "", err
	}
	global := vm.GlobalObject()
	if err := vm.SetPropertyValue(global, name, data); err != nil {
		return "", err
	}
	// The function begins on the first line, so that numbers of lines in errors are the script's.
	result, err := vm.Eval("JSON.stringify((function f() {"+script+"\n})())", quickjs.EvalGlobal)
	if err != nil {
		if strings.Contains(err.Error(), "InternalError: interrupted") {
			return "", fmt.Errorf("the script took longer than %s", limit)
		}
		return "", err
	}
	if text, ok := result.(string); ok {
		return text, nil
	}
	return "null", nil // undefined and functions have no JSON form
}
