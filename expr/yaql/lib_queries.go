package yaql

import (
	"cierzo/expr/value"
)

func queryEntries() []entry {
	return []entry{
		{formMethod, "where(collection: iterable, predicate: lambda)", where},
		{formMethod, "filter(collection: iterable, predicate: lambda)", where},
		{formMethod, "select(collection: iterable, selector: lambda)", selectItems},
		{formMethod, "map(collection: iterable, selector: lambda)", selectItems},
		{formMethod, "selectMany(collection: iterable, selector: lambda)", selectMany},
		{formMethod, "skip(collection: iterable, count: int)", skip},
		{formMethod, "limit(collection: iterable, count: int)", limit},
		{formMethod, "take(collection: iterable, count: int)", limit},
		{formMethod, "takeWhile(collection: iterable, predicate: lambda)", takeWhile},
		{formMethod, "skipWhile(collection: iterable, predicate: lambda)", skipWhile},
		{formBoth, "append(collection: iterable, *args: any)", appendItems},
		{formBoth, "concat(*collections: iterable)", concatCollections},
		{formBoth, "distinct(collection: iterable, keySelector: lambda = null)", distinct},
		{formBoth, "enumerate(collection: iterable, start: int? = 0)", enumerate},
		{formMethod, "zip(*collections: iterable)", zip},
		{formMethod, "zipLongest(*collections: iterable, **kwargs)", zipLongest},
		{formMethod, "join(collection1: iterable, collection2: iterable, predicate: lambda, selector: lambda)", join},
		{formMethod, "cycle(collection: iterable)", cycle},
		{formMethod, "groupBy(collection: iterable, keySelector: lambda, valueSelector: lambda = null, aggregator: lambda = null)", groupBy},
		{formMethod, "orderBy(collection: iterable, selector: lambda)", orderBy(true)},
		{formMethod, "orderByDescending(collection: iterable, selector: lambda)", orderBy(false)},
		{formMethod, "thenBy(collection: ordered, selector: lambda)", thenBy(true)},
		{formMethod, "thenByDescending(collection: ordered, selector: lambda)", thenBy(false)},
	}
}

// filtered gives the items that keep answers true for.
func (r *run) filtered(v value.Value, keep func(value.Value) (bool, error)) value.Value {
	from := r.source(v)
	return r.iterator(func() (value.Value, error) {
		for {
			item, err := from()
			if item == nil || err != nil {
				return nil, err
			}
			if ok, err := keep(item); err != nil || ok {
				return item, err
			}
			if err := r.budget.Step(); err != nil {
				return nil, err
			}
		}
	})
}

// mapped gives what fn makes of the items.
func (r *run) mapped(v value.Value, fn func(value.Value) (value.Value, error)) value.Value {
	from := r.source(v)
	return r.iterator(func() (value.Value, error) {
		item, err := from()
		if item == nil || err != nil {
			return nil, err
		}
		return fn(item)
	})
}

func where(a *args) (value.Value, error) { return a.r.filtered(a.at[0], a.lambda(1).truth), nil }

func selectItems(a *args) (value.Value, error) { return a.r.mapped(a.at[0], a.lambda(1).call), nil }

// selectMany goes into what the selector gives, one level; what is no collection is kept.
func selectMany(a *args) (value.Value, error) {
	from := a.r.source(a.at[0])
	var inner source
	return a.r.iterator(func() (value.Value, error) {
		for {
			if inner != nil {
				if v, err := inner(); v != nil || err != nil {
					return v, err
				}
				inner = nil
			}
			item, err := from()
			if item == nil || err != nil {
				return nil, err
			}
			got, err := a.lambda(1).call(item)
			if err != nil {
				return nil, err
			}
			if !a.r.iterable(got) {
				return got, nil
			}
			inner = a.r.source(got)
			if err := a.r.budget.Step(); err != nil {
				return nil, err
			}
		}
	}), nil
}

