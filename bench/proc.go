package bench

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// What Linux says of processes under /proc. Elsewhere everything is 0.

const clockTick = 10 * time.Millisecond // of utime and stime; USER_HZ is 100 on every Linux that Go runs on

// stat gives the fields of /proc/PID/stat after the command's name, beginning with the state; nil when the process is gone.
func stat(pid int) []string {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return nil
	}
	return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
}

// The places of stat's fields.
const (
	statParent = 1
	statUser   = 11 // then system, and the same of the children that have been waited for
)

func ticks(fields []string, places ...int) time.Duration {
	var sum time.Duration
	for _, p := range places {
		if p < len(fields) {
			n, err := strconv.ParseInt(fields[p], 10, 64)
			if err == nil {
				sum += time.Duration(n) * clockTick
			}
		}
	}
	return sum
}

// treeTime is the processor time of a process, of its living children, and of those it has waited for.
func treeTime(pid int) time.Duration {
	if pid == 0 {
		return 0
	}
	sum := ticks(stat(pid), statUser, statUser+1, statUser+2, statUser+3)
	found, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return sum
	}
	for _, dir := range found {
		child, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if f := stat(child); len(f) > statUser && f[statParent] == strconv.Itoa(pid) {
			sum += ticks(f, statUser, statUser+1)
		}
	}
	return sum
}

// commandOf is a process' name as /proc has it.
func commandOf(pid int) string {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "comm"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// resident is the memory of a process in bytes, written how many bytes it has sent to disks.
func resident(pid int) int64 {
	return numberAfter(filepath.Join("/proc", strconv.Itoa(pid), "status"), "VmRSS:") << 10
}

func written(pid int) int64 {
	return numberAfter(filepath.Join("/proc", strconv.Itoa(pid), "io"), "write_bytes:")
}

// numberAfter finds a line that begins with the label and gives the number that follows.
func numberAfter(path, label string) int64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		rest, ok := strings.CutPrefix(line, label)
		if !ok {
			continue
		}
		if f := strings.Fields(rest); len(f) > 0 {
			n, err := strconv.ParseInt(f[0], 10, 64)
			if err == nil {
				return n
			}
		}
	}
	return 0
}

// loadAverage is the machine's, of the last minute.
func loadAverage() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), " ")
	n, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return 0
	}
	return n
}
