//go:build race

package hostile

// race says that the test was built with the race detector, which multiplies memory and time: nothing is measured then.
const race = true
