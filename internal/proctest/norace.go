//go:build !race

package proctest

// race says that the test was built with the race detector: then the processes are too, and a race ends one of them.
const race = false
