package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"cierzo/internal/wait"
)

const (
	// nemesisMax bounds one run of the operator's command, outputMax what is kept of its output, in bytes.
	nemesisMax = 10 * time.Minute
	outputMax  = 16 << 10
	// outputWait is how long the command's children may hold its output open after its end.
	outputWait = 2 * time.Second
)

// Fault is one run of the operator's command.
type Fault struct {
	Phase   string  `json:"phase"` // "fault", or "heal"
	Round   int     `json:"round"` // from 1
	Command string  `json:"command"`
	At      Seconds `json:"at_s"` // since the beginning
	Took    Seconds `json:"took_s"`
	Exit    int     `json:"exit"` // status; -1: it didn't end by itself, or could not be begun
	Output  string  `json:"output"`
	// Recovery is the time from the fault until those executions that were under way went on.
	Recovery Latency `json:"recovery"`
}

// nemesis runs the operator's commands.
type nemesis struct {
	cfg     *Config
	cluster *cluster

	mu     sync.Mutex
	faults []Fault
}

// run breaks things at their time, and mends them at the end.
func (n *nemesis) run(ctx context.Context) {
	if n.cfg.Nemesis == "" {
		return
	}
	if n.cfg.NemesisEvery == 0 {
		if wait.For(ctx, n.cfg.Duration/2-n.cluster.since()) == nil {
			n.once(ctx, "fault", 1, n.cfg.Nemesis)
		}
	} else {
		for round := 1; ; round++ {
			at := time.Duration(round) * n.cfg.NemesisEvery
			if at >= n.cfg.Duration || wait.For(ctx, at-n.cluster.since()) != nil {
				break
			}
			n.once(ctx, "fault", round, n.cfg.Nemesis)
		}
	}
	if n.cfg.Heal != "" {
		n.once(context.WithoutCancel(ctx), "heal", 1, n.cfg.Heal) // whatever happens: the operator's cluster is broken
	}
}

// once runs a command of the operator to its end.
func (n *nemesis) once(ctx context.Context, phase string, round int, command string) {
	ctx, cancel := context.WithTimeout(ctx, nemesisMax)
	defer cancel()
	f := Fault{Phase: phase, Round: round, Command: command, At: seconds(n.cluster.since())}
	n.cfg.Progress(fmt.Sprintf("%s %d: %s", phase, round, command))
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command) //nolint:gosec // the operator's own command
	cmd.Env = append(os.Environ(),
		"CIERZO_VERIFY_PHASE="+phase, "CIERZO_VERIFY_ROUND="+strconv.Itoa(round), "CIERZO_VERIFY_SEED="+strconv.FormatUint(n.cfg.Seed, 10))
	var out clipped
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &out, outputWait
	err := cmd.Run()
	if cmd.ProcessState != nil {
		f.Exit = cmd.ProcessState.ExitCode()
	} else {
		f.Exit = -1
	}
	f.Took, f.Output = seconds(n.cluster.since())-f.At, out.String()
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		f.Output += fmt.Sprintf("(%v)\n", err)
		n.cfg.Progress(fmt.Sprintf("%s %d: %v", phase, round, err))
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.faults = append(n.faults, f)
}

// last is when the last fault was over.
func (n *nemesis) last() (end time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, f := range n.faults {
		end = max(end, (f.At + f.Took).duration())
	}
	return end
}

// clipped keeps the beginning of what is written to it.
type clipped struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (c *clipped) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.b.Write(p[:min(len(p), max(outputMax-c.b.Len(), 0))])
	return len(p), nil
}

func (c *clipped) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.b.String()
}
