package value

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// hash is equal for exactly the values that are one key to Python: 1, 1.0 and true have one.
type hash struct {
	kind hashKind
	n    int64
	text string
}

type hashKind uint8

const (
	hashText hashKind = iota
	hashNull
	hashInt
	hashBig
	hashFloat
	hashNaN
	hashTuple
	hashList
	hashDict
	hashSet
	hashTime
	hashSpan
	hashDate
	hashObject
)

// hashOf gives the hash of a value. With free, lists and dicts that are not mutable have one too. The error names the
// unhashable type as Python does.
func hashOf(v Value, free bool) (hash, error) {
	switch v := v.(type) {
	case String:
		return hash{kind: hashText, text: string(v)}, nil
	case Null:
		return hash{kind: hashNull}, nil
	case Bool:
		if v {
			return hash{kind: hashInt, n: 1}, nil
		}
		return hash{kind: hashInt}, nil
	case Int:
		return hash{kind: hashInt, n: int64(v)}, nil
	case BigInt:
		return hash{kind: hashBig, text: v.n.String()}, nil
	case Float:
		return hashFloatOf(float64(v)), nil
	case DateTime:
		return hash{kind: hashTime, n: v.UnixMicro()}, nil
	case TimeSpan:
		return hash{kind: hashSpan, n: v.Microseconds}, nil
	case Date:
		return hash{kind: hashDate, n: v.Unix()}, nil
	}
	return hashContainer(v, free)
}

func hashFloatOf(f float64) hash {
	switch {
	case math.IsNaN(f):
		return hash{kind: hashNaN, n: int64(math.Float64bits(f))}
	case f != math.Trunc(f) || math.IsInf(f, 0):
		return hash{kind: hashFloat, n: int64(math.Float64bits(f))}
	case math.Abs(f) < 1<<62:
		return hash{kind: hashInt, n: int64(f)}
	}
	n, _ := new(big.Float).SetFloat64(f).Int(nil)
	if n.IsInt64() {
		return hash{kind: hashInt, n: n.Int64()}
	}
	return hash{kind: hashBig, text: n.String()}
}

func hashContainer(v Value, free bool) (hash, error) {
	switch v := v.(type) {
	case *Tuple:
		return hashItems(hashTuple, v.items, free)
	case *List:
		if free && !v.mutable {
			return hashItems(hashTuple, v.items, free)
		}
	case *Set:
		h, err := hashItems(hashSet, v.members.keys, free)
		return h, err
	case Mapping:
		if d, ok := v.(*Dict); free && (!ok || !d.mutable) {
			return hashMapping(v)
		}
	default:
		if u, ok := v.(interface{ Unhashable() bool }); ok && u.Unhashable() {
			break
		}
		if v.Kind() == KindOpaque {
			return hash{kind: hashObject, text: fmt.Sprintf("%p", v)}, nil
		}
	}
	return hash{}, fmt.Errorf("unhashable type: '%s'", TypeName(v))
}

func (h hash) write(b *strings.Builder) {
	b.WriteByte(byte('a' + h.kind))
	b.WriteString(strconv.FormatInt(h.n, 36))
	b.WriteByte(':')
	b.WriteString(strconv.Itoa(len(h.text)))
	b.WriteByte(':')
	b.WriteString(h.text)
}

func hashItems(kind hashKind, items []Value, free bool) (hash, error) {
	parts := make([]string, 0, len(items))
	for _, item := range items {
		h, err := hashOf(item, free)
		if err != nil {
			return hash{}, err
		}
		var b strings.Builder
		h.write(&b)
		parts = append(parts, b.String())
	}
	if kind == hashSet {
		slices.Sort(parts)
	}
	return hash{kind: kind, n: int64(len(items)), text: strings.Join(parts, "")}, nil
}

func hashMapping(m Mapping) (hash, error) {
	parts := make([]string, 0, m.Len())
	for k, v := range m.All() {
		h, err := hashItems(hashTuple, []Value{k, v}, true)
		if err != nil {
			return hash{}, err
		}
		parts = append(parts, h.text)
	}
	slices.Sort(parts)
	return hash{kind: hashDict, n: int64(len(parts)), text: strings.Join(parts, "")}, nil
}
