// Package bench holds measurements that state ratios and sizes, not timed tests.
//
//	go test ./test/bench -run Waiting -bench.waiting=100000 -v -timeout 1h    executions that wait: memory and waking
package bench
