//go:build invariants

package invariant

// Expensive says whether this build checks what is costly to check and lets a
// Violation end the process.
const Expensive = true
