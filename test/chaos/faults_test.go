package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/lib/pq"
	"golang.org/x/sys/unix"

	"cierzo/internal/proctest"
	"cierzo/workflow"
)

// moment is from when on recovery is counted.
type moment string

// Of what takes over while the fault lasts, its beginning; of what can only go on when it is over, its end.
const (
	fromBegin moment = "its beginning"
	fromEnd   moment = "its end"
)

// What faults hit.
const (
	itsExecutions = "executions of the engine"
	itsActions    = "actions of the runner"
	executions    = "executions"
)

// trouble is something that goes wrong, and that it is over again.
type trouble struct {
	no    int // position in the list
	name  string
	from  moment
	hits  string
	smoke bool // part of the short form
	// needs says what the fault can't do without.
	needs need
	// unmeasured: the events' times are wrong themselves.
	unmeasured bool
	// do lets it happen, and returns when it is over. It marks its beginning by r.hit, r.hitRunner or r.hitAll.
	do func(ctx context.Context, r *round, i *incident) error
}

type need uint8

const (
	nothing  need = iota
	spaces        // network namespaces
	disk          // a file system of its own for the database
	oneBuild      // the processes are still of the first build
)

// round is a cluster under load, to which things happen.
type round struct {
	*site
	*load
	form     shape
	rng      *rand.Rand
	upgraded bool
}

func (r *round) anEngine() *node { return r.engines[r.rng.IntN(len(r.engines))] }

// aRunner is one that tells the truth.
func (r *round) aRunner() *node {
	list := append(append([]*node(nil), r.web...), r.ledgers[:max(len(r.ledgers)-1, 1)]...)
	return list[r.rng.IntN(len(list))]
}

const (
	owned = `SELECT e.id FROM executions e JOIN execution_states s ON s.key = e.key JOIN nodes n ON n.id = s.owner
WHERE n.address = $1 AND s.state IN ('RUNNING', 'PAUSED')`
	busyOn = `SELECT count(*) FROM execution_states WHERE busy <> 0 AND strpos(runners, $1) > 0`
)

// misput reports that the server refuses a statement for what it says: it will never do.
func misput(err error) bool {
	var answer *pq.Error
	return errors.As(err, &answer) && answer.Code.Class() == "42"
}

// hit begins an incident of an engine: it notes which executions the engine has, if it gets some soon.
func (r *round) hit(ctx context.Context, i *incident, e *node) error {
	soon, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	i.owned = map[workflow.ExecutionID]bool{}
	err := until(soon, func() (bool, error) {
		rows, err := r.direct.QueryContext(ctx, owned, e.bind)
		if err != nil {
			return false, err
		}
		defer rows.Close()
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return false, err
			}
			i.owned[workflow.ExecutionID(id)] = true
		}
		return len(i.owned) > 0, rows.Err()
	})
	i.begun = time.Now()
	if ctx.Err() != nil || misput(err) {
		return err
	}
	return nil // an engine without executions can be hit, too
}

// hitRunner begins an incident of a runner, when it has something to do if that is soon.
func (r *round) hitRunner(ctx context.Context, i *incident, n *node) error {
	known, cancel := context.WithTimeout(ctx, r.patience())
	defer cancel()
	id, err := r.runnerID(known, n)
	if err != nil {
		return err
	}
	soon, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err = until(soon, func() (bool, error) {
		var busy int
		err := r.direct.QueryRowContext(soon, busyOn, id).Scan(&busy)
		return busy > 0, err
	})
	i.runners, i.begun = []string{id}, time.Now()
	if misput(err) {
		return err
	}
	return ctx.Err()
}

// hitAll begins an incident of all executions.
func (r *round) hitAll(i *incident) { i.begun = time.Now() }

// runnerID asks the engines for the name of the runner's present incarnation.
func (r *round) runnerID(ctx context.Context, n *node) (id string, err error) {
	address := n.bind
	if n.link != nil {
		address = n.link.address()
	}
	err = until(ctx, func() (bool, error) {
		for k := range r.engines {
			view, err := r.nodes(ctx, k)
			if err != nil {
				continue
			}
			for _, a := range view.Runners {
				if a.Address == address && a.State == "up" {
					id = a.ID
				}
			}
		}
		return id != "", nil
	})
	return id, err
}

