// Package planted holds bugs, for a test of the tests: each is a line somewhere in the engine that is wrong on purpose, and
// the simulation must find it.
//
// In a build without the tag "planted" there are none: Has is false, and the compiler removes what stands behind it. With
// the tag one bug at a time can be let in, by name:
//
//	if planted.Has(planted.SweeperOff) {
//		return nil
//	}
//
// `make planted` runs them all, and writes the table in docs/failures.md: which checker catches each, after how many seeds.
package planted

// Bug names a bug.
type Bug string

// The bugs, and what each does.
const (
	AckBeforeCommit  Bug = "ack before commit"               // users and runners are answered before the turn is durable
	CommitErrorLost  Bug = "COMMIT error ignored"            // a turn of whose commit nobody knows counts as committed
	OldEpochAccepted Bug = "old epoch accepted"              // the store takes turns of an engine that was overtaken
	StartRepeats     Bug = "start repeats"                   // a start that comes again begins the execution anew
	RefusalUnfenced  Bug = "refusal without fence"           // an overtaken engine tells users what it doesn't know
	AckUnfenced      Bug = "acknowledgement without fence"   // an overtaken engine makes runners forget outcomes
	FencedSpeaks     Bug = "fenced engine speaks"            // a refused turn is answered and sent as if it were committed
	RequestForgotten Bug = "request ids forgotten"           // a command that comes again is carried out again
	CancelKeepsQueue Bug = "cancel keeps the queue"          // queued actions of a cancelled execution are granted
	GrantAfterCancel Bug = "grant after cancel"              // a runner that asks is always told to begin
	StaleAttempt     Bug = "outcome of an old attempt"       // whichever attempt it is of, an outcome counts
	OutcomeTwice     Bug = "outcome applied twice"           // an outcome that comes again changes the action again
	RunTwice         Bug = "double dispatch without dedupe"  // a runner begins an attempt each time that it is told to
	OutboxLost       Bug = "runner forgets on sending"       // an outcome is sent once and not until it is acknowledged
	UnsafeRerun      Bug = "unsafe action repeated"          // a lost runner's actions are all run again
	SlotsIgnored     Bug = "slots ignored"                   // a runner begins all that it has
	SlotLeak         Bug = "slot leak"                       // slots of a turn that was given up are never free again
	ResendLost       Bug = "nothing is sent again"           // what is lost on its way is lost
	ReportLost       Bug = "report to the parent sent once"  // a sub-workflow doesn't repeat its state
	SweeperOff       Bug = "sweeper off"                     // nobody looks for what is due
	OrphansOff       Bug = "lost wake-up of queued actions"  // nobody looks for queued actions of a dead engine
	RunnerLossUnseen Bug = "lost runner not noticed"         // attempts stay with a runner that is gone
	WakeUnsaved      Bug = "timer lost on passivation"       // the moment of waking isn't written
	JoinForgets      Bug = "join count lost on takeover"     // loading forgets which tasks led to a join
	JoinEarly        Bug = "join one too early"              // a join of all runs when one is missing
	RetryForgotten   Bug = "retry counter lost on takeover"  // loading sets the number of retries to 0
	ItemOff          Bug = "item index off after reload"     // loading takes the first unfinished item for done
	ConcurrencyLost  Bug = "concurrency lost on takeover"    // loading forgets the concurrency of with-items
	TransitionsLost  Bug = "on-complete forgotten on errors" // a failed task doesn't follow its on-complete
	ForgottenCounts  Bug = "forgotten action counts"         // an action that timed out ends the next try
)

// All lists the bugs that a few hundred seeds must find. RefusalUnfenced, AckUnfenced and ForgottenCounts are not among them:
// they want a coincidence that random plans don't reach yet. Tests of their own refuse them.
func All() []Bug {
	return []Bug{
		AckBeforeCommit, CommitErrorLost, OldEpochAccepted, StartRepeats, FencedSpeaks, RequestForgotten, CancelKeepsQueue, GrantAfterCancel, StaleAttempt, OutcomeTwice, RunTwice, OutboxLost, UnsafeRerun,
		SlotsIgnored, SlotLeak, ResendLost, ReportLost, SweeperOff, OrphansOff, RunnerLossUnseen, WakeUnsaved, JoinForgets,
		JoinEarly, RetryForgotten, ItemOff, ConcurrencyLost, TransitionsLost,
	}
}
