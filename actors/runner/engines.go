package runner

import (
	"maps"
	"slices"
	"time"

	"cierzo/messages"
)

// engines is what a runner knows of the engines: who they are, as they say themselves, and when each was heard.
type engines struct {
	seeds     []string
	known     map[string]*engine // by address
	lastHeard time.Time          // any engine
}

type engine struct {
	demand uint32
	viewed uint64    // how many hellos had been said when its newest view came
	listed time.Time // when an engine named it last
	names  []string  // the engines that it named last, by id; an engine that comes back has another one
	heard  time.Time // when it said something last, or when it became known
}

// unlistedMax is how long an engine that nobody names any more is still greeted.
const unlistedMax = 5 * time.Second

func newEngines(seeds []string, now time.Time) engines {
	return engines{seeds: slices.Compact(slices.Sorted(slices.Values(seeds))), known: map[string]*engine{}, lastHeard: now}
}

func (e *engines) heard(address string, now time.Time) {
	e.lastHeard = now
	if k := e.known[address]; k != nil {
		k.heard = now
	}
}

// update takes an engine's view in, which came when so many hellos had been said. Views of different engines may differ for
// a moment; all that are named are greeted.
// changed: the engine names others than before, so executions may have changed hands.
func (e *engines) update(v *messages.EngineView, hellos uint64, now time.Time) (changed bool) {
	names := make([]string, 0, len(v.Engines))
	for _, n := range v.Engines {
		names = append(names, n.Id)
		k := e.known[n.Address]
		if k == nil {
			k = &engine{heard: now}
			e.known[n.Address] = k
		}
		k.listed = now
		if n.Address == v.Address {
			k.heard, k.demand, k.viewed = now, v.Demand, hellos
		}
	}
	slices.Sort(names)
	if k := e.known[v.Address]; k != nil && !slices.Equal(k.names, names) {
		changed, k.names = k.names != nil, names
	}
	return changed
}

// forget drops engines that nobody names. While no engine is heard, the old list stays.
func (e *engines) forget(now time.Time) {
	if now.Sub(e.lastHeard) > unlistedMax {
		return
	}
	maps.DeleteFunc(e.known, func(_ string, k *engine) bool { return now.Sub(k.listed) > unlistedMax })
}

// addresses lists whom to greet: the known engines, and the seeds while none is known or none answers.
func (e *engines) addresses(now time.Time) []string {
	list := slices.Collect(maps.Keys(e.known))
	if len(list) == 0 || now.Sub(e.lastHeard) > unlistedMax/2 {
		list = append(list, e.seeds...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// want reports whether an engine may have given a slot away before it heard that hello: one that has not answered it, or
// says that it has something on this runner or would like to.
func (e *engines) want(hello uint64) bool {
	for _, k := range e.known {
		if k.viewed < hello || k.demand > 0 {
			return true
		}
	}
	return false
}

// silent is how long the engine that an attempt belongs to has said nothing. When it is not among the engines any more,
// another one has taken over, and any word counts.
func (e *engines) silent(address string, now time.Time) time.Duration {
	if k := e.known[address]; k != nil {
		return now.Sub(k.heard)
	}
	return now.Sub(e.lastHeard)
}

// route chooses the engine to send to: the attempt's own first, then by turns another one and its own again. Each of the others
// gets its turn before one gets a second: who has taken the execution over may be any of them.
func (e *engines) route(own string, sends int, now time.Time) string {
	_, known := e.known[own]
	if known && sends%2 == 0 {
		return own
	}
	others := e.addresses(now)
	turn := sends
	if known {
		others = slices.DeleteFunc(others, func(a string) bool { return a == own })
		turn = sends / 2
	}
	if len(others) == 0 {
		return own
	}
	return others[turn%len(others)]
}

// grants splits the slots among the known engines: a quarter evenly, so that each can begin at once, the rest by demand.
// An engine always gets at least one.
func (e *engines) grants(slots int) map[string]uint32 {
	addresses := slices.Sorted(maps.Keys(e.known))
	grants := make(map[string]uint32, len(addresses))
	if len(addresses) == 0 {
		return grants
	}
	left := slots
	reserve := max(1, slots/(4*len(addresses)))
	for _, a := range addresses {
		grants[a] = uint32(reserve)
		left -= reserve
	}
	// First up to the demand, one slot each in turn; what nobody demands is dealt out too.
	for _, wanted := range []bool{true, false} {
		for dealt := true; dealt && left > 0; {
			dealt = false
			for _, a := range addresses {
				if left > 0 && (!wanted || grants[a] < e.known[a].demand) {
					grants[a]++
					left--
					dealt = true
				}
			}
		}
	}
	return grants
}
