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
