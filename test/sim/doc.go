// Package sim is the simulation: a whole cluster in one process and in virtual time. The engines, runners, gateway, state
// machine and store contract are the real ones; the network, the disk under the store, the clocks and the deaths of
// processes are made from a seed. Random workflows meet random commands and random faults, and package check judges what
// came of it.
//
// A seed gives a plan: workflows, starts, commands and faults, each at its moment. Whatever is drawn while the plan runs
// (the fate of a message, the outcome of an action, how long a commit takes) is a hash of the seed and of what it is drawn
// for, never the next number of a generator: taking one fault out of a plan leaves the others as they were, which is what
// makes shrinking work. Every message between actors, over the network or within a process, arrives at a moment of its own,
// so that the order of things is the plan's and hardly the Go scheduler's; TestSameSeedSameTrace counts what is left.
package sim
