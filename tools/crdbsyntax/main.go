// Command crdbsyntax parses SQL statements with CockroachDB's own parser and refuses what cierzo stays away from.
//
//	crdbsyntax FOLDER
//
// The folder holds *.sql files, as the store's TestDumpStatements writes them: one statement or one migration each.
// PostgreSQL's and CockroachDB's dialects differ in small ways that only show on the real database; this check needs
// none. It is a module of its own because the parser is large and slow to build.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: crdbsyntax FOLDER")
		os.Exit(2)
	}
	bad, err := run(os.Args[1], os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "crdbsyntax:", err)
		os.Exit(2)
	}
	if bad > 0 {
		os.Exit(1)
	}
}

// run checks the files of a folder, prints what it finds and gives the number of bad files.
func run(folder string, out io.Writer) (bad int, err error) {
	names, err := filepath.Glob(filepath.Join(folder, "*.sql"))
	if err != nil {
		return 0, err
	}
	if len(names) == 0 {
		return 0, fmt.Errorf("%s holds no *.sql files: nothing was checked", folder)
	}
	statements := 0
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return bad, err
		}
		count, problems := check(string(text))
		statements += count
		for _, problem := range problems {
			if _, err := fmt.Fprintf(out, "%s: %s\n", filepath.Base(name), problem); err != nil {
				return bad, err
			}
		}
		if len(problems) > 0 {
			bad++
		}
	}
	_, err = fmt.Fprintf(out, "%d files, %d statements, %d files refused\n", len(names), statements, bad)
	return bad, err
}
