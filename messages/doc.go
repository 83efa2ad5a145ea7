// Package messages is what the nodes of a cluster say to each other, in protobuf: cierzo.proto and the code generated
// from it, and how they look in logs. `make generate` makes the code again (it needs protoc); docs/protocol.md explains each message.
package messages
