//go:build !linux

package std_test

import "syscall"

// dieWithParent does nothing here.
func dieWithParent() *syscall.SysProcAttr { return nil }
