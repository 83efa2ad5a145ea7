package triggers

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"cierzo/expr/value"
	"cierzo/fault"
)

// notificationMax bounds a notification, in bytes.
const notificationMax = 1 << 20

// contextPrefix is that of the keys in which oslo.messaging packs the context of the request.
const contextPrefix = "_context_"

// ParseNotification reads a message of oslo.messaging's notifier, with its envelope (version 2.0) or without: JSON with
// event_type, publisher_id, payload, timestamp and message_id, and the request's context in keys with the prefix _context_.
func ParseNotification(body []byte) (Event, error) {
	if len(body) > notificationMax {
		return Event{}, fault.New(fault.Invalid, "a notification of %d bytes; it may have %d", len(body), notificationMax)
	}
	d, err := dict("notification", string(body))
	if err != nil {
		return Event{}, err
	}
	if inner, ok := d.GetString("oslo.message"); ok {
		if version, ok := d.GetString("oslo.version"); ok && !strings.HasPrefix(value.Str(version), "2.") {
			return Event{}, fault.New(fault.Invalid, "a notification in an envelope of version %s; known is 2.0", value.Str(version))
		}
		text, ok := inner.(value.String)
		if !ok {
			return Event{}, fault.New(fault.Invalid, "oslo.message is %s, not a text", value.TypeName(inner))
		}
		if d, err = dict("oslo.message", string(text)); err != nil {
			return Event{}, err
		}
	}
	ev := Event{Context: value.NewDict(0)}
	for k, v := range d.All() {
		name, ok := k.(value.String)
		if !ok {
			continue
		}
		switch {
		case strings.HasPrefix(string(name), contextPrefix):
			ev.Context.SetString(strings.TrimPrefix(string(name), contextPrefix), v)
		case name == "event_type":
			ev.Type = textOf(v)
		case name == "publisher_id":
			ev.Publisher = textOf(v)
		case name == "timestamp":
			ev.Timestamp = textOf(v)
		case name == "message_id":
			ev.ID = textOf(v)
		case name == "payload":
			ev.Payload = v
		}
	}
	if ev.Type == "" {
		return ev, fault.New(fault.Invalid, "a notification without an event_type")
	}
	if ev.ID == "" { // the same message again has the same text
		sum := sha256.Sum256(body)
		ev.ID = hex.EncodeToString(sum[:])
	}
	return ev, nil
}

// textOf is a text, "" if the value is none.
func textOf(v value.Value) string {
	s, _ := v.(value.String)
	return string(s)
}
