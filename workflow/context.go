package workflow

import (
	"strconv"

	"cierzo/expr/value"
)

// branch is the context that flows along transitions: the variables that a task sees from its predecessors, or leaves to
// its successors. Branches share structure: a linear step keeps its parent and what was published on top of it.
// A branch is frozen.
type branch struct {
	parent *branch     // nil: dict is all
	dict   *value.Dict // frozen
	depth  int         // of the chain of parents
	all    *value.Dict // memo of flat
	counts *versions   // memo of versions; set for merged branches
}

// branchDepthMax bounds the chains: lookups walk them.
const branchDepthMax = 16

// on puts what a task published over a branch; a published key replaces the whole old value.
func (b *branch) on(published *value.Dict) *branch {
	if published == nil || published.Len() == 0 {
		return b
	}
	if b == nil {
		return &branch{dict: published}
	}
	return &branch{parent: b, dict: published, depth: b.depth + 1}
}

// layers lists the dictionaries of a branch, newest first.
func (b *branch) layers() []*value.Dict {
	if b == nil {
		return nil
	}
	if b.all != nil {
		return []*value.Dict{b.all}
	}
	if b.depth%branchDepthMax == branchDepthMax-1 {
		return []*value.Dict{b.flat()}
	}
	out := []*value.Dict{b.dict}
	if b.parent != nil {
		out = append(out, b.parent.layers()...)
	}
	return out
}

// flat is the branch as one dictionary.
func (b *branch) flat() *value.Dict {
	if b == nil {
		return emptyDict()
	}
	if b.all == nil {
		if b.parent == nil {
			b.all = b.dict
		} else {
			below := append([]*value.Dict{b.dict}, b.parent.layers()...)
			b.all = flatten(below)
		}
	}
	return b.all
}

// flatten merges layers, the first wins; keys are in the order of the lowest layer.
func flatten(layers []*value.Dict) *value.Dict {
	d := layers[len(layers)-1].Clone()
	for i := len(layers) - 2; i >= 0; i-- {
		for k, v := range layers[i].All() {
			put(d, k, v)
		}
	}
	return d.Freeze()
}

// put sets a key that comes out of another dictionary, hence is hashable.
func put(d *value.Dict, k, v value.Value) {
	if err := d.Set(k, v); err != nil {
		panic(err)
	}
}

// versions counts how often each leaf of a branch was published, by path: what a join decides by.
type versions struct {
	counts map[string]int
}

// versions derives the counters of a branch. Every merged branch has its own, the others add to their parent's.
func (b *branch) versions() map[string]int {
	var chain []*branch
	at := b
	for ; at != nil && at.counts == nil; at = at.parent {
		chain = append(chain, at)
	}
	base := map[string]int{}
	if at != nil {
		if len(chain) == 0 {
			return at.counts.counts
		}
		for k, n := range at.counts.counts {
			base[k] = n
		}
	}
	for i := len(chain) - 1; i >= 0; i-- {
		countLeaves(base, "", chain[i].dict)
	}
	if b != nil {
		b.counts = &versions{base}
	}
	return base
}

func countLeaves(counts map[string]int, prefix string, d *value.Dict) {
	for k, v := range d.All() {
		path := prefix + pathKey(k)
		if sub, ok := v.(*value.Dict); ok && sub.Len() > 0 {
			countLeaves(counts, path+".", sub)
			continue
		}
		counts[path]++
	}
}

// pathKey writes a key so that 1 and "1" differ and no key contains the separator unescaped.
func pathKey(k value.Value) string {
	if s, ok := k.(value.String); ok {
		return strconv.Quote(string(s))
	}
	return value.Repr(k)
}

// merge joins branches: dictionaries are merged deeply, the leaf that was published more often wins, the earlier branch
// at equal counts.
func merge(branches []*branch) *branch {
	parts := make([]*branch, 0, len(branches))
	seen := make(map[*branch]bool, len(branches))
	for _, b := range branches {
		if b != nil && !seen[b] {
			seen[b] = true
			parts = append(parts, b)
		}
	}
	switch len(parts) {
	case 0:
		return nil
	case 1:
		return parts[0]
	}
	dict := parts[0].flat().Clone()
	counts := map[string]int{}
	for k, n := range parts[0].versions() {
		counts[k] = n
	}
	for _, p := range parts[1:] {
		other := p.versions()
		mergeInto(dict, p.flat(), "", counts, other)
		for k, n := range other {
			counts[k] = max(counts[k], n)
		}
	}
	dict.Freeze()
	return &branch{dict: dict, all: dict, counts: &versions{counts}}
}

func mergeDicts(left, right *value.Dict, prefix string, l, r map[string]int) *value.Dict {
	out := left.Clone()
	mergeInto(out, right, prefix, l, r)
	return out.Freeze()
}

// mergeInto merges into a dictionary that isn't frozen yet: a join of very many branches makes one, not one for each branch.
func mergeInto(out, right *value.Dict, prefix string, l, r map[string]int) {
	for k, rv := range right.All() {
		lv, ok := out.Get(k)
		if !ok {
			put(out, k, rv)
			continue
		}
		path := prefix + pathKey(k)
		ld, lok := lv.(*value.Dict)
		rd, rok := rv.(*value.Dict)
		switch {
		case lok && rok:
			if ld != rd {
				put(out, k, mergeDicts(ld, rd, path+".", l, r))
			}
		case r[path] > l[path]:
			put(out, k, rv)
		}
	}
}

// inbound is the context that a task starts with: its parents' outbound contexts, merged.
func (e *Execution) inbound(t *task) *branch {
	if !t.inKnown {
		e.merged++
		parts := make([]*branch, 0, len(t.Parents))
		for _, id := range t.Parents {
			parts = append(parts, e.outbound(e.task(id)))
		}
		t.in, t.inKnown = merge(parts), true
	}
	return t.in
}

// outbound is what a task's successors see: its inbound context and what it published.
func (e *Execution) outbound(t *task) *branch {
	if !t.outKnown || t.outOf != t.Published {
		t.out, t.outOf, t.outKnown = e.inbound(t).on(t.Published), t.Published, true
	}
	return t.out
}

// mergeDeep lays a dictionary over another, merging dictionaries at every depth.
func mergeDeep(under, over *value.Dict) *value.Dict {
	out := under.Clone()
	for k, v := range over.All() {
		if old, ok := under.Get(k); ok {
			od, ook := old.(*value.Dict)
			nd, nok := v.(*value.Dict)
			if ook && nok {
				v = mergeDeep(od, nd)
			}
		}
		put(out, k, v)
	}
	return out.Freeze()
}
