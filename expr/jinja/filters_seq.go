package jinja

import (
	"strings"
	"unicode/utf8"

	"cierzo/expr/value"
)

// Filters over sequences. What Python gives lazily is a generator here too: it is drawn from when someone looks.

func (r *run) generate(name string, it iterator) value.Value {
	return &generator{name: name, it: it}
}

func filterLength(c *call) (value.Value, error) {
	n, err := c.r.length(c.arg(0))
	return value.Int(n), err
}

func filterList(c *call) (value.Value, error) {
	items, err := c.r.list(c.arg(0))
	return value.NewList(items), err
}

func filterItems(c *call) (value.Value, error) {
	switch v := c.arg(0).(type) {
	case *undefined:
		return c.r.generate("generator", &sliceIterator{}), nil
	case value.Mapping:
		return c.r.generate("generator", dictIter(v, "items")), nil
	}
	return c.r.generate("generator", iteratorFunc(func(*run) (value.Value, bool, error) {
		return nil, false, typeError("Can only get item pairs from a mapping.")
	})), nil
}

func filterFirst(c *call) (value.Value, error) {
	it, err := c.r.iter(c.arg(0))
	if err != nil {
		return nil, err
	}
	item, ok, err := c.r.pull(it)
	if err != nil || ok {
		return item, err
	}
	return &undefined{hint: "No first item, sequence was empty."}, nil
}

func filterLast(c *call) (value.Value, error) {
	if have := itemsOf(c.arg(0)); len(have) > 0 {
		last := have[len(have)-1]
		if err := c.r.chargeItems(len(have)); err != nil {
			return nil, err
		}
		return last, c.r.b.Step()
	}
	it, err := c.r.reversed(c.arg(0))
	if err != nil {
		return nil, err
	}
	item, ok, err := c.r.pull(it)
	if err != nil || ok {
		return item, err
	}
	return &undefined{hint: "No last item, sequence was empty."}, nil
}

// reversed is Python's reversed(v).
func (r *run) reversed(v value.Value) (iterator, error) {
	switch v := v.(type) {
	case *value.List, *value.Tuple, value.String, *markup, value.Mapping, *view, *rangeObject, *bytesObject:
		items, err := r.list(v)
		if err != nil {
			return nil, err
		}
		i := len(items)
		return iteratorFunc(func(*run) (value.Value, bool, error) {
			i--
			if i < 0 {
				return nil, false, nil
			}
			return items[i], true, nil
		}), nil
	case *undefined:
		return nil, v.fail()
	}
	return nil, typeError("'%s' object is not reversible", typeName(v))
}

func filterReverse(c *call) (value.Value, error) {
	v := c.arg(0)
	if _, ok := textOf(v); ok {
		return c.r.slice(v, &sliceObject{parts: [3]value.Value{value.Null{}, value.Null{}, value.Int(-1)}})
	}
	if it, err := c.r.reversed(v); err == nil {
		name := "list_reverseiterator"
		switch v.(type) {
		case value.Mapping:
			name = "dict_reversekeyiterator"
		case *rangeObject:
			name = "range_iterator"
		case *value.Tuple:
			name = "reversed"
		}
		return c.r.generate(name, it), nil
	}
	items, err := c.r.list(v)
	if err != nil {
		if u, ok := v.(*undefined); ok {
			return nil, u.fail()
		}
		return nil, raise("FilterArgumentError", "argument must be iterable")
	}
	for i, j := 0, len(items)-1; i < j; i, j = i+1, j-1 {
		items[i], items[j] = items[j], items[i]
	}
	return value.NewList(items), nil
}

// isLowerASCII reports whether a text is its own lower case, as far as that is seen at once.
func isLowerASCII(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return true
}

// keyed is an item with what it is ordered by.
type keyed struct{ key, item value.Value }

// sortBy orders a sequence by what key gives.
func (r *run) sortBy(items []value.Value, reverse bool, key func(value.Value) (value.Value, error)) ([]value.Value, error) {
	pairs := make([]keyed, len(items))
	for i, item := range items {
		k, err := key(item)
		if err != nil {
			return nil, err
		}
		pairs[i] = keyed{k, item}
	}
	if err := r.sort(pairs, reverse); err != nil {
		return nil, err
	}
	out := make([]value.Value, len(pairs))
	for i, p := range pairs {
		out[i] = p.item
	}
	return out, nil
}

func filterSort(c *call) (value.Value, error) {
	sensitive, err := c.truth(2, false)
	if err != nil {
		return nil, err
	}
	items, err := c.r.list(c.arg(0))
	if err != nil {
		return nil, err
	}
	reverse, err := c.flag(1)
	if err != nil {
		return nil, err
	}
	var getters []getter
	if s, ok := textOf(c.or(3, value.Null{})); ok {
		for attribute := range strings.SplitSeq(s, ",") {
			getters = append(getters, newGetter(value.String(attribute), !sensitive, nil))
		}
	} else {
		getters = append(getters, newGetter(c.arg(3), !sensitive, nil))
	}
	sorted, err := c.r.sortBy(items, reverse, func(item value.Value) (value.Value, error) {
		keys := make([]value.Value, len(getters))
		for i, g := range getters {
			var err error
			if keys[i], err = g.get(c.r, item); err != nil {
				return nil, err
			}
		}
		return value.NewList(keys), nil
	})
	return value.NewList(sorted), err
}

