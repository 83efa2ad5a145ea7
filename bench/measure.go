package bench

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"
)

// moment is everything that is counted, at one moment.
type moment struct {
	began   time.Time     // the counting
	at      time.Time     // when it was done
	engine  time.Duration // processor time of this process and of other engines
	looking time.Duration // what of it went into this moment's counting
	runner  time.Duration
	written int64
	retries uint64
	commits uint64
	server  counts
}

func (b *Bench) moment(ctx context.Context) (moment, error) {
	began, before := time.Now(), selfTime()
	info, err := b.node.Store().Info(ctx)
	if err != nil {
		return moment{}, err
	}
	c, err := b.server.read(ctx)
	if err != nil {
		return moment{}, err
	}
	var others time.Duration
	for _, e := range b.engines {
		others += treeTime(e.Process.Pid)
	}
	runner := treeTime(b.runnerPID())
	now := selfTime()
	return moment{
		began: began, at: time.Now(), engine: now + others, looking: now - before, runner: runner, written: written(b.pid),
		retries: info.Retries, commits: info.Commits, server: c,
	}, nil
}

// Cost is what a workload took, each for one action. A workflow of one action is one action.
type Cost struct {
	Seconds    float64 `json:"sec"`         // of the whole workload, without the counting before and after it
	CPU        float64 `json:"cpu_ms_act"`  // milliseconds of processor time: engine, runner and database
	CPUSelf    float64 `json:"cpu_self"`    // seconds: engine and runner, of the whole workload
	CPURunner  float64 `json:"cpu_runner"`  // seconds, thereof the runner
	CPUServer  float64 `json:"cpu_pg"`      // seconds: the database server, of the whole workload
	Writing    float64 `json:"xid_act"`     // writing transactions
	Commits    float64 `json:"commits_act"` // the engine's own transactions
	WAL        float64 `json:"wal_act"`     // bytes of write-ahead log
	Retries    float64 `json:"retry_act"`   // transactions repeated after a serialization failure
	Written    float64 `json:"io_act"`      // bytes that this process sent to the disk (SQLite)
	Throughput float64 `json:"per_s,omitempty"`
}

func cost(a, z moment, actions int) Cost {
	n := float64(actions)
	seconds := func(d time.Duration) float64 { return d.Seconds() }
	self := z.engine - z.looking - a.engine + z.runner - a.runner
	server := z.server.cpu - a.server.cpu
	c := Cost{
		Seconds: seconds(z.began.Sub(a.at)), CPU: 1000 * seconds(self+server) / n, CPUSelf: seconds(self), CPURunner: seconds(z.runner - a.runner),
		CPUServer: seconds(server), Writing: float64(z.server.transactions-a.server.transactions) / n,
		Commits: float64(z.commits-a.commits) / n, WAL: float64(z.server.wal-a.server.wal) / n,
		Retries: float64(z.retries-a.retries) / n, Written: float64(z.written-a.written) / n,
	}
	c.Throughput = n / c.Seconds
	return c
}

// less is what c took more than d, each for an execution, spread over n actions.
func (c Cost) less(d Cost, n float64) Cost {
	return Cost{
		Seconds: c.Seconds - d.Seconds, CPU: (c.CPU - d.CPU) / n, CPUSelf: c.CPUSelf - d.CPUSelf, CPURunner: c.CPURunner - d.CPURunner,
		CPUServer: c.CPUServer - d.CPUServer, Writing: (c.Writing - d.Writing) / n, Commits: (c.Commits - d.Commits) / n, WAL: (c.WAL - d.WAL) / n,
		Retries: (c.Retries - d.Retries) / n, Written: (c.Written - d.Written) / n,
	}
}

// settled is the resident memory of this process after what can be given back is given back.
func settled(pid int) int64 {
	runtime.GC()
	debug.FreeOSMemory()
	return resident(pid)
}

// watchMemory looks at this process' resident memory until the returned function is called, which gives the greatest.
func (b *Bench) watchMemory() func() int64 {
	over, peak := make(chan struct{}), make(chan int64)
	go func() {
		most := resident(b.pid)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				most = max(most, resident(b.pid))
			case <-over:
				peak <- max(most, resident(b.pid))
				return
			}
		}
	}()
	return func() int64 {
		close(over)
		return <-peak
	}
}
