// Package actors is the engine at work: actors around the pure state machine of package workflow.
//
//	Router       the engine's only address: finds or makes the actor of an execution, or passes messages on to its owner
//	Execution    the only writer of one execution: collects messages, takes turns, sends what the turn wants sent
//	Committer    writes the turns of many executions in one transaction
//	Dispatcher   knows the runners, splits their slots among the queued actions
//	Sweeper      wakes what is due and finds attempts whose runner is gone
//	Watchdog     finds what waits for nothing
//	Gateway      commands from Go code, answered when they are durable
//
// Nothing waits in a mailbox turn: what takes time (the store, the steps) is done by a goroutine that answers by message.
// What a turn sends it sends after its commit; what was lost is sent again, because the rows say so. In doubt about a commit
// the actor is dropped and the execution loaded again.
package actors
