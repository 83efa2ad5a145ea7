package yaql

import (
	"slices"

	"cierzo/expr/value"
)

// entry is a function of the library with its signature in the notation of parseSignature.
type entry struct {
	form form
	text string
	run  func(*args) (value.Value, error)
}

// functions is the library by name.
type functions map[string][]*overload

// library holds all functions; it never changes. Each theme has a file with its entries.
var library = buildLibrary()

// entries are those of all themes.
func entries() []entry {
	return slices.Concat(
		systemEntries(), branchingEntries(), operatorEntries(), numberEntries(), stringEntries(), regexEntries(), collectionEntries(),
		dictEntries(), setEntries(), queryEntries(), generatorEntries(), foldEntries(), dateEntries(), mistralEntries(),
	)
}

func buildLibrary() functions {
	lib := functions{}
	for _, e := range entries() {
		ov := parseSignature(e.form, e.text, e.run)
		lib[ov.name] = append(lib[ov.name], ov)
	}
	for _, overloads := range lib {
		spreadRules(overloads)
	}
	return lib
}

// spreadRules makes the overloads of a name that is called in one form agree on whether "=>" is data.
func spreadRules(overloads []*overload) {
	for _, ov := range overloads {
		for _, other := range overloads {
			if ov.rules && other.form&ov.form != 0 {
				other.rules = true
			}
		}
	}
}

// hasLegacy reports whether older versions have more overloads of a name.
func (l functions) hasLegacy(name string, form form) bool {
	for _, ov := range l[name] {
		if ov.form&form != 0 && ov.form&formLegacy != 0 {
			return true
		}
	}
	return false
}

// find gives the overloads that can be called in a form.
func (l functions) find(name string, form form, options *Options) []*overload {
	var out []*overload
	for _, ov := range l[name] {
		if ov.form&form == 0 || ov.form&formLambdas != 0 && !options.Lambdas || ov.form&formLegacy != 0 && !options.Legacy {
			continue
		}
		out = append(out, ov)
	}
	return out
}
