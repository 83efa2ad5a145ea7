// Package verify holds the tests of `cierzo verify` with real processes: a cluster that loses a process in the middle and
// keeps its promises, and servers that are wrong on purpose, which must be found out.
//
//	go test ./test/verify           part of the normal tests
//	make verify-report              writes the example report in docs
package verify
