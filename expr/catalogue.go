package expr

import (
	"cierzo/expr/jinja"
	"cierzo/expr/yaql"
)

// Function is a name that expressions of a language can use, as people are shown it.
type Function struct {
	Lang      string // "yaql" or "jinja"
	Name      string
	Kind      string // "function"; of YAQL also "method"; of Jinja also "filter" and "test"
	Signature string // for people
}

// Catalogue lists what expressions can use: YAQL's first, each language's by name; what can be called in several ways several
// times. legacy adds what Mistral had before version 16.
func Catalogue(legacy bool) []Function {
	var out []Function
	for _, f := range yaql.Functions(legacy) {
		kind := "function"
		if f.Method {
			kind = "method"
		}
		out = append(out, Function{Lang: "yaql", Name: f.Name, Kind: kind, Signature: f.Signature})
	}
	for _, f := range jinja.Functions(legacy) {
		out = append(out, Function{Lang: "jinja", Name: f.Name, Kind: f.Kind, Signature: f.Signature})
	}
	return out
}
