//go:build !planted

package planted

// Enabled says whether this build has the bugs in it.
const Enabled = false

// Has reports whether the bug is let in: never.
func Has(Bug) bool { return false }
