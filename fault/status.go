package fault

import "fmt"

// kinds is the one table of what the outside world calls each kind. The
// statuses are plain numbers because pure packages import this one and must
// not drag net/http in.
var kinds = [...]struct {
	name   string
	status int
}{
	Internal:    {"internal", 500},
	Invalid:     {"invalid", 400},
	NotFound:    {"not found", 404},
	Conflict:    {"conflict", 409},
	Forbidden:   {"forbidden", 403},
	TooLarge:    {"too large", 413},
	Unavailable: {"unavailable", 503},
}

// String is the kind's name as logs and metrics show it.
func (k Kind) String() string {
	if int(k) >= len(kinds) {
		return fmt.Sprintf("kind(%d)", uint8(k))
	}
	return kinds[k].name
}

// Status is the HTTP status that the kind is answered with; 500 for a number
// that is no kind.
func (k Kind) Status() int {
	if int(k) >= len(kinds) {
		return kinds[Internal].status
	}
	return kinds[k].status
}

// KindOfStatus is the inverse of Status for clients: the kind that a response's
// status stands for. A status outside the table is read by its class: other 4xx
// are Invalid, everything else is Internal.
func KindOfStatus(status int) Kind {
	for k, row := range kinds {
		if row.status == status {
			return Kind(k)
		}
	}
	if status >= 400 && status < 500 {
		return Invalid
	}
	return Internal
}
