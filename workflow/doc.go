// Package workflow is the engine's pure core: the state machine of one workflow execution.
//
//	Compile(*dsl.Workflow)            → *Program    frozen, shared by all executions of a revision
//	New(program, Spec, Moment, Facts) → *Execution  a new execution, its first turn's effects pending
//	Load(program, records)            → *Execution  the same from the store's rows
//	(*Execution).Step(Moment, Event, Facts) error   one event; effects gather in the execution
//	(*Execution).Flush() Effects                    what the turn wants done: Writes, then Sends
//
// Nothing here has a clock, does IO, starts a goroutine or is random but for what Moment brings. What is written is the
// whole truth: what a turn sends and what is sent again after recovery follow from the same rows by the same function.
//
// An error of Step with a fault kind other than Internal and Unavailable refuses the event and has changed nothing.
// After any other error the execution must be dropped and loaded again: memory is never repaired.
package workflow