// wait lets the fault last.
func wait(ctx context.Context, d time.Duration) { proctest.Pass(ctx, d) }

const (
	takeover = leaseTTL + 2*time.Second    // long enough for others to take over an engine's executions
	gone     = runnerGrace + 2*time.Second // long enough for a runner to count as lost
	while    = 5 * time.Second             // long enough for something to meet it
)

// allFaults is the list of what can happen.
func allFaults() []*trouble {
	var list []*trouble
	for _, part := range [][]*trouble{processFaults(), networkFaults(), linkFaults(), databaseFaults(), otherFaults()} {
		list = append(list, part...)
	}
	for i, f := range list {
		f.no = i
	}
	return list
}

func processFaults() []*trouble {
	return []*trouble{
		{name: "an engine is killed", from: fromBegin, hits: itsExecutions, smoke: true, do: func(ctx context.Context, r *round, i *incident) error {
			e := r.anEngine()
			err := r.hit(ctx, i, e)
			e.Kill()
			wait(ctx, 500*time.Millisecond)
			r.again(ctx, e)
			return err
		}},
		{name: "an engine stands still for longer than its lease", from: fromBegin, hits: itsExecutions, smoke: true, do: func(ctx context.Context, r *round, i *incident) error {
			e := r.anEngine()
			r.burst(ctx, 6) // so that it wakes up with turns in its hands that are not its own any more
			err := r.hit(ctx, i, e)
			e.Signal(syscall.SIGSTOP)
			wait(ctx, takeover)
			e.Signal(syscall.SIGCONT)
			return err
		}},
		{name: "an engine stands still for a second", from: fromEnd, hits: itsExecutions, do: func(ctx context.Context, r *round, i *incident) error {
			e := r.anEngine()
			err := r.hit(ctx, i, e)
			e.Signal(syscall.SIGSTOP)
			wait(ctx, time.Second)
			e.Signal(syscall.SIGCONT)
			return err
		}},
		{name: "an engine is restarted as an operator does it", from: fromBegin, hits: itsExecutions, smoke: true, do: func(ctx context.Context, r *round, i *incident) error {
			e := r.anEngine()
			err := r.hit(ctx, i, e)
			return errors.Join(err, r.restart(ctx, e))
		}},
		{name: "an engine gets no more memory and dies", from: fromBegin, hits: itsExecutions, do: outOfMemory},
		{name: "a runner is killed", from: fromBegin, hits: itsActions, smoke: true, do: func(ctx context.Context, r *round, i *incident) error {
			n := r.aRunner()
			err := r.hitRunner(ctx, i, n)
			n.Kill()
			wait(ctx, 500*time.Millisecond)
			n.Restart()
			return err
		}},
		{name: "a runner stands still until it counts as lost", from: fromBegin, hits: itsActions, do: func(ctx context.Context, r *round, i *incident) error {
			n := r.aRunner()
			err := r.hitRunner(ctx, i, n)
			n.Signal(syscall.SIGSTOP)
			wait(ctx, gone)
			n.Signal(syscall.SIGCONT)
			return err
		}},
		{name: "a runner is restarted as an operator does it", from: fromBegin, hits: itsActions, do: func(ctx context.Context, r *round, i *incident) error {
			n := r.aRunner()
			err := r.hitRunner(ctx, i, n)
			stop, cancel := context.WithTimeout(ctx, 20*time.Second)
			defer cancel()
			err = errors.Join(err, n.Stop(stop))
			n.Restart()
			return err
		}},
	}
}

// again starts an engine after its end and waits until it serves.
func (r *round) again(ctx context.Context, e *node) {
	e.Restart()
	e.AwaitHealth(ctx, e.api)
}

func (r *round) restart(ctx context.Context, e *node) error {
	stop, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	err := e.Stop(stop)
	r.again(ctx, e)
	return err
}

// outOfMemory lets an engine have little more data than it has, and gives it work until it has asked for more. Then it is
// started again without the limit, as whoever looks after it would.
func outOfMemory(ctx context.Context, r *round, i *incident) error {
	e := r.anEngine()
	if err := r.hit(ctx, i, e); err != nil {
		return err
	}
	return starve(ctx, r, e, i)
}

