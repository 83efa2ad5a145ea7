// Package docs keeps the documentation true: it runs the commands that README.md and the pages under docs show.
//
// In those pages a fenced block of the language "console" holds commands, each after "$ ", and below a command what it
// prints; a line "…" stands for any lines. All of them are run, in the order of the page, in one folder that has bin/cierzo
// and the examples. A block of the languages yaml or go whose first line is a comment with nothing but a file's name is
// written to that file first. A command that serves is started, asked for its health and stopped; of "make" it is only
// checked that the target exists, because this test is one of them. Blocks of the language "sh" aren't run: they are for what
// needs a cluster or changes a machine.
//
// Links from one page to another file of the repository must lead somewhere.
package docs
