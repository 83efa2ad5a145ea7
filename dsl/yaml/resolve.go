package yaml

import "regexp"

// The forms of scalars, as YAML 1.1 and PyYAML have them.
var (
	boolForm  = regexp.MustCompile(`^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$`)
	floatForm = regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?` +
		`|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
	intForm  = regexp.MustCompile(`^[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)
	timeForm = regexp.MustCompile(`^(\d{4})-(\d\d?)-(\d\d?)(?:(?:[Tt]|[ \t]+)(\d\d?):(\d\d):(\d\d)(?:\.(\d*))?(?:[ \t]*(Z|([-+])(\d\d?)(?::(\d\d))?))?)?$`)
	dateForm = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)
)

// resolve is the tag of a text without quotes, by its form. The first character tells most texts from anything else.
func resolve(text string) string {
	if text == "" {
		return tagPrefix + "null"
	}
	switch c := text[0]; {
	case c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.':
		switch {
		case floatForm.MatchString(text):
			return tagPrefix + "float"
		case intForm.MatchString(text):
			return tagPrefix + "int"
		case c <= '9' && c >= '0' && isTime(text):
			return tagPrefix + "timestamp"
		}
	case text == "~" || text == "null" || text == "Null" || text == "NULL":
		return tagPrefix + "null"
	case len(text) <= 5 && boolForm.MatchString(text):
		return tagPrefix + "bool"
	case text == "<<":
		return tagPrefix + "merge"
	case text == "=":
		return tagPrefix + "value"
	case text == "!" || text == "&" || text == "*":
		return tagPrefix + "yaml"
	}
	return tagPrefix + "str"
}

// isTime reports whether a text is a date with two digits each, or a date and a time.
func isTime(text string) bool {
	m := timeForm.FindStringSubmatch(text)
	return m != nil && (m[4] != "" || dateForm.MatchString(text))
}
