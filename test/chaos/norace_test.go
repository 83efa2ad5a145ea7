//go:build !race

package chaos

// race says that the test was built with the race detector: then the servers are too, and a race ends one of them.
const race = false
