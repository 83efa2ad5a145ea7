// Package verify looks at a cluster from outside, as its users do, and says whether it keeps its promises.
//
// Run draws workflows and commands from a seed, has a cluster carry them out over its REST API, lets its operators break
// what they like meanwhile (Config.Nemesis), waits for everything to come to its end, and has package verify/check judge
// what users were told and what the API shows:
//
//	draw (plan.go, flow.go)    → the workflows, starts and commands of a seed
//	load (load.go, caller.go)  → who asks for what, and what each was told
//	nemesis (nemesis.go)       → the faults, by commands of the operator
//	collect (collect.go)       → the executions as the API shows them at the end
//	judge (report.go)          → Report: verdicts and figures, as text, JSON and HTML
//
// It does no harm: its workflows have names of their own, its requests are limited, it touches no execution but its own, and
// it removes all of that at the end.
package verify
