// Package hostile gives the language what would take a machine's memory or years: each ends within its budget, with an
// error that names the limit. Each case runs in a process of its own, so that its peak of memory is measured, not guessed.
//
//	go test ./test/hostile -run Library -v    the cases with their peak of memory and their CPU time
package hostile
