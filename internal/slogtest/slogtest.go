// Package slogtest gives tests a logger whose lines they can look at.
//
// A test passes New's logger to what it tests; the lines go to the test's own log, so that they show up next to its
// failure and nowhere else, and are kept as data for tests about logging itself.
package slogtest

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Record is one line that was logged, its groups flattened: "group.key".
type Record struct {
	Level   slog.Level
	Message string
	Attrs   map[string]any
}

// Log keeps what a logger was given. It may be used from several goroutines.
type Log struct {
	mu      sync.Mutex
	records []Record
	tb      testing.TB // nil once the test is over: testing refuses lines after that
}

// New gives a logger for this test, from level debug on, and the log that it fills.
func New(tb testing.TB) (*slog.Logger, *Log) {
	tb.Helper()
	log := &Log{tb: tb}
	tb.Cleanup(func() {
		log.mu.Lock()
		defer log.mu.Unlock()
		log.tb = nil
	})
	return slog.New(&handler{log: log}), log
}

// Records gives a copy of what was logged so far.
func (l *Log) Records() []Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.records)
}

// Messages gives the messages that were logged at this level or above.
func (l *Log) Messages(level slog.Level) []string {
	var out []string
	for _, record := range l.Records() {
		if record.Level >= level {
			out = append(out, record.Message)
		}
	}
	return out
}

func (l *Log) add(record Record, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, record)
	if l.tb != nil {
		l.tb.Log(line)
	}
}

// handler is a slog.Handler; attrs are those of With, their keys already prefixed by the groups around them.
type handler struct {
	log    *Log
	attrs  []slog.Attr
	prefix string
}

// Enabled lets everything through: a test wants to see it all.
func (h *handler) Enabled(context.Context, slog.Level) bool { return true }

// Handle keeps the record.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	record := Record{Level: r.Level, Message: r.Message, Attrs: map[string]any{}}
	var line strings.Builder
	line.WriteString(r.Level.String() + " " + r.Message)
	take := func(attr slog.Attr) {
		record.Attrs[attr.Key] = attr.Value.Any()
		line.WriteString(" " + attr.String())
	}
	for _, attr := range h.attrs {
		take(attr)
	}
	r.Attrs(func(attr slog.Attr) bool {
		for _, flat := range flatten(h.prefix, attr) {
			take(flat)
		}
		return true
	})
	h.log.add(record, line.String())
	return nil
}

// WithAttrs gives a handler that adds these to each record.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *h
	next.attrs = slices.Clone(h.attrs)
	for _, attr := range attrs {
		next.attrs = append(next.attrs, flatten(h.prefix, attr)...)
	}
	return &next
}

// WithGroup gives a handler that puts the group's name before the keys that follow.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	next := *h
	next.prefix = h.prefix + name + "."
	return &next
}

func flatten(prefix string, attr slog.Attr) []slog.Attr {
	resolved := attr.Value.Resolve()
	if resolved.Kind() != slog.KindGroup {
		if attr.Key == "" {
			return nil
		}
		return []slog.Attr{{Key: prefix + attr.Key, Value: resolved}}
	}
	if attr.Key != "" {
		prefix += attr.Key + "."
	}
	var out []slog.Attr
	for _, inner := range resolved.Group() {
		out = append(out, flatten(prefix, inner)...)
	}
	return out
}
