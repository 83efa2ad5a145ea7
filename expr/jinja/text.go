package jinja

import (
	"fmt"
	"math/big"
	"strings"

	"cierzo/expr/value"
)

// digitsMax is how long Python lets the text of an integer be.
const digitsMax = 4300

// str is Python's str(v). It is an error for what is undefined.
func (r *run) str(v value.Value) (string, error) {
	switch v := v.(type) {
	case value.String:
		return string(v), nil
	case *markup:
		return v.s, nil
	case *undefined:
		if v.lenient {
			return "", nil
		}
		return "", v.fail()
	case value.Int, value.Bool, value.Null, value.Float:
		return value.Str(v), nil
	case value.DateTime, value.TimeSpan, value.Date:
		return value.Str(v), r.make(32)
	}
	return r.repr(v)
}

// repr is Python's repr(v).
func (r *run) repr(v value.Value) (string, error) {
	var b strings.Builder
	err := r.writeRepr(&b, v)
	return b.String(), err
}

// writeRepr takes each piece from the budget before it is written, for a value may hold another many times.
func (r *run) writeRepr(b *strings.Builder, v value.Value) error {
	if err := r.b.Step(); err != nil {
		return err
	}
	switch v := v.(type) {
	case *value.List:
		return r.writeItems(b, "[", v.Items(), "]")
	case *value.Tuple:
		if v.Len() == 1 {
			return r.writeItems(b, "(", v.Items(), ",)")
		}
		return r.writeItems(b, "(", v.Items(), ")")
	case *value.Set:
		if v.Len() == 0 {
			b.WriteString("set()")
			return nil
		}
		return r.writeItems(b, "{", v.Items(), "}")
	case value.Mapping:
		return r.writeDict(b, v)
	case *namespaceObject:
		b.WriteString("<Namespace ")
		if err := r.writeDict(b, v.attrs); err != nil {
			return err
		}
		b.WriteString(">")
		return nil
	case *loopObject:
		n, err := v.count(r)
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "<LoopContext %d/%d>", v.index+1, n)
		return nil
	case *view:
		items, err := r.list(v)
		if err != nil {
			return err
		}
		b.WriteString("dict_" + v.kind + "(")
		if err := r.writeItems(b, "[", items, "]"); err != nil {
			return err
		}
		b.WriteString(")")
		return nil
	case value.String:
		if err := r.make(len(v) + 2); err != nil {
			return err
		}
	case value.BigInt:
		if err := r.make(v.Big().BitLen()/3 + 1); err != nil {
			return err
		}
		if err := checkDigits(v.Big()); err != nil {
			return err
		}
	default:
		if err := r.make(8); err != nil {
			return err
		}
	}
	b.WriteString(value.Repr(v))
	return nil
}

func (r *run) writeItems(b *strings.Builder, open string, items []value.Value, end string) error {
	if err := r.b.Enter(); err != nil {
		return err
	}
	defer r.b.Leave()
	b.WriteString(open)
	for i, item := range items {
		if i > 0 {
			b.WriteString(", ")
		}
		if err := r.writeRepr(b, item); err != nil {
			return err
		}
	}
	b.WriteString(end)
	return r.make(2 + 2*len(items))
}

func (r *run) writeDict(b *strings.Builder, m value.Mapping) error {
	if err := r.b.Enter(); err != nil {
		return err
	}
	defer r.b.Leave()
	b.WriteByte('{')
	first := true
	for k, v := range m.All() {
		if !first {
			b.WriteString(", ")
		}
		first = false
		if err := r.writeRepr(b, k); err != nil {
			return err
		}
		b.WriteString(": ")
		if err := r.writeRepr(b, v); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return r.make(2 + 4*m.Len())
}

// checkDigits refuses the text of an integer that is longer than Python lets it be.
func checkDigits(n *big.Int) error {
	bits := n.BitLen()
	if bits < digitsMax*3321928/1000000 {
		return nil
	}
	if bits <= digitsMax*3321929/1000000+1 && len(new(big.Int).Abs(n).String()) <= digitsMax {
		return nil
	}
	return valueError("Exceeds the limit (%d digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit", digitsMax)
}

// escapeHTML is markupsafe's escape.
func escapeHTML(s string) string {
	if !strings.ContainsAny(s, `&<>'"`) {
		return s
	}
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&#39;", `"`, "&#34;").Replace(s)
}
