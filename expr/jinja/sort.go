package jinja

import "cierzo/expr/value"

// insertionMax is up to how many items Python sorts by binary insertion alone. It shows: which two items an error names.
const insertionMax = 64

// sort orders items by their keys, stably; errors of comparing end it.
func (r *run) sort(items []keyed, reverse bool) error {
	if reverse { // twice around a stable sort keeps the order of what is equal
		reverseKeyed(items)
		defer reverseKeyed(items)
	}
	return r.sortStable(items)
}

func reverseKeyed(items []keyed) {
	for i, j := 0, len(items)-1; i < j; i, j = i+1, j-1 {
		items[i], items[j] = items[j], items[i]
	}
}

func (r *run) sortStable(items []keyed) error {
	if len(items) < insertionMax {
		return r.insertionSort(items)
	}
	if err := r.make(len(items)); err != nil {
		return err
	}
	left := append([]keyed{}, items[:len(items)/2]...)
	right := append([]keyed{}, items[len(items)/2:]...)
	if err := r.sortStable(left); err != nil {
		return err
	}
	if err := r.sortStable(right); err != nil {
		return err
	}
	for i := range items {
		takeRight := len(left) == 0
		if !takeRight && len(right) > 0 {
			var err error
			if takeRight, err = r.less(right[0].key, left[0].key); err != nil {
				return err
			}
		}
		if takeRight {
			items[i], right = right[0], right[1:]
		} else {
			items[i], left = left[0], left[1:]
		}
	}
	return nil
}

// less is a < b: texts and integers the short way.
func (r *run) less(a, b value.Value) (bool, error) {
	switch x := a.(type) {
	case value.String:
		if y, ok := b.(value.String); ok && min(len(x), len(y)) < 1<<lookShift {
			return x < y, r.b.Step()
		}
	case value.Int:
		if y, ok := b.(value.Int); ok {
			return x < y, r.b.Step()
		}
	}
	return r.order("<", a, b)
}

// insertionSort puts each item into the sorted ones before it, beyond the run that is in order already.
func (r *run) insertionSort(items []keyed) error {
	start, err := r.sortedRun(items)
	if err != nil {
		return err
	}
	for ; start < len(items); start++ {
		pivot := items[start]
		low, high := 0, start
		for low < high {
			middle := low + (high-low)/2
			less, err := r.less(pivot.key, items[middle].key)
			if err != nil {
				return err
			}
			if less {
				high = middle
			} else {
				low = middle + 1
			}
		}
		copy(items[low+1:start+1], items[low:start])
		items[low] = pivot
	}
	return nil
}

// sortedRun counts the items at the beginning that are in order; ones in strictly falling order are turned around.
func (r *run) sortedRun(items []keyed) (int, error) {
	if len(items) < 2 {
		return len(items), nil
	}
	falling, err := r.less(items[1].key, items[0].key)
	if err != nil {
		return 0, err
	}
	n := 2
	for ; n < len(items); n++ {
		less, err := r.less(items[n].key, items[n-1].key)
		if err != nil {
			return 0, err
		}
		if less != falling {
			break
		}
	}
	if falling {
		reverseKeyed(items[:n])
	}
	return n, nil
}
