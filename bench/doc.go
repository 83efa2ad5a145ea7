// Package bench measures a cierzo node by the workloads W1 to W7 that engines of this kind are compared by: throughput,
// latency, and what an action costs: processor time of all processes and of the database, transactions, bytes of
// write-ahead log, memory of an execution that waits.
//
// An action does nothing, on a runner in a process of its own, reached over TCP. Every figure is from the durable engine
// with the database's settings as they are; the report states them. Processor time and counts hardly depend on what else
// the machine does; wall-clock figures do.
package bench
