package value

// Measure counts the items and characters of a value with all that is in it, up to about max; what is there more than once
// counts each time. Not ok: it is nested deeper than depthMax.
func Measure(v Value, depthMax, max int) (n int, ok bool) {
	m := measure{max: max, ok: true}
	m.add(v, depthMax)
	return m.n, m.ok
}

// CheckKey says that a value is of a type that is no key of a NewFreeDict.
func CheckKey(v Value) error {
	_, err := hashOf(v, true)
	return err
}

type measure struct {
	n, max int
	ok     bool
}

func (m *measure) add(v Value, depth int) {
	if !m.ok || m.n > m.max {
		return
	}
	if depth < 0 {
		m.ok = false
		return
	}
	m.n++
	switch v := v.(type) {
	case String:
		m.n += len(v)
	case BigInt:
		m.n += v.n.BitLen() / 3
	case *List:
		m.items(v.items, depth)
	case *Tuple:
		m.items(v.items, depth)
	case *Set:
		m.items(v.members.keys, depth)
	case Mapping:
		for k, item := range v.All() {
			m.add(k, depth-1)
			m.add(item, depth-1)
		}
	}
}

func (m *measure) items(items []Value, depth int) {
	for _, item := range items {
		m.add(item, depth-1)
	}
}
