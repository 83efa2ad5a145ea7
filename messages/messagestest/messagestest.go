// Package messagestest is for tests that carry messages as a network does: what they are called, and bundles taken apart.
package messagestest

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"cierzo/messages"
)

// Apart gives copies of the messages of a bundle as if each had been sent by itself; another message is the only one.
func Apart(m proto.Message) (parts []proto.Message) {
	switch m := m.(type) {
	case *messages.ToExecution:
		for _, part := range m.Parts() {
			part = proto.CloneOf(part)
			part.ExecutionId, part.Hops = m.ExecutionId, m.Hops
			parts = append(parts, part)
		}
	case *messages.ToRunner:
		for _, part := range m.Parts() {
			part = proto.CloneOf(part)
			part.RunnerId, part.Engine = m.RunnerId, m.Engine
			parts = append(parts, part)
		}
	default:
		parts = append(parts, m)
	}
	return parts
}

// Kind names what is in a message's oneof: "RunAction", and of outcomes which: "ActionFinished value".
func Kind(m proto.Message) string {
	r := m.ProtoReflect()
	oneof := r.Descriptor().Oneofs().ByName("message")
	if oneof == nil {
		return string(r.Descriptor().Name())
	}
	field := r.WhichOneof(oneof)
	if field == nil {
		return string(r.Descriptor().Name())
	}
	name := string(field.Message().Name())
	if f, ok := r.Get(field).Message().Interface().(*messages.ActionFinished); ok {
		name += " " + strings.ToLower(strings.TrimPrefix(f.Kind.String(), "OUTCOME_"))
	}
	return name
}
