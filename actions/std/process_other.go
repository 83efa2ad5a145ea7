//go:build !linux

package std

import "os/exec"

// detach does nothing here.
func detach(*exec.Cmd) {}

// killGroup ends the child only.
func killGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }

// confine can't limit the process here; the interpreter's own limits hold, and the parent ends it when its time is up.
func confine(float64) error { return nil }
