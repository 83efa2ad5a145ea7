//go:build !linux

package cluster

import "syscall"

// limitSegments is for Linux.
func limitSegments(string, string, syscall.RawConn) error { return nil }