func skip(a *args) (value.Value, error) {
	n := a.int(1)
	if n < 0 {
		return nil, fail(classValue, "Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize.")
	}
	i := 0
	return a.r.filtered(a.at[0], func(value.Value) (bool, error) {
		i++
		return i > n, nil
	}), nil
}

func limit(a *args) (value.Value, error) {
	n := a.int(1)
	if n < 0 {
		return nil, fail(classValue, "Stop argument for islice() must be None or an integer: 0 <= x <= sys.maxsize.")
	}
	from := a.r.source(a.at[0])
	return a.r.iterator(func() (value.Value, error) {
		if n--; n < 0 {
			return nil, nil
		}
		return from()
	}), nil
}

func takeWhile(a *args) (value.Value, error) {
	from := a.r.source(a.at[0])
	return a.r.iterator(func() (value.Value, error) {
		item, err := from()
		if item == nil || err != nil {
			return nil, err
		}
		if ok, err := a.lambda(1).truth(item); err != nil || ok {
			return item, err
		}
		from = sliceSource(nil)
		return nil, nil
	}), nil
}

func skipWhile(a *args) (value.Value, error) {
	skipping := true
	return a.r.filtered(a.at[0], func(item value.Value) (bool, error) {
		if !skipping {
			return true, nil
		}
		var err error
		skipping, err = a.lambda(1).truth(item)
		return !skipping, err
	}), nil
}

func appendItems(a *args) (value.Value, error) {
	return a.r.chain([]value.Value{a.at[0], value.NewList(a.rest)}), nil
}

func concatCollections(a *args) (value.Value, error) { return a.r.chain(a.rest), nil }

func distinct(a *args) (value.Value, error) {
	from, err := a.r.distinct(a.r.source(a.at[0]), a.lambda(1))
	return a.r.iterator(from), err
}

// distinct keeps the first of the items that are one key, or whose keys are.
func (r *run) distinct(from source, key *lambda) (source, error) {
	seen := value.NewFreeDict(8)
	return func() (value.Value, error) {
		for {
			item, err := from()
			if item == nil || err != nil {
				return nil, err
			}
			k := item
			if key != nil {
				if k, err = key.call(item); err != nil {
					return nil, err
				}
			}
			if _, there, err := r.lookup(seen, k); err != nil || !there {
				if err == nil {
					err = r.budget.Charge(1)
				}
				if err == nil {
					err = asType(seen.Set(k, k))
				}
				return item, err
			}
			if err := r.budget.Step(); err != nil {
				return nil, err
			}
		}
	}, nil
}

func enumerate(a *args) (value.Value, error) {
	n := toBig(a.at[1])
	if a.at[1].Kind() == value.KindNull {
		return nil, fail(classType, "'NoneType' object cannot be interpreted as an integer")
	}
	i := -1
	return a.r.mapped(a.at[0], func(item value.Value) (value.Value, error) {
		i++
		return value.PythonList([]value.Value{addInt(n, i), item}), a.r.budget.Charge(2)
	}), nil
}

func zip(a *args) (value.Value, error) {
	var from []source
	for _, v := range a.rest {
		from = append(from, a.r.source(v))
	}
	return a.r.iterator(func() (value.Value, error) {
		items := make([]value.Value, len(from))
		for i := range from {
			v, err := from[i]()
			if v == nil || err != nil {
				return nil, err
			}
			items[i] = v
		}
		return value.NewTuple(items), a.r.budget.Charge(len(items))
	}), nil
}

// zipLongest fills the short collections up with default.
func zipLongest(a *args) (value.Value, error) {
	filler := value.Value(value.Null{})
	for _, b := range a.kw {
		if b.name == "default" {
			filler = b.v
		}
	}
	var from []source
	for _, v := range a.rest {
		from = append(from, a.r.source(v))
	}
	return a.r.iterator(func() (value.Value, error) {
		items := make([]value.Value, len(from))
		any := false
		for i := range from {
			v, err := from[i]()
			if err != nil {
				return nil, err
			}
			if v == nil {
				items[i], from[i] = filler, sliceSource(nil)
				continue
			}
			items[i], any = v, true
		}
		if !any {
			return nil, nil
		}
		return value.NewTuple(items), a.r.budget.Charge(len(items))
	}), nil
}

