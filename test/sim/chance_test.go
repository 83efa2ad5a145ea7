package sim

import "time"

// chance is where everything random comes from: a hash of the seed and of what it is drawn for.
type chance uint64

func (c chance) str(s string) chance {
	h := uint64(c) ^ 0xcbf29ce484222325
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 0x100000001b3
	}
	return chance(scramble(h))
}

func (c chance) bytes(s []byte) chance { return c.str(string(s)) }

func (c chance) num(n uint64) chance {
	return chance(scramble(uint64(c) ^ scramble(n+0x9e3779b97f4a7c15)))
}

// below is a number from 0 to n-1.
func (c chance) below(n int) int { return int(scramble(uint64(c)) % uint64(n)) }

// percent is true in so many cases of a hundred.
func (c chance) percent(p int) bool { return c.below(100) < p }

// within is a time from 0 to d.
func (c chance) within(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return time.Duration(scramble(uint64(c)) % uint64(d))
}

// scramble is the finish of SplitMix64.
func scramble(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}