func filterDictsort(c *call) (value.Value, error) {
	at := 0
	switch by, _ := textOf(c.or(2, value.String("key"))); by {
	case "key":
	case "value":
		at = 1
	default:
		return nil, raise("FilterArgumentError", `You can only sort by either "key" or "value"`)
	}
	sensitive, err := c.truth(1, false)
	if err != nil {
		return nil, err
	}
	m, ok := c.arg(0).(value.Mapping)
	if !ok {
		if u, undef := c.arg(0).(*undefined); undef {
			return nil, u.fail()
		}
		return nil, raise("AttributeError", "'%s' object has no attribute 'items'", typeName(c.arg(0)))
	}
	reverse, err := c.flag(3)
	if err != nil {
		return nil, err
	}
	items, err := c.r.drain(dictIter(m, "items"))
	if err != nil {
		return nil, err
	}
	sorted, err := c.r.sortBy(items, reverse, func(item value.Value) (value.Value, error) {
		k := item.(*value.Tuple).At(at)
		if !sensitive {
			k = ignoreCase(k)
		}
		return k, nil
	})
	return value.NewList(sorted), err
}

func filterUnique(c *call) (value.Value, error) {
	sensitive, err := c.truth(1, false)
	if err != nil {
		return nil, err
	}
	g := newGetter(c.arg(2), !sensitive, nil)
	seen := value.NewDict(8)
	return c.r.lazily(c.arg(0), "generator", func(r *run, item value.Value) (value.Value, bool, error) {
		k, err := g.get(r, item)
		if err != nil {
			return nil, false, err
		}
		key, err := r.key(k)
		if err != nil {
			return nil, false, err
		}
		if _, have := seen.Get(key); have {
			return nil, false, nil
		}
		return item, true, r.setKey(seen, key, value.Null{})
	}), nil
}

// lazily gives a generator of what f makes of each item; f may leave items out. The value is looked at when the first
// item is.
func (r *run) lazily(v value.Value, name string, f func(r *run, item value.Value) (value.Value, bool, error)) value.Value {
	return r.generate(name, &lazy{of: v, f: f})
}

// lazy gives what f makes of the items of a value.
type lazy struct {
	of value.Value
	f  func(r *run, item value.Value) (value.Value, bool, error)
	it iterator // nil: not begun
}

func (l *lazy) next(r *run) (value.Value, bool, error) {
	if l.it == nil {
		var err error
		if l.it, err = r.iter(l.of); err != nil {
			return nil, false, err
		}
	}
	for {
		item, ok, err := r.pull(l.it)
		if err != nil || !ok {
			return nil, false, err
		}
		out, keep, err := l.f(r, item)
		if err != nil {
			return nil, false, err
		}
		if keep {
			return out, true, nil
		}
	}
}

// filterExtreme is min and max; op says when an item is better.
func filterExtreme(op string) func(c *call) (value.Value, error) {
	return func(c *call) (value.Value, error) {
		sensitive, err := c.truth(1, false)
		if err != nil {
			return nil, err
		}
		items, err := c.r.list(c.arg(0))
		if err != nil {
			return nil, err
		}
		if len(items) == 0 {
			return &undefined{hint: "No aggregated item, sequence was empty."}, nil
		}
		g := newGetter(c.arg(2), !sensitive, nil)
		var best keyed
		for i, item := range items {
			k, err := g.get(c.r, item)
			if err != nil {
				return nil, err
			}
			better := i == 0
			if !better {
				if better, err = c.r.order(op, k, best.key); err != nil {
					return nil, err
				}
			}
			if better {
				best = keyed{k, item}
			}
		}
		return best.item, nil
	}
}

func filterSum(c *call) (value.Value, error) {
	total := c.or(2, value.Int(0))
	if _, text := textOf(total); text {
		return nil, typeError("sum() can't sum strings [use ''.join(seq) instead]")
	}
	g := newGetter(c.arg(1), false, nil)
	it, err := c.r.iter(c.arg(0))
	if err != nil {
		return nil, err
	}
	if start, ok := total.(value.Int); ok {
		var item value.Value
		if total, item, err = c.r.sumInts(start, it, &g); err != nil || item == nil {
			return total, err
		}
		if total, err = c.r.binary("+", total, item); err != nil {
			return nil, err
		}
	}
	for {
		item, ok, err := c.r.pull(it)
		if err != nil || !ok {
			return total, err
		}
		if item, err = g.get(c.r, item); err != nil {
			return nil, err
		}
		if total, err = c.r.binary("+", total, item); err != nil {
			return nil, err
		}
	}
}

