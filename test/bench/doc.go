// Package bench holds measurements that state ratios and sizes, not timed tests: what `cierzo bench` and its workloads, the
// package bench, can't show from outside of a node.
//
//	go test ./test/bench -run '^TestExpressions$' -bench.expressions -v                       YAQL and Jinja against the reference
//	go test ./test/bench -run Waiting -bench.waiting=100000 -v -timeout 1h    executions that wait: memory and waking
package bench
