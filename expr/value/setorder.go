package value

import (
	"math"
	"math/big"
	"math/bits"
)

// hashOrder is the order in which CPython goes through a set that the items were put into one after the other. Users see
// it where a set becomes a list: small numbers come in their order. Texts are hashed with a random seed there, so a set
// with any keeps the order in which its members came.
func hashOrder(items []Value) []Value {
	hashes := make([]uint64, len(items))
	for i, item := range items {
		h, ok := pythonHash(item)
		if !ok {
			return items
		}
		hashes[i] = h
	}
	t := hashTable{hashes: hashes, slots: make([]int, minSlots)}
	for i := range items {
		t.insert(i)
		t.used++
		if t.probes > probesMax*(len(items)+minSlots) {
			return items // numbers that were chosen to collide
		}
		if t.used*5 < (len(t.slots)-1)*3 {
			continue
		}
		more := t.used * 4
		if t.used > 50000 {
			more = t.used * 2
		}
		t.grow(more)
	}
	out := make([]Value, 0, len(items))
	for _, slot := range t.slots {
		if slot > 0 {
			out = append(out, items[slot-1])
		}
	}
	return out
}

const (
	minSlots     = 8
	linearProbes = 9
	perturbShift = 5
	// probesMax is how many slots are looked at per item, on average, before the order is given up.
	probesMax = 64
)

// hashTable is CPython's set: a slot holds the number of an item, plus one.
type hashTable struct {
	hashes []uint64
	slots  []int
	used   int
	probes int
}

func (t *hashTable) insert(item int) {
	mask := uint64(len(t.slots) - 1)
	perturb := t.hashes[item]
	for i := perturb & mask; ; i = (i*5 + 1 + perturb) & mask {
		probes := uint64(0)
		if i+linearProbes <= mask {
			probes = linearProbes
		}
		for j := i; j <= i+probes; j++ {
			t.probes++
			if t.slots[j] == 0 {
				t.slots[j] = item + 1
				return
			}
		}
		perturb >>= perturbShift
	}
}

func (t *hashTable) grow(more int) {
	size := minSlots
	for size <= more {
		size *= 2
	}
	old := t.slots
	t.slots = make([]int, size)
	for _, slot := range old {
		if slot > 0 {
			t.insert(slot - 1)
		}
	}
}

// hashBits is the exponent of the prime that numbers are hashed by.
const hashBits = 61

// pythonHash is CPython's hash of a value whose hash is the same in each process.
func pythonHash(v Value) (uint64, bool) {
	switch v := v.(type) {
	case Null:
		return 0x97d1e, true // an address in CPython; in recorded sets it comes behind small numbers
	case Bool, Int, BigInt:
		x, _ := number(v)
		return hashInteger(x.int()), true
	case Float:
		return hashDouble(float64(v)), true
	case *Tuple:
		return hashTupleItems(v.items)
	case *List:
		return hashTupleItems(v.items)
	}
	return 0, false
}

func signedHash(magnitude uint64, negative bool) uint64 {
	h := int64(magnitude)
	if negative {
		h = -h
	}
	if h == -1 {
		h = -2
	}
	return uint64(h)
}

func hashInteger(n *big.Int) uint64 {
	prime := new(big.Int).SetUint64(1<<hashBits - 1)
	m := new(big.Int).Mod(new(big.Int).Abs(n), prime)
	return signedHash(m.Uint64(), n.Sign() < 0)
}

func hashDouble(f float64) uint64 {
	switch {
	case math.IsInf(f, 0):
		return signedHash(314159, f < 0)
	case math.IsNaN(f):
		return 0
	}
	mantissa, exponent := math.Frexp(math.Abs(f))
	x := uint64(0)
	for mantissa != 0 {
		x = (x<<28)&(1<<hashBits-1) | x>>(hashBits-28)
		mantissa *= 1 << 28
		exponent -= 28
		part := uint64(mantissa)
		mantissa -= float64(part)
		if x += part; x >= 1<<hashBits-1 {
			x -= 1<<hashBits - 1
		}
	}
	shift := ((exponent % hashBits) + hashBits) % hashBits
	x = (x<<shift)&(1<<hashBits-1) | x>>(hashBits-shift)
	return signedHash(x, f < 0)
}

func hashTupleItems(items []Value) (uint64, bool) {
	const prime1, prime2, prime5 = 11400714785074694791, 14029467366897019727, 2870177450012600261
	acc := uint64(prime5)
	for _, item := range items {
		lane, ok := pythonHash(item)
		if !ok {
			return 0, false
		}
		acc = bits.RotateLeft64(acc+lane*prime2, 31) * prime1
	}
	acc += uint64(len(items)) ^ (prime5 ^ 3527539)
	if acc == math.MaxUint64 {
		acc = 1546275796
	}
	return acc, true
}