func starve(ctx context.Context, r *round, e *node, i *incident) error {
	now, err := dataSize(e.Pid())
	if err != nil {
		return err
	}
	e.ExpectEnd()
	limit := unix.Rlimit{Cur: now + 1<<20, Max: now + 1<<20}
	if err := unix.Prlimit(e.Pid(), unix.RLIMIT_DATA, &limit, nil); err != nil {
		return err
	}
	press, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	pressed := make(chan struct{})
	go func() { defer close(pressed); press64(press, e) }()
	select {
	case <-e.Done():
		i.begun = time.Now()
	case <-press.Done():
		r.t.Logf("%s lives on with the memory that it has", e.Name)
	}
	cancel()
	<-pressed
	e.Kill()
	r.again(ctx, e)
	return nil
}

// dataSize is what of a process counts against RLIMIT_DATA, in bytes.
func dataSize(pid int) (uint64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return field(string(text), "VmData:")
}

func networkFaults() []*trouble {
	engineFault := func(name string, from moment, lasts time.Duration, begin func(r *round, e *node) error) *trouble {
		return &trouble{name: name, from: from, hits: itsExecutions, needs: spaces, do: func(ctx context.Context, r *round, i *incident) error {
			e := r.anEngine()
			err := errors.Join(r.hit(ctx, i, e), begin(r, e))
			i.begun = time.Now() // to cut everything takes a moment
			wait(ctx, lasts)
			return errors.Join(err, r.net.heal())
		}}
	}
	runnerFault := func(name string, from moment, lasts time.Duration, begin func(r *round, n *node) error) *trouble {
		return &trouble{name: name, from: from, hits: itsActions, needs: spaces, do: func(ctx context.Context, r *round, i *incident) error {
			n := r.aRunner()
			err := errors.Join(r.hitRunner(ctx, i, n), begin(r, n))
			i.begun = time.Now()
			wait(ctx, lasts)
			return errors.Join(err, r.net.heal())
		}}
	}
	alone := func(r *round, e *node) error {
		return errors.Join(part(hosts(e), hosts(r.others(e)...)), e.cutFrom(r.net.home(), e.store.ip()))
	}
	isolated := engineFault("an engine is cut off from everything", fromBegin, takeover, alone)
	isolated.smoke = true
	return []*trouble{
		isolated,
		engineFault("an engine and a runner are cut off from the others and the database", fromBegin, takeover, func(r *round, e *node) error {
			few := []*node{e, r.ledgers[0]}
			return errors.Join(part(hosts(few...), hosts(r.others(few...)...)), e.cutFrom(e.store.ip()))
		}),
		engineFault("an engine is cut off from the database", fromBegin, takeover, func(_ *round, e *node) error { return e.cutFrom(e.store.ip()) }),
		engineFault("an engine doesn't hear the database, which hears it", fromBegin, takeover, func(_ *round, e *node) error { return e.deafTo(e.store.ip()) }),
		engineFault("an engine is cut off from the other engines", fromEnd, while, func(r *round, e *node) error {
			var rest []*node
			for _, o := range r.engines {
				if o != e {
					rest = append(rest, o)
				}
			}
			return part(hosts(e), hosts(rest...))
		}),
		engineFault("an engine is cut off from all runners", fromEnd, while, func(r *round, e *node) error { return part(hosts(e), hosts(r.runners()...)) }),
		engineFault("no other node hears an engine", fromEnd, while, func(r *round, e *node) error { return e.mute(hosts(r.others(e)...)...) }),
		engineFault("an engine hears no other node", fromEnd, while, func(r *round, e *node) error { return e.deafen(hosts(r.others(e)...)...) }),
		runnerFault("a runner is cut off from everything", fromBegin, gone, func(r *round, n *node) error {
			return errors.Join(part(hosts(n), hosts(r.others(n)...)), n.cutFrom(append(n.via, r.net.home())...))
		}),
		runnerFault("no engine hears a runner", fromEnd, while, func(r *round, n *node) error { return n.mute(hosts(r.engines...)...) }),
		runnerFault("a runner hears no engine", fromEnd, while, func(r *round, n *node) error { return n.deafen(hosts(r.engines...)...) }),
		engineFault("an engine sends 64 kbit/s at most", fromEnd, while, func(_ *round, e *node) error { return e.throttle("64kbit") }),
		{name: "each host loses 10 % of the packets", from: fromEnd, hits: executions, needs: spaces, do: func(ctx context.Context, r *round, i *incident) error {
			r.hitAll(i)
			err := each(r.net.hosts, func(h *host) error { return h.loss(10) })
			wait(ctx, while)
			return errors.Join(err, r.net.heal())
		}},
	}
}

