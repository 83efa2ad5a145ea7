package goldentest

import "runtime/metrics"

// Allocated gives the bytes that f allocated, those that were freed again too: what f held at any time is no more. Other
// goroutines count as well, so a test that uses it doesn't run in parallel to others.
func Allocated(f func()) uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	before := sample[0].Value.Uint64()
	f()
	metrics.Read(sample)
	return sample[0].Value.Uint64() - before
}
