// Package messages is what the nodes of a cluster say to each other, in protobuf: cierzo.proto and the code generated
// from it, nothing else. `make generate` makes the code again (it needs protoc); docs/protocol.md explains each message.
package messages
