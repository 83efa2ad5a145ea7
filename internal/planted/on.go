//go:build planted

package planted

import (
	"os"
	"sync/atomic"
)

// Enabled says whether this build has the bugs in it.
const Enabled = true

var active atomic.Pointer[Bug]

// Let lets a bug in, in place of the one before; "" is none.
func Let(b Bug) { active.Store(&b) }

// fromOutside is a bug that the process was started with, by the variable CIERZO_PLANTED: for tests of whole processes.
var fromOutside = Bug(os.Getenv("CIERZO_PLANTED"))

// Has reports whether the bug is let in.
func Has(b Bug) bool {
	p := active.Load()
	return p != nil && *p == b || fromOutside != "" && fromOutside == b
}