// linkFaults are those of the proxies.
func linkFaults() []*trouble {
	store := func(name string, from moment, lasts time.Duration, begin func(p *proxy)) *trouble {
		return &trouble{name: name, from: from, hits: itsExecutions, do: func(ctx context.Context, r *round, i *incident) error {
			e := r.anEngine()
			err := r.hit(ctx, i, e)
			begin(e.store)
			wait(ctx, lasts)
			e.store.heal()
			return err
		}}
	}
	commits := func(name string, odds map[verdict]int) *trouble {
		return &trouble{name: name, from: fromEnd, hits: executions, smoke: true, do: func(ctx context.Context, r *round, i *incident) error {
			r.hitAll(i)
			before := r.fates()
			for _, e := range r.engines {
				for v, percent := range odds {
					e.store.fate.set(v, percent)
				}
			}
			lasts := while
			if *rounds == 0 {
				lasts /= 2
			}
			wait(ctx, lasts)
			for _, e := range r.engines {
				e.store.fate.forgive()
			}
			after, all := r.fates(), 0
			for v, n := range before {
				after[v] -= n
			}
			for _, n := range after {
				all += n
			}
			r.t.Logf("of %d commits %d were cut off before, %d after they were done, %d conflicted", all, after[cutBefore], after[cutAfter], after[conflict])
			if all == 0 {
				return errors.New("the proxies have seen no commit")
			}
			return nil
		}}
	}
	link := func(name string, begin func(p *proxy)) *trouble {
		return &trouble{name: name, from: fromEnd, hits: itsActions, do: func(ctx context.Context, r *round, i *incident) error {
			n := r.web[len(r.web)-1]
			err := r.hitRunner(ctx, i, n)
			begin(n.link)
			wait(ctx, while)
			n.link.heal()
			return err
		}}
	}
	return []*trouble{
		{name: "the database answers 200 ms later", from: fromEnd, hits: executions, do: func(ctx context.Context, r *round, i *incident) error {
			r.hitAll(i)
			for _, e := range r.engines {
				e.store.delay.Store(int64(100 * time.Millisecond)) // there and back
			}
			wait(ctx, while)
			for _, e := range r.engines {
				e.store.heal()
			}
			return nil
		}},
		store("an engine's way to the database takes 16 KiB/s", fromEnd, while, func(p *proxy) { p.rate.Store(16 << 10) }),
		store("an engine's connections to the database are half open", fromBegin, takeover, func(p *proxy) { p.hole.Store(true) }),
		store("an engine's connections to the database are reset", fromBegin, 0, func(p *proxy) { p.reset() }),
		commits("30 % of the commits meet 40001", map[verdict]int{conflict: 30}),
		commits("30 % of the commits are cut off, before or after they are done", map[verdict]int{cutBefore: 15, cutAfter: 15}),
		link("the connections to a runner are half open", func(p *proxy) { p.hole.Store(true) }),
		link("what is sent to a runner comes half a second later", func(p *proxy) { p.delay.Store(int64(500 * time.Millisecond)) }),
	}
}

// fates counts what commits have met.
func (r *round) fates() map[verdict]int {
	out := map[verdict]int{}
	for _, e := range r.engines {
		e.store.fate.mu.Lock()
		for v, n := range e.store.fate.met {
			out[v] += n
		}
		e.store.fate.mu.Unlock()
	}
	return out
}

func (p *proxy) ip() string { return p.ln.Addr().(*net.TCPAddr).IP.String() }

