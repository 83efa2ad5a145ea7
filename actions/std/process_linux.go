package std

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// detach makes the child the head of a group of its own: a signal to the terminal's processes doesn't reach it (a node that
// drains lets its actions end), and what it starts is killed with it.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return killGroup(cmd) }
}

// killGroup ends the child, which must not have been waited for, and all that it started.
func killGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// confine sets the limits of this process, for good: processor time, address space, and neither files nor sockets.
func confine(seconds float64) error {
	// The runtime opens what it waits by at the first timer; later it couldn't.
	time.NewTimer(time.Hour).Stop()
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return err
	}
	pages, _, _ := bytes.Cut(statm, []byte(" "))
	space, err := strconv.ParseUint(string(pages), 10, 64)
	if err != nil {
		return err
	}
	for _, l := range []struct {
		name  string
		which int
		max   uint64
	}{
		{"processor time", unix.RLIMIT_CPU, uint64(math.Ceil(seconds)) + 1},
		{"address space", unix.RLIMIT_AS, space*uint64(os.Getpagesize()) + scriptSpaceMax},
		{"file size", unix.RLIMIT_FSIZE, 0},
		{"core size", unix.RLIMIT_CORE, 0},
		{"open files", unix.RLIMIT_NOFILE, 0},
	} {
		// With both limits the same the kernel kills; the signal of the lower one Go would ignore.
		if err := unix.Setrlimit(l.which, &unix.Rlimit{Cur: l.max, Max: l.max}); err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	return nil
}