// sumInts adds integers without a value for each sum, for as long as there are no others. It gives the sum, and the first
// item that is something else: nil: there is none.
func (r *run) sumInts(start value.Int, it iterator, g *getter) (sum, item value.Value, err error) {
	total := int64(start)
	for {
		next, ok, err := r.pull(it)
		if err != nil || !ok {
			return value.Int(total), nil, err
		}
		if next, err = g.get(r, next); err != nil {
			return nil, nil, err
		}
		n, ok := next.(value.Int)
		if !ok || int64(int32(n)) != int64(n) || int64(int32(total)) != total {
			return value.Int(total), next, nil
		}
		total += int64(n)
	}
}

func filterBatch(c *call) (value.Value, error) {
	size, err := toNumber(c.arg(1))
	if err != nil {
		return nil, err
	}
	var it iterator
	var row []value.Value
	done := false
	return c.r.generate("generator", iteratorFunc(func(r *run) (value.Value, bool, error) {
		if it == nil {
			var err error
			if it, err = r.iter(c.arg(0)); err != nil {
				return nil, false, err
			}
		}
		for !done {
			item, ok, err := r.pull(it)
			if err != nil {
				return nil, false, err
			}
			if !ok {
				done = true
				break
			}
			if err := r.make(1); err != nil {
				return nil, false, err
			}
			if float64(len(row)) == size {
				out := value.NewList(row)
				row = []value.Value{item}
				return out, true, nil
			}
			row = append(row, item)
		}
		if len(row) == 0 {
			return nil, false, nil
		}
		if c.given(2) && float64(len(row)) < size {
			if err := r.make(int(size) - len(row)); err != nil {
				return nil, false, err
			}
			for float64(len(row)) < size {
				row = append(row, c.arg(2))
			}
		}
		out := value.NewList(row)
		row = nil
		return out, true, nil
	})), nil
}

// toNumber is a number of any type, as float.
func toNumber(v value.Value) (float64, error) {
	switch v := v.(type) {
	case value.Float:
		return float64(v), nil
	case *undefined:
		return 0, v.fail()
	case value.Int, value.Bool, value.BigInt:
		return toFloat(v)
	}
	return -1, nil
}

func filterSlice(c *call) (value.Value, error) {
	var rows []value.Value
	begun, at := false, 0
	return c.r.generate("generator", iteratorFunc(func(*run) (value.Value, bool, error) {
		if !begun {
			begun = true
			var err error
			if rows, err = c.sliceRows(); err != nil {
				return nil, false, err
			}
		}
		if at >= len(rows) {
			return nil, false, nil
		}
		at++
		return rows[at-1], true, nil
	})), nil
}

func (c *call) sliceRows() ([]value.Value, error) {
	items, err := c.r.list(c.arg(0))
	if err != nil {
		return nil, err
	}
	n, err := c.int(1, 0)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, raise("ZeroDivisionError", "integer division or modulo by zero")
	}
	if n < 0 {
		return nil, nil
	}
	if err := c.r.make(n); err != nil {
		return nil, err
	}
	each, extra := len(items)/n, len(items)%n
	rows := make([]value.Value, 0, n)
	offset := 0
	for i := range n {
		start := offset + i*each
		if i < extra {
			offset++
		}
		row := append([]value.Value{}, items[start:offset+(i+1)*each]...)
		if c.given(2) && i >= extra {
			row = append(row, c.arg(2))
		}
		rows = append(rows, value.NewList(row))
	}
	return rows, nil
}

func filterRandom(c *call) (value.Value, error) {
	n, err := c.r.length(c.arg(0))
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return &undefined{hint: "No random item, sequence was empty."}, nil
	}
	i, err := c.r.random(n)
	if err != nil {
		return nil, err
	}
	v, err := c.r.item(c.arg(0), value.Int(i))
	if v == nil && err == nil {
		return nil, raise("KeyError", "%d", i)
	}
	return v, err
}

func filterJoin(c *call) (value.Value, error) {
	it, err := c.r.iter(c.arg(0))
	if err != nil {
		return nil, err
	}
	g := newGetter(c.arg(2), false, nil)
	sep := c.or(1, value.String(""))
	between, err := c.r.str(sep)
	if err != nil {
		return nil, err
	}
	items, err := c.r.drain(it)
	if err != nil {
		return nil, err
	}
	marked := false
	_, sepMarked := sep.(*markup)
	for i, item := range items {
		if items[i], err = g.get(c.r, item); err != nil {
			return nil, err
		}
		if _, ok := items[i].(*markup); ok || sepMarked {
			marked = c.r.escape
		}
	}
	if marked && !sepMarked {
		between = escapeHTML(between)
	}
	var b strings.Builder
	for i, item := range items {
		s, err := c.r.str(item)
		if err != nil {
			return nil, err
		}
		if _, ok := item.(*markup); marked && !ok {
			s = escapeHTML(s)
		}
		if err := c.r.make(len(s) + len(between)); err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteString(between)
		}
		b.WriteString(s)
	}
	if marked {
		return &markup{s: b.String()}, nil
	}
	return value.String(b.String()), nil
}