func databaseFaults() []*trouble {
	down := func(name string, smoke bool, do func(r *round) error) *trouble {
		return &trouble{name: name, from: fromEnd, hits: executions, smoke: smoke, do: func(_ context.Context, r *round, i *incident) error {
			r.hitAll(i)
			return do(r)
		}}
	}
	return []*trouble{
		down("the database is restarted at once", true, func(r *round) error { return r.db.Restart(true) }),
		down("the database is restarted as an operator does it", false, func(r *round) error { return r.db.Restart(false) }),
		down("the database is killed", false, func(r *round) error { return errors.Join(r.db.Kill(), r.db.Start()) }),
		{name: "the database stands still", from: fromEnd, hits: executions, do: func(ctx context.Context, r *round, i *incident) error {
			r.hitAll(i)
			err := r.db.Signal(syscall.SIGSTOP)
			wait(ctx, takeover)
			return errors.Join(err, r.db.Signal(syscall.SIGCONT))
		}},
		{name: "the database ends all connections", from: fromBegin, hits: executions, do: func(ctx context.Context, r *round, i *incident) error {
			r.hitAll(i)
			_, err := r.direct.ExecContext(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cierzo'`)
			return err
		}},
		{name: "the database's disk is full", from: fromEnd, hits: executions, needs: disk, do: func(ctx context.Context, r *round, i *incident) error {
			r.hitAll(i)
			return r.fill(ctx)
		}},
	}
}

// fill leaves the database no room for a while. It may give up for that; then it is started again, as whoever looks after it
// would.
func (r *round) fill(ctx context.Context) error {
	filler := filepath.Join(r.full, "filler")
	if err := fillUp(filler); err != nil {
		return err
	}
	wait(ctx, while)
	if err := os.Remove(filler); err != nil {
		return err
	}
	probe, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return until(probe, func() (bool, error) {
		select {
		case <-r.db.Ended():
			err := r.db.Start()
			return err == nil, err
		default:
		}
		_, err := r.direct.ExecContext(probe, `SELECT 1`)
		return err == nil, err
	})
}

// fillUp writes a file until there is no room.
func fillUp(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	block := make([]byte, 1<<20)
	for size := len(block); size >= 512; size /= 2 {
		for err == nil {
			_, err = f.Write(block[:size])
		}
		if !errors.Is(err, syscall.ENOSPC) {
			break
		}
		err = nil
	}
	return errors.Join(err, f.Close())
}

func otherFaults() []*trouble {
	clock := func(name, by string) *trouble {
		return &trouble{name: name, from: fromEnd, hits: itsExecutions, unmeasured: true, do: func(ctx context.Context, r *round, i *incident) error {
			e := r.engines[0]
			err := r.hit(ctx, i, e)
			err = errors.Join(err, os.WriteFile(e.clock, []byte(by), 0o600))
			wait(ctx, while)
			return errors.Join(err, os.Remove(e.clock))
		}}
	}
	return []*trouble{
		clock("an engine's clock goes 10 s ahead, then back", "10s"),
		clock("an engine's clock goes 10 s back, then ahead", "-10s"),
		{name: "the engines are upgraded one by one, and the first one migrates the database", from: fromBegin, hits: executions, needs: oneBuild, do: upgrade},
		{name: "nothing, for comparison", from: fromBegin, hits: executions, do: func(ctx context.Context, r *round, i *incident) error {
			r.hitAll(i)
			wait(ctx, time.Second)
			return nil
		}},
	}
}

// upgrade restarts each engine as the next version, which migrates the schema while the others still work with the old one.
func upgrade(ctx context.Context, r *round, i *incident) error {
	next := proctest.Build{Race: r.form.race, Overlay: r.form.overlays.next}
	if _, err := next.Path(); err != nil {
		return err
	}
	r.hitAll(i)
	var errs []error
	for _, e := range r.engines {
		stop, cancel := context.WithTimeout(ctx, 30*time.Second)
		errs = append(errs, e.Stop(stop))
		cancel()
		e.Build = next
		r.again(ctx, e)
	}
	r.upgraded = true
	r.t.Logf("starts meanwhile, by how often they were sent: %v", r.triesSince(i.begun))
	var with int
	if err := r.direct.QueryRowContext(ctx, `SELECT count(*) FROM executions WHERE chaos_next = 7`).Scan(&with); err != nil {
		errs = append(errs, err)
	} else if with == 0 {
		errs = append(errs, errors.New("no execution has the column of the migration"))
	}
	return errors.Join(errs...)
}
