package jinja

import (
	"slices"
	"strings"
)

// Function is a name that expressions can use, as people are shown it.
type Function struct {
	Name      string
	Kind      string // "function", "filter" or "test"
	Signature string // name(parameters); of filters and tests without the first, which is what stands in front of them
}

// Functions lists the functions, filters and tests, sorted. legacy adds what Mistral had before version 16.
func Functions(legacy bool) []Function {
	var out []Function
	for _, name := range filterNames() {
		out = append(out, Function{Name: name, Kind: "filter", Signature: signature(name, lookupFilter(name), 1)})
	}
	for _, name := range testNames() {
		out = append(out, Function{Name: name, Kind: "test", Signature: signature(name, lookupTest(name), 1)})
	}
	for _, name := range globalNames() {
		var fn *builtin
		switch g := global(name).(type) {
		case *function:
			fn = g.fn
		case *classObject:
			fn = g.fn
		}
		out = append(out, Function{Name: name, Kind: "function", Signature: signature(name, fn, 0)})
	}
	for _, name := range mistralNames() {
		out = append(out, Function{Name: name, Kind: "function", Signature: signature(name, mistralBuiltin(name), 0)})
	}
	if legacy {
		out = append(out, Function{Name: "json_pp", Kind: "function", Signature: "json_pp(data=…)"})
	}
	slices.SortStableFunc(out, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// signature writes a function's parameters from the given one on; = says that one can be left out.
func signature(name string, fn *builtin, from int) string {
	var list []string
	for i, p := range fn.params {
		switch {
		case i < from:
		case i >= fn.required:
			list = append(list, p+"=…")
		default:
			list = append(list, p)
		}
	}
	if fn.variadic {
		list = append(list, "*args")
	}
	if fn.keywords {
		list = append(list, "**kwargs")
	}
	if len(list) == 0 && from > 0 {
		return name
	}
	return name + "(" + strings.Join(list, ", ") + ")"
}

// The names that the tables of this package know: a test holds them equal.

func filterNames() []string {
	return strings.Fields(`abs attr batch capitalize center count length d default dictsort e escape filesizeformat first float
		forceescape format groupby indent int items join last list lower map max min pprint random reject rejectattr replace reverse
		round safe select selectattr slice sort string striptags sum title tojson trim truncate unique upper urlencode urlize wordcount
		wordwrap xmlattr`)
}

// testNames leaves out the tests that are operators.
func testNames() []string {
	return strings.Fields(`odd even divisibleby defined undefined filter test none boolean false true integer float lower upper string
		mapping number sequence iterable callable sameas escaped in eq equalto ne gt greaterthan ge lt lessthan le`)
}

func globalNames() []string { return strings.Fields("range dict namespace cycler joiner lipsum") }

func mistralNames() []string {
	return strings.Fields("env execution executions task tasks global uuid json_parse json_dump yaml_parse yaml_dump")
}
