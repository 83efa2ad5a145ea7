package yaql

import (
	"errors"

	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// formatSizeMax bounds what one format() makes.
const formatSizeMax = 1 << 20

// formatText is str.format, which Mistral 15 had.
func formatText(a *args) (value.Value, error) {
	for _, v := range a.rest {
		if err := a.r.measure(v); err != nil {
			return nil, err
		}
	}
	for _, b := range a.kw {
		if err := a.r.measure(b.v); err != nil {
			return nil, err
		}
	}
	named := func(name string) (value.Value, bool) {
		for _, b := range a.kw {
			if b.name == name {
				return b.v, true
			}
		}
		return nil, false
	}
	tooLong := &scope.LimitError{Limit: "items", Max: formatSizeMax}
	text, err := value.Format(a.str(0), a.rest, named, formatSizeMax, tooLong)
	var raised *value.FormatError
	if errors.As(err, &raised) {
		return nil, &Error{raised.Class, raised.Msg}
	}
	if err != nil {
		return nil, err
	}
	return a.text(text)
}
