// Package load holds the tests of the REST API under load, with real processes on PostgreSQL.
//
//	go test ./test/load          the short form, part of the normal tests
//	make load                    64 clients for a minute while engines are killed and started again
//	make bench-lists             lists of a million executions
//
// The load test judges from outside: what the servers have acknowledged must be in the database at the end, once.
package load
