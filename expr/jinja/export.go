package jinja

import (
	"unicode/utf8"

	"cierzo/expr/scope"
	"cierzo/expr/value"
)

// export makes the result a plain value, as Mistral stores it: what gives items becomes a list of them, markup becomes
// text, functions become their text. Something undefined in it is an error. It is bounded by the limit of output.
func (r *run) export(v value.Value) (value.Value, error) {
	e := exporter{r: r}
	out, _, err := e.export(v)
	return out, err
}

type exporter struct {
	r      *run
	size   int
	dump   bool // for json_dump, which shows a generator instead of drawing from it
	strict bool // for yaml_dump, which has no form for what isn't plain
}

// count takes n items or characters.
func (e *exporter) count(n int) error {
	e.size += n
	if limit := e.r.b.OutputMax(); e.size > limit {
		return &scope.LimitError{Limit: "output", Max: limit}
	}
	return e.r.b.Step()
}

// export also reports whether the value is another one now.
func (e *exporter) export(given value.Value) (value.Value, bool, error) {
	switch v := given.(type) {
	case value.String:
		return given, false, e.count(1 + len(v)) // given, for v would be a copy
	case value.BigInt:
		if err := checkDigits(v.Big()); err != nil {
			return nil, false, err // Mistral makes a text of each result
		}
		return v, false, e.count(1 + v.Big().BitLen()/3)
	case *value.List:
		items, changed, err := e.items(v.Items())
		if err != nil || !changed {
			return v, false, err
		}
		return value.NewList(items), true, nil
	case *value.Tuple:
		items, changed, err := e.items(v.Items())
		if err != nil || !changed {
			return v, false, err
		}
		return value.NewTuple(items), true, nil
	case value.Mapping:
		return e.mapping(v)
	case *value.Set:
		return v, false, e.count(1 + v.Len())
	}
	if given.Kind() == value.KindOpaque {
		out, err := e.object(given)
		return out, true, err
	}
	return given, false, e.count(1)
}

func (e *exporter) items(items []value.Value) ([]value.Value, bool, error) {
	if err := e.r.b.Enter(); err != nil {
		return nil, false, err
	}
	defer e.r.b.Leave()
	if err := e.count(1 + len(items)); err != nil {
		return nil, false, err
	}
	var out []value.Value
	for i, item := range items {
		w, changed, err := e.export(item)
		if err != nil {
			return nil, false, err
		}
		if changed && out == nil {
			out = append(make([]value.Value, 0, len(items)), items[:i]...)
		}
		if out != nil {
			out = append(out, w)
		}
	}
	return out, out != nil, nil
}

func (e *exporter) mapping(m value.Mapping) (value.Value, bool, error) {
	if err := e.r.b.Enter(); err != nil {
		return nil, false, err
	}
	defer e.r.b.Leave()
	if err := e.count(1 + m.Len()); err != nil {
		return nil, false, err
	}
	vals := make([]value.Value, 0, m.Len())
	any := false
	for k, v := range m.All() {
		if _, _, err := e.export(k); err != nil {
			return nil, false, err
		}
		w, changed, err := e.export(v)
		if err != nil {
			return nil, false, err
		}
		any = any || changed
		vals = append(vals, w)
	}
	if !any {
		return m, false, nil
	}
	out := value.NewDict(m.Len())
	for k := range m.All() {
		if err := out.Set(k, vals[out.Len()]); err != nil {
			return nil, false, err
		}
	}
	return out, true, nil
}

// object exports what only templates know.
func (e *exporter) object(v value.Value) (value.Value, error) {
	switch v := v.(type) {
	case *undefined:
		return nil, v.fail()
	case *markup:
		if e.strict {
			return nil, e.unrepresentable(v)
		}
		return value.String(v.s), e.count(1 + len(v.s))
	case *bytesObject:
		return exportBytes(v.b)
	case *generator, *view, *rangeObject:
		if e.strict {
			return nil, e.unrepresentable(v)
		}
		if _, lazy := v.(*generator); lazy && e.dump {
			break
		}
		items, err := e.r.list(v)
		if err != nil {
			return nil, err
		}
		out, _, err := e.export(value.NewList(items))
		return out, err
	case *namespaceObject:
		return nil, typeError("a value of type %s has no JSON form", typeName(v))
	}
	if e.strict {
		return nil, e.unrepresentable(v)
	}
	s, err := e.r.str(v)
	return value.String(s), err
}

func (e *exporter) unrepresentable(v value.Value) error {
	s, err := e.r.repr(v)
	if err != nil {
		return err
	}
	return raise("RepresenterError", "('cannot represent an object', %s)", s)
}

// exportBytes reads bytes as UTF-8, which is how Mistral stores them.
func exportBytes(b string) (value.Value, error) {
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRuneInString(b[i:])
		if r == utf8.RuneError && size <= 1 {
			return nil, raise("UnicodeDecodeError", "'utf-8' codec can't decode byte 0x%02x in position %d: invalid start byte", b[i], i)
		}
		i += size
	}
	return value.String(b), nil
}
