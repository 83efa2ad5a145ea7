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

// uuid is a random (version 4) UUID in text form.
func (e *entropy) uuid() string {
	var b [16]byte
	hi, lo := e.pair()
	binary.BigEndian.PutUint64(b[:8], hi)
	binary.BigEndian.PutUint64(b[8:], lo)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 36)
	for i, c := range b {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			out = append(out, '-')
		}
		out = append(out, digits[c>>4], digits[c&15])
	}
	return string(out)
}
