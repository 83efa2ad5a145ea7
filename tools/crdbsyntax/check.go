package main

import (
	"regexp"
	"strings"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/parser"
)

// check parses the statements of one file and gives their number and what is wrong with them.
func check(text string) (statements int, problems []string) {
	parsed, err := parser.Parse(text)
	if err != nil {
		return 0, []string{"CockroachDB can't parse it: " + strings.TrimSpace(err.Error())}
	}
	if len(parsed) == 0 {
		return 0, []string{"holds no statement"}
	}
	for _, statement := range parsed {
		plain := literals.ReplaceAllString(statement.SQL, "''")
		for _, rule := range forbidden {
			if found := rule.pattern.FindString(plain); found != "" {
				problems = append(problems, found+": "+rule.because)
			}
		}
	}
	return len(parsed), problems
}

// literals are what the rules don't look into: strings and comments.
var literals = regexp.MustCompile(`(?s)'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/`)

// forbidden is what lies outside the common subset of CockroachDB and PostgreSQL although it may parse.
var forbidden = []struct {
	pattern *regexp.Regexp
	because string
}{
	{regexp.MustCompile(`(?i)^\s*(LISTEN|UNLISTEN|NOTIFY)\b|\bpg_notify\b`), "CockroachDB has no notifications"},
	{regexp.MustCompile(`(?i)\bpg_(try_)?advisory\w*`), "CockroachDB's advisory locks lock nothing"},
	{regexp.MustCompile(`(?i)(?:\bNOT\s+)?\bDEFERRABLE\b|\bINITIALLY\s+DEFERRED\b`), "CockroachDB has no deferrable constraints"},
	{regexp.MustCompile(`(?i)\b(BIG|SMALL)?SERIAL\d?\b|\bnextval\b|\bCREATE\s+SEQUENCE\b`), "sequences make keys that hot-spot"},
	{regexp.MustCompile(`(?i)\bLOCK\s+TABLE\b`), "CockroachDB has no table locks"},
}
