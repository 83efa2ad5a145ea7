// Package chaos lets everything go wrong with real processes: a cluster on PostgreSQL, and one node on SQLite.
//
//	go test ./test/chaos                                   the short form, part of the normal tests
//	go test ./test/chaos -chaos.rounds=20                  the long form, `make chaos ROUNDS=20`
//	go test ./test/chaos -chaos.rounds=1 -chaos.only=disk  only faults with that in their name
//	go test ./test/chaos -chaos.rounds=5 -chaos.figures=f  the figures of f are added, and kept there: twenty rounds take hours
//	go test ./test/chaos -artifacts -outputdir=/tmp        the processes' logs are kept
//
// # The rig
//
// Three engines, two runners of the command, two runners that keep a ledger, and PostgreSQL, each in a network namespace of its
// own; the test stands at the bridge between them (network_test.go). It needs root, ip, tc and nft for that. Without, all is on
// the loopback interface, the log says so, and the faults of the network are left out.
//
// Each engine has its own proxy before the database (proxy_test.go), which delays, throttles, swallows and cuts, and which
// knows enough of PostgreSQL's protocol to let a COMMIT fail, conflict, or be done and never heard of. One runner is reached
// through such a proxy, too. Nothing of this is in the binary. Two things are done to its sources for a test, by go build's
// -overlay (overlay_test.go): the clock of one engine can be stepped, and there is a next version with one migration more.
//
// What is lost, doubled, late or out of order between nodes is messages for the simulation (test/sim), which does all four to
// each. Here it is packets under TCP, which repairs that or breaks: what the nodes see are delays and lost connections.
//
// The runners with a ledger are this test's own binary with the runner's library in it (runner_test.go): they write down, and
// sync, what they begin and what they return before anybody hears of it. One of them lies: it says everything twice, reports
// attempts that it hasn't got, speaks in others' names, and takes back that it was cancelled.
//
// # A round
//
// Users start executions of two workflows, look at them, pause, resume, cancel and rerun some (load_test.go), while the faults
// of the list (faults_test.go) happen in a random order, each when the one before is over and digested. After the last one all
// has to come to its end within 30 s. Then the cluster is stopped, and judged (judge_test.go): by the checkers of verify/check,
// from what users were told, what the ledgers say and what the store says; and by what a little HTTP server has seen that
// every action of the other workflow calls. Of the histories the recovery times are made (recovery_test.go). A third of the
// rounds is with binaries that have the race detector, a race ends one.
package chaos
