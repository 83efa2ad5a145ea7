package workflow

import "encoding/binary"

// entropy stretches the seed of a step: each pair of words is a bijection of the seed, so that fresh seeds give fresh ids.
type entropy struct {
	hi, lo, n uint64
}

func newEntropy(seed [16]byte) entropy {
	return entropy{hi: binary.BigEndian.Uint64(seed[:8]), lo: binary.BigEndian.Uint64(seed[8:])}
}

// word is the next 64 random bits.
func (e *entropy) word() uint64 {
	hi, lo := e.pair()
	return hi ^ mix(lo)
}

func (e *entropy) pair() (hi, lo uint64) {
	e.n++
	return mix(e.hi + e.n*0x9e3779b97f4a7c15), mix(e.lo + e.n*0xd1342543de82ef95)
}

// mix is the finalizer of splitmix64, a bijection of 64-bit words.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
