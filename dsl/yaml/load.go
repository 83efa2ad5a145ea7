package yaml

import (
	"strings"

	"cierzo/expr/value"
)

// Load reads a document as a value, for expressions: an empty document is null, as in PyYAML. The error is an *Error.
func Load(src []byte) (value.Value, error) {
	n, err := Parse(src)
	if err != nil {
		return nil, err
	}
	if n.kind == mappingNode && n.tag == "" { // what Parse gives for nothing
		return value.Null{}, nil
	}
	return n.Value, nil
}

// Class is the name of PyYAML's exception.
func (e *Error) Class() string {
	context := func(prefix string) bool { return strings.HasPrefix(e.Context, prefix) }
	problem := func(prefix string) bool { return strings.HasPrefix(e.Problem, prefix) }
	switch {
	case e.text == "" || problem("unacceptable character"):
		return "ReaderError"
	case context("expected a single document"):
		return "ComposerError"
	case context("while constructing"), problem("could not determine a constructor"), problem("expected a "):
		return "ConstructorError"
	case context("while scanning"), context("while parsing a tag"), problem("found character"), strings.HasSuffix(e.Problem, "are not allowed here"):
		return "ScannerError"
	case context("while parsing"), problem("expected '<document start>'"), problem("found duplicate YAML"),
		problem("found incompatible YAML"), problem("duplicate tag handle"):
		return "ParserError"
	}
	return "ValueError"
}
