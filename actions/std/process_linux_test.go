package std_test

import "syscall"

// dieWithParent ends a server that a test started when the tests are killed.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
