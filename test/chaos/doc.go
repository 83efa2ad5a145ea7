// Package chaos holds the tests with real processes that get killed: a cluster on PostgreSQL, one node on SQLite.
//
//	go test ./test/chaos                          the short form, part of the normal tests
//	go test ./test/chaos -chaos.executions=300    the long form, `make chaos`
//
// The tests judge from outside: what the servers acknowledged by REST, what the database says at the end, and what a
// ledger has seen, a little HTTP server that every action of the workflow calls.
package chaos
