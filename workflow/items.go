package workflow

import (
	"slices"

	"cierzo/expr/value"
	"cierzo/internal/planted"
)

// A with-items task runs its action once for each item, Concurrency at a time. Items are known by their index.

// scheduleItems evaluates the items and starts as many as may run now.
func (e *Execution) scheduleItems(t *task) error {
	list, err := e.itemList(t)
	if err != nil {
		return err
	}
	count := len(list.values[0])
	t.Runtime.ItemCount, t.Runtime.ItemsReady = count, true
	e.touch(t)
	if t.accepted >= count { // none, or a rerun has kept them all
		return e.complete(t, Success, "")
	}
	return e.launchItems(t, list)
}

// launchItems starts the next items within the concurrency. An inline item may end the task while this runs. The list is kept while
// there are others to be started: to evaluate it for each of them takes a time with the square of their number.
func (e *Execution) launchItems(t *task, list *itemList) error {
	t.launching = true
	defer func() {
		if t.launching, t.list = false, list; t.State != Running || t.cursor >= len(t.taken) {
			t.list = nil
		}
	}()
	for t.State == Running && e.rec.State != Cancelled { // nothing of a cancelled execution would be granted
		batch, err := e.prepareItems(t, list)
		if err != nil || len(batch) == 0 {
			return err
		}
		for _, p := range batch {
			if err := e.launch(p); err != nil || t.State != Running {
				return err
			}
		}
	}
	return nil
}

// prepareItems prepares all items that may start now: a mistake in one of them starts none.
func (e *Execution) prepareItems(t *task, list *itemList) ([]*prepared, error) {
	var batch []*prepared
	for {
		index, ok := t.nextItem(len(batch))
		if !ok {
			return batch, nil
		}
		layer := value.NewDict(len(list.names))
		for i, name := range list.names {
			layer.SetString(name, list.values[i][index])
		}
		p, err := e.prepare(t, layer.Freeze(), index)
		if err != nil {
			return nil, err
		}
		batch = append(batch, p)
	}
}

// nextItem takes the lowest index that has neither an accepted nor a running action, unless the concurrency is used up;
// more is the number of actions that are about to start.
func (t *task) nextItem(more int) (int, bool) {
	if limit := t.Runtime.Concurrency; limit > 0 && t.active+more >= limit {
		return 0, false
	}
	if t.taken == nil {
		t.taken = make([]bool, t.Runtime.ItemCount)
		for _, a := range t.actions {
			if (a.Accepted || !a.State.Final() && !a.Forgotten) && a.Index < len(t.taken) {
				t.taken[a.Index] = true
			}
		}
		t.cursor = 0
		if planted.Has(planted.ItemOff) && len(t.actions) > 0 {
			t.cursor = 1 + slices.Index(t.taken, false)
		}
	}
	for ; t.cursor < len(t.taken); t.cursor++ {
		if !t.taken[t.cursor] {
			t.taken[t.cursor] = true
			return t.cursor, true
		}
	}
	return 0, false
}

// itemDone looks whether an item's end starts another one or ends the task. A forgotten one only leaves its place.
func (e *Execution) itemDone(t *task, a *action) error {
	if a.State == Cancelled && !a.Forgotten {
		return e.complete(t, Cancelled, "One or more actions was cancelled.")
	}
	if t.accepted < t.Runtime.ItemCount {
		// Without a limit all were started at once; but of a task that was revived some may have ended uncounted before.
		if t.launching || t.Runtime.Concurrency == 0 && t.active > 0 {
			return nil
		}
		list := t.list
		if list == nil || list.env != e.data.Env {
			var err error
			if list, err = e.itemList(t); err != nil {
				return err
			}
		}
		if n := len(list.values[0]); n != t.Runtime.ItemCount {
			return flawf("The list of with-items has changed its length from %d to %d [task=%s]", t.Runtime.ItemCount, n, t.Name)
		}
		return e.launchItems(t, list)
	}
	for _, x := range t.actions {
		if x.Accepted && x.State == Error {
			return e.complete(t, Error, "One or more actions had failed.")
		}
	}
	return e.complete(t, Success, "")
}

// itemList is what a task's with-items gives, in an environment, which may be changed.
type itemList struct {
	names  []string
	values [][]value.Value // of each name, all of one length
	env    *value.Dict
}

// itemList evaluates the lists of with-items.
func (e *Execution) itemList(t *task) (*itemList, error) {
	out := &itemList{env: e.data.Env}
	s := e.taskScope(t, nil)
	for _, w := range t.prog.WithItems {
		v, err := s.tree(w.List)
		if err != nil {
			return nil, err
		}
		list, ok := iterate(v)
		if !ok {
			return nil, flawf("Wrong input format for: %s. Iterable type is expected for each value.", value.Str(v))
		}
		if len(list) > ItemsMax {
			return nil, flawf("with-items of task '%s' has %d items, more than %d (limit ItemsMax)", t.Name, len(list), ItemsMax)
		}
		out.names, out.values = append(out.names, w.Name), append(out.values, list)
		if len(list) != len(out.values[0]) {
			return nil, flawf("Wrong input format for: %s. All arrays must have the same length.", value.Str(v))
		}
	}
	return out, nil
}

// iterate lists what Python iterates: items, keys of a dictionary, characters of a text.
func iterate(v value.Value) ([]value.Value, bool) {
	switch v := v.(type) {
	case *value.List:
		return v.Items(), true
	case *value.Tuple:
		return v.Items(), true
	case value.String:
		var out []value.Value
		for _, r := range string(v) {
			out = append(out, value.String(string(r)))
		}
		return out, true
	case value.Mapping:
		out := make([]value.Value, 0, v.Len())
		for k := range v.All() {
			out = append(out, k)
		}
		return out, true
	}
	return nil, false
}

func sortByIndex(actions []*ActionRecord) {
	slices.SortStableFunc(actions, func(a, b *ActionRecord) int { return a.Index - b.Index })
}
