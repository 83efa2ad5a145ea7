package actors

import (
	"cmp"
	"slices"
	"time"

	"cierzo/workflow"
)

// RunnerInfo is a runner as people see it.
type RunnerInfo struct {
	ID      workflow.RunnerID
	Address string
	Targets []string
	Version string
	Slots   int    // that it grants to this engine
	Used    int    // of them
	State   string // "up", "draining", "silent"
	Heard   time.Time
}

// tell lists the runners by their address, without those that have gone.
func (b *board) tell(now time.Time) []RunnerInfo {
	out := make([]RunnerInfo, 0, len(b.runners))
	for _, r := range b.runners {
		if r.gone || r.replaced {
			continue
		}
		info := RunnerInfo{
			ID: r.id, Address: r.address, Version: r.version, Slots: r.granted, Used: len(r.holds), State: "up", Heard: r.heard,
		}
		for t := range r.targets {
			info.Targets = append(info.Targets, t)
		}
		slices.Sort(info.Targets)
		switch {
		case now.Sub(r.heard) > suspectAfter:
			info.State = "silent"
		case r.draining:
			info.State = "draining"
		}
		out = append(out, info)
	}
	slices.SortFunc(out, func(a, b RunnerInfo) int { return cmp.Or(cmp.Compare(a.Address, b.Address), cmp.Compare(a.ID, b.ID)) })
	return out
}

// QueueInfo is what waits for a slot on runners of a target, as people see it.
type QueueInfo struct {
	Target string // "": any runner will do
	Queued int    // actions; of each execution at most wantsMax are looked at
	Oldest time.Time
	Able   int // runners of the target that take new actions
}

// tellQueue lists what waits, by target. Only what this engine owns is in it.
func (b *board) tellQueue(now time.Time) []QueueInfo {
	by := map[string]*QueueInfo{}
	for key, l := range b.lanes {
		first := l.head()
		if first == nil {
			continue
		}
		q := by[key.target]
		if q == nil {
			q = &QueueInfo{Target: key.target, Oldest: first.Since}
			by[key.target] = q
		}
		q.Queued += len(l.wants) - l.gone
		if first.Since.Before(q.Oldest) {
			q.Oldest = first.Since
		}
	}
	out := make([]QueueInfo, 0, len(by))
	for _, q := range by {
		for _, r := range b.runners {
			if !r.gone && !r.replaced && !r.draining && now.Sub(r.heard) <= suspectAfter && (q.Target == "" || r.targets[q.Target]) {
				q.Able++
			}
		}
		out = append(out, *q)
	}
	slices.SortFunc(out, func(a, b QueueInfo) int { return cmp.Compare(a.Target, b.Target) })
	return out
}
