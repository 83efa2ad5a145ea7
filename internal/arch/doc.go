// Package arch holds the import rules of this repository as one table, and checks the tree against it.
//
// The rules are what keeps the parts apart: the state machine has no clock, the action runner has no store, the API
// has no actors. They live in table.go, in two lists: what each folder may import of this module, and which outside
// packages and language features are kept to a few rooms, each with its reason. A folder that the table doesn't name
// is an error: somebody has to write down what a new package may import before it can exist.
//
// The tree is read with go/parser and not with "go list", so that "go test" sees the files that were read and never
// answers "ok (cached)" after somebody changed one.
//
// Besides imports the package looks at what a parser can see cheaply: each package has a comment to start from, and no
// file is longer than a reader's patience (LinesMax).
package arch

import "fmt"

// LinesMax is the limit of a source file; one that grows over it holds more than one idea.
const LinesMax = 600

// Module is the path of the module whose tree is checked.
const Module = "cierzo"

// Violation is one place where the tree breaks a rule.
type Violation struct {
	// Path is the file or folder, relative to the root.
	Path string
	// Line is the line of the file, 0 when all of it is meant.
	Line int
	// Text says what is wrong and which rule says so.
	Text string
}

// String gives "path:line: text", as a compiler would.
func (v Violation) String() string {
	if v.Line == 0 {
		return fmt.Sprintf("%s: %s", v.Path, v.Text)
	}
	return fmt.Sprintf("%s:%d: %s", v.Path, v.Line, v.Text)
}
