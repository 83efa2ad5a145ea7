// Package actors is the engine at work: actors around the pure state machine of package workflow.
//
//	Router       the engine's only address: finds or makes the actor of an execution, or passes messages on to its owner
//	Execution    the only writer of one execution: collects messages, takes turns, sends what the turn wants sent
//	Committer    writes the turns of many executions in one transaction
//	Loader       makes this engine the owner of many executions in one transaction, and reads them
//	Dispatcher   knows the runners, splits their slots among the queued actions
//	Sweeper      wakes what is due and finds attempts whose runner is gone
//	Watchdog     finds what waits for nothing
//	Gateway      commands from Go code, answered when they are durable
//
// All but the committer, the loader, the dispatcher (a board behind a lock) and the sweeper are actors. Commits and loads are done by
// goroutines that answer by message; steps are computed where the actor is while there are places (Config.TurnsMax), and only they may
// wait there, for what they look up.
// What a turn sends it sends after its commit; what was lost is sent again, because the rows say so. In doubt about a commit
// the actor is dropped and the execution loaded again.
package actors
