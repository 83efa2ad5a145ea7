package jinja

import (
	"strconv"
	"strings"

	"cierzo/expr/value"
)

// getter reads an attribute of an item, which may be a path as "a.b" or "tags.0".
type getter struct {
	single    value.Value // the path, where it is one name or number; nil: see parts
	parts     []value.Value
	lowercase bool        // compare texts without case
	otherwise value.Value // for what is undefined; nil: it stays so
}

func newGetter(attribute value.Value, lowercase bool, otherwise value.Value) getter {
	g := getter{lowercase: lowercase}
	if otherwise != nil {
		if _, none := otherwise.(value.Null); !none {
			g.otherwise = otherwise
		}
	}
	switch a := attribute.(type) {
	case nil, value.Null:
	default:
		if s, ok := textOf(a); ok {
			if _, plain := a.(value.String); plain && isName(s) {
				g.single = a
			} else {
				g.parts = pathOf(s)
			}
		} else {
			g.single = a
		}
	}
	return g
}

// newGetterRef is newGetter for what keeps the getter.
func newGetterRef(attribute, otherwise value.Value) *getter {
	g := newGetter(attribute, false, otherwise)
	return &g
}

// isName reports whether a path is one name.
func isName(s string) bool {
	return (s == "" || s[0] < '0' || s[0] > '9') && strings.IndexByte(s, '.') < 0
}

func pathOf(s string) []value.Value {
	parts := make([]value.Value, 0, 1)
	for part := range strings.SplitSeq(s, ".") {
		if part != "" && part[0] >= '0' && part[0] <= '9' {
			if n, err := strconv.Atoi(part); err == nil {
				parts = append(parts, value.Int(n))
				continue
			}
		}
		parts = append(parts, value.String(part))
	}
	return parts
}

func (g *getter) get(r *run, item value.Value) (value.Value, error) {
	var err error
	if g.single != nil {
		if item, err = g.step(r, item, g.single); err != nil {
			return nil, err
		}
	}
	for _, part := range g.parts {
		if item, err = g.step(r, item, part); err != nil {
			return nil, err
		}
	}
	if g.lowercase {
		return ignoreCase(item), nil
	}
	return item, nil
}

func (g *getter) step(r *run, item, part value.Value) (value.Value, error) {
	var err error
	if v := fromDict(item, part); v != nil {
		item = v
	} else {
		item, err = r.getitem(item, part)
	}
	if err == nil && g.otherwise != nil && isUndefined(item) {
		item = g.otherwise
	}
	return item, err
}

// fromDict is the short way of getitem for what most items are; nil: it isn't there, or not that simple.
func fromDict(item, part value.Value) value.Value {
	d, ok := item.(*value.Dict)
	if !ok {
		return nil
	}
	name, ok := part.(value.String)
	if !ok {
		return nil
	}
	v, _ := d.GetString(string(name))
	return v
}

func ignoreCase(v value.Value) value.Value {
	if s, ok := textOf(v); ok {
		if _, plain := v.(value.String); plain && isLowerASCII(s) {
			return v
		}
		return value.String(value.Lower(s))
	}
	return v
}
