package chaos

import (
	"math/rand/v2"
	"sync"
)

// fate decides what becomes of an engine's commits.
type fate struct {
	mu   sync.Mutex
	rng  *rand.Rand
	odds map[verdict]int // of a hundred
	met  map[verdict]int
}

func newFate() *fate {
	return &fate{rng: rand.New(rand.NewPCG(rand.Uint64(), 7)), odds: map[verdict]int{}, met: map[verdict]int{}}
}

// set gives the verdict those odds, and leaves the others.
func (f *fate) set(v verdict, percent int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.odds[v] = percent
}

// forgive lets all pass.
func (f *fate) forgive() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.odds)
}

func (f *fate) decide() verdict {
	f.mu.Lock()
	defer f.mu.Unlock()
	k := f.rng.IntN(100)
	for _, v := range []verdict{cutBefore, cutAfter, conflict} {
		if k -= f.odds[v]; k < 0 {
			f.met[v]++
			return v
		}
	}
	f.met[pass]++
	return pass
}
