// Package check is cierzo's promises as code: it looks at what a cluster did, from outside, and says where that isn't what was
// promised. The simulation, the chaos tests and `cierzo verify` fill a Case, each in its own way, and All judges it.
//
// A Case holds what users asked for and were told (Op), what actions did to the world (Run), and what the store says at the
// end (Execution). The checkers know the language and the promises; they don't call the engine's own code to judge it: the
// task graph is replayed here from the definition and the accepted results, by rules of its own that are as plain as they
// can be.
//
// Each checker has a name, which a Violation carries:
//
//	lost      an acknowledged execution is there
//	double    what is sent again under the same key is carried out once
//	seen      what users were shown of a history stays in it
//	history   events have no gaps; states go the ways that exist; one final state, which only a user's rerun or skip takes back
//	outcome   an action has one outcome, and it is one that a runner (or a user) produced; unsafe actions run once at most
//	grant     nothing is granted after a cancel
//	graph     the tasks are those that definition and results ask for, no more and no fewer, and so is the end
//	limits    concurrency and slots are kept
//	register  reads and commands of an execution are linearizable
//	stuck     everything has come to its end in time
//	repair    without faults nothing had to be repaired
package check
