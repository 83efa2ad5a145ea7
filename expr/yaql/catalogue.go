package yaql

import (
	"slices"
	"strings"
)

// Function is a function of the library as people are shown it.
type Function struct {
	Name      string
	Signature string // name(parameter: type = default, …); of a method the first parameter is what stands in front of it
	Method    bool   // x.f() rather than f(x); what can be called both ways is listed as a function
}

// Functions lists the library: everything that can be called by a name, each overload by itself, sorted. legacy adds what Mistral
// had before version 16.
func Functions(legacy bool) []Function {
	var out []Function
	for _, e := range entries() {
		if e.form&formBoth == 0 || e.form&formLambdas != 0 || e.form&formLegacy != 0 && !legacy {
			continue
		}
		name, _, _ := strings.Cut(e.text, "(")
		if strings.HasPrefix(name, "#") || strings.HasPrefix(name, "*") {
			continue // an operator
		}
		out = append(out, Function{Name: name, Signature: e.text, Method: e.form&formFunction == 0})
	}
	slices.SortStableFunc(out, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	return out
}
