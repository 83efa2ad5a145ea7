package yaql

import (
	"math/big"
	"slices"

	"cierzo/expr/value"
)

func generatorEntries() []entry {
	return []entry{
		{formFunction, "range(stop: int)", rangeTo},
		{formFunction, "range(start: int, stop: int, step: int = 1)", rangeFrom},
		{formFunction, "sequence(start: int = 0, step: int = 1)", endless},
		{formMethod, "repeat(value: any, times: int = -1)", repeatValue},
		{
			formFunction,
			"generate(initial: any, predicate: lambda, producer: lambda, selector: lambda = null, decycle: bool = false)",
			generate,
		},
		{
			formFunction,
			"generateMany(initial: any, producer: lambda, selector: lambda = null, decycle: bool = false, depthFirst: bool = false)",
			generateMany,
		},
	}
}

// addInt is n plus a small number.
func addInt(n *big.Int, more int) value.Value {
	if n.IsInt64() {
		if v, ok := smallArithmetic("+", n.Int64(), int64(more)); ok {
			return v
		}
	}
	return value.IntOf(new(big.Int).Add(n, big.NewInt(int64(more))))
}

// counting gives start, start+step and so on; before says which are given, nil all.
func (r *run) counting(start, step *big.Int, stop *big.Int) value.Value {
	at := new(big.Int).Set(start)
	if at.IsInt64() && step.IsInt64() && (stop == nil || stop.IsInt64()) {
		return r.countingSmall(at.Int64(), step.Int64(), stop)
	}
	return r.iterator(func() (value.Value, error) {
		if stop != nil && at.Cmp(stop)*step.Sign() >= 0 {
			return nil, nil
		}
		v := value.IntOf(new(big.Int).Set(at))
		at.Add(at, step)
		return v, nil
	})
}

// countingSmall is counting within 64 bits; should it leave them, the numbers grow.
func (r *run) countingSmall(at, step int64, stop *big.Int) value.Value {
	var wide value.Value
	return r.iterator(func() (value.Value, error) {
		if wide != nil {
			return r.source(wide)()
		}
		if stop != nil && (step > 0 && at >= stop.Int64() || step < 0 && at <= stop.Int64()) {
			return nil, nil
		}
		v := value.Int(at)
		next, ok := smallArithmetic("+", at, step)
		if ok {
			at = int64(next.(value.Int))
			return v, nil
		}
		from := new(big.Int).Add(big.NewInt(at), big.NewInt(step))
		limit := stop
		if limit == nil {
			limit = new(big.Int).Lsh(big.NewInt(int64(from.Sign())), bitsMax)
		}
		wide = r.counting(from, big.NewInt(step), limit)
		return v, nil
	})
}

func rangeTo(a *args) (value.Value, error) {
	return a.r.counting(new(big.Int), big.NewInt(1), toBig(a.at[0])), nil
}

func rangeFrom(a *args) (value.Value, error) {
	step := toBig(a.at[2])
	if step.Sign() == 0 {
		return nil, fail(classValue, "range() arg 3 must not be zero")
	}
	return a.r.counting(toBig(a.at[0]), step, toBig(a.at[1])), nil
}

func endless(a *args) (value.Value, error) {
	return a.r.counting(toBig(a.at[0]), toBig(a.at[1]), nil), nil
}

func repeatValue(a *args) (value.Value, error) {
	n, i := a.int(1), 0
	return a.r.iterator(func() (value.Value, error) {
		if n >= 0 && i >= n {
			return nil, nil
		}
		i++
		return a.at[0], nil
	}), nil
}

// unseen reports whether a value comes for the first time; without a memory each does.
func (r *run) unseen(memory *value.Dict, v value.Value) (bool, error) {
	if memory == nil {
		return true, nil
	}
	_, there, err := r.lookup(memory, v)
	if there || err != nil {
		return false, err
	}
	if err := r.budget.Charge(1); err != nil {
		return false, err
	}
	return true, asType(memory.Set(v, v))
}

func memoryIf(wanted bool) *value.Dict {
	if !wanted {
		return nil
	}
	return value.NewFreeDict(8)
}

func selected(l *lambda, v value.Value) (value.Value, error) {
	if l == nil {
		return v, nil
	}
	return l.call(v)
}

// generate gives initial and what the producer makes of each, while the predicate holds.
func generate(a *args) (value.Value, error) {
	at, begun, memory := a.at[0], false, memoryIf(a.bool(4))
	return a.r.iterator(func() (value.Value, error) {
		if begun {
			var err error
			if at, err = a.lambda(2).call(at); err != nil {
				return nil, err
			}
		}
		begun = true
		if ok, err := a.lambda(1).truth(at); err != nil || !ok {
			return nil, err
		}
		if ok, err := a.r.unseen(memory, at); err != nil || !ok {
			return nil, err
		}
		return selected(a.lambda(3), at)
	}), nil
}

// generateMany gives initial and all that the producer makes of each, level by level or depth first.
func generateMany(a *args) (value.Value, error) {
	g := &expansion{args: a, pending: []value.Value{a.at[0]}, memory: memoryIf(a.bool(3)), depthFirst: a.bool(4)}
	return a.r.iterator(g.next), nil
}

// expansion is what generateMany knows. Depth first the next item is the last of pending, else the first.
type expansion struct {
	*args
	pending    []value.Value
	last       value.Value // its products are still to come; nil: there are none
	memory     *value.Dict
	depthFirst bool
}

func (g *expansion) next() (value.Value, error) {
	if err := g.expand(); err != nil {
		return nil, err
	}
	for len(g.pending) > 0 {
		item := g.pending[0]
		if g.depthFirst {
			item = g.pending[len(g.pending)-1]
			g.pending = g.pending[:len(g.pending)-1]
		} else {
			g.pending = g.pending[1:]
		}
		ok, err := g.r.unseen(g.memory, item)
		if err != nil {
			return nil, err
		}
		if ok {
			g.last = item
			return selected(g.lambda(2), item)
		}
		if err := g.r.budget.Step(); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// expand asks the producer for what comes of the last item.
func (g *expansion) expand() error {
	if g.last == nil {
		return nil
	}
	produced, err := g.lambda(1).call(g.last)
	if err != nil {
		return err
	}
	g.last = nil
	from, err := g.r.anySource(produced)
	if err != nil {
		return err
	}
	items, err := g.r.collect(g.r.iterator(from))
	if g.depthFirst {
		slices.Reverse(items)
	}
	g.pending = append(g.pending, items...)
	return err
}
