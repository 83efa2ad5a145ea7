//go:build !unix

package sqlstore

import "net"

// spoken reports nothing here: a connection that is lost shows when it is used.
func spoken(net.Conn) bool { return false }