// join pairs the items of two collections, the outer one lazily.
func join(a *args) (value.Value, error) {
	outer, second := a.r.source(a.at[0]), memorized(a.at[1])
	var item value.Value
	var inner source
	return a.r.iterator(func() (value.Value, error) {
		for {
			if inner == nil {
				var err error
				if item, err = outer(); item == nil || err != nil {
					return nil, err
				}
				inner = a.r.source(second)
			}
			other, err := inner()
			if err != nil {
				return nil, err
			}
			if other == nil {
				inner = nil
				continue
			}
			if err := a.r.budget.Step(); err != nil {
				return nil, err
			}
			ok, err := a.lambda(2).call2(item, other)
			if err != nil {
				return nil, err
			}
			if value.Truthy(ok) {
				return a.lambda(3).call2(item, other)
			}
		}
	}), nil
}

func cycle(a *args) (value.Value, error) {
	from := a.r.source(a.at[0])
	var have []value.Value
	i := -1
	return a.r.iterator(func() (value.Value, error) {
		if i < 0 {
			item, err := from()
			if err != nil {
				return nil, err
			}
			if item != nil {
				have = append(have, item)
				return item, a.r.budget.Charge(1)
			}
		}
		if len(have) == 0 {
			return nil, nil
		}
		i++
		return have[i%len(have)], nil
	}), nil
}

// groupItems is what a group takes besides its members, in items: an entry of a dict, a list, a pair.
const groupItems = 16

func groupBy(a *args) (value.Value, error) {
	groups, members := value.NewFreeDict(8), [][]value.Value{}
	err := a.r.each(a.at[0], func(item value.Value) (bool, error) {
		v := item
		var err error
		if l := a.lambda(2); l != nil {
			if v, err = l.call(item); err != nil {
				return false, err
			}
		}
		k, err := a.lambda(1).call(item)
		if err != nil {
			return false, err
		}
		n, there, err := a.r.lookup(groups, k)
		if err != nil {
			return false, err
		}
		cost := 1
		if !there {
			cost += groupItems
			n = value.Int(len(members))
			members = append(members, nil)
			if err := groups.Set(k, n); err != nil {
				return false, asType(err)
			}
		}
		i := int(n.(value.Int))
		members[i] = append(members[i], v)
		return true, a.r.budget.Charge(cost)
	})
	if err != nil {
		return nil, err
	}
	pairs := make([]value.Value, len(members))
	for i := range members {
		k, _ := groups.At(i)
		pairs[i] = value.NewTuple([]value.Value{k, value.PythonList(members[i])})
	}
	if a.lambda(3) == nil {
		return a.r.mapped(value.NewTuple(pairs), func(v value.Value) (value.Value, error) { return v, nil }), nil
	}
	g := aggregation{fn: a.lambda(3)}
	return a.r.mapped(value.NewTuple(pairs), g.apply), nil
}

// aggregation is the aggregator of groupBy. It gets the values of a group. Should it fail on them in the first group the
// way that expressions do which were written for an old release, where it got key and values, it gets these.
type aggregation struct {
	fn      *lambda
	settled bool  // the values are right
	failed  error // what it answered on values
}

func (g *aggregation) apply(pair value.Value) (value.Value, error) {
	entry := pair.(*value.Tuple)
	if g.failed == nil {
		got, err := g.fn.call(entry.At(1))
		if err == nil {
			g.settled = true
			return value.PythonList([]value.Value{entry.At(0), got}), nil
		}
		switch classOf(err) {
		case classNoMatch, classNoMatchMeth, classIndex:
		default:
			return nil, err
		}
		if g.settled {
			return nil, err
		}
		g.failed = err
	}
	got, err := g.fn.call(pair)
	if items, ok := sequence(got); err == nil && ok && len(items) == 2 {
		return got, nil
	}
	if class := classOf(err); err != nil && class == "" {
		return nil, err // a limit
	}
	return nil, g.failed
}
