package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"cierzo/api/apitype"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// Event streams are server-sent events that are read from the history of executions: nothing is lost by who was away, for
// the id of the last event that a client has seen says where to go on.

const (
	// streamsMax bounds the open streams of a node.
	streamsMax = 1000
	// The pauses between two looks at the history of an execution, and of one in which something has just happened.
	eventPause = 200 * time.Millisecond
	busyPause  = 100 * time.Millisecond
	// busyTime is how long after an event something has just happened.
	busyTime = 5 * time.Second
	// burstMax is how many bytes of events are sent at once.
	burstMax = 64 << 10
	// aliveAfter is how long a stream is silent before it shows that it lives.
	aliveAfter = 15 * time.Second
	// writeMax is how long a client may take for what it is sent.
	writeMax = 30 * time.Second
)

func eventJSON(id workflow.ExecutionID, e *workflow.HistoryEvent) (apitype.Event, error) {
	out := apitype.Event{
		ExecutionID: string(id), Seq: e.Seq, At: e.At.UTC().Format(time.RFC3339Nano), Kind: e.Kind, TaskID: string(e.TaskID), Task: e.Task,
		ActionID: string(e.ActionID), State: string(e.State), Info: e.Info,
	}
	if e.Detail != nil {
		raw, err := value.AppendJSON(nil, e.Detail)
		if err != nil {
			return out, fmt.Errorf("detail of event %d of execution %s: %w", e.Seq, id, err)
		}
		out.Detail = raw
	}
	return out, nil
}

// stream is an answer that goes on.
type stream struct {
	server  *server
	ctx     context.Context
	out     http.ResponseWriter
	control *http.ResponseController
	last    time.Time
	// waiting is what goes out together: at the next pause, at the end, or when it is more than burstMax.
	waiting bytes.Buffer
}

// open begins a stream. fault.Unavailable: there are too many.
func (s *server) open(w http.ResponseWriter, r *http.Request) (*stream, func(), error) {
	select {
	case s.streams <- struct{}{}:
	default:
		return nil, nil, fault.New(fault.Unavailable, "%d event streams are open", streamsMax)
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	st := &stream{server: s, ctx: r.Context(), out: w, control: http.NewResponseController(w)}
	return st, func() { <-s.streams }, st.send("retry: 1000\n\n")
}

// send writes a piece and sees that it goes out.
func (st *stream) send(text string) error {
	// A writer without deadlines (a test's) has none to set.
	_ = st.control.SetWriteDeadline(time.Now().Add(writeMax))
	if _, err := st.out.Write([]byte(text)); err != nil {
		return err
	}
	st.last = time.Now()
	return st.control.Flush()
}

// event has an event with its id sent, with others that come at the same time.
func (st *stream) event(id, name string, data any) error {
	line, err := jsonLine(data)
	if err != nil {
		return err
	}
	return st.line(id, name, line)
}

// jsonLine is a JSON text that ends with a line break.
func jsonLine(data any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(data)
	return b.Bytes(), err
}

// line is event for data that are a line of JSON.
func (st *stream) line(id, name string, data []byte) error {
	b := &st.waiting
	b.WriteString("id: " + id + "\n")
	if name != "" {
		b.WriteString("event: " + name + "\n")
	}
	b.WriteString("data: ")
	b.Write(data)
	b.WriteByte('\n')
	if b.Len() > burstMax {
		return st.flush()
	}
	return nil
}

// flush sends the events that wait.
func (st *stream) flush() error {
	if st.waiting.Len() == 0 {
		return nil
	}
	text := st.waiting.String()
	st.waiting.Reset()
	return st.send(text)
}

// pause sends what there is, and waits; false: the stream is over.
func (st *stream) pause(d time.Duration) bool {
	if st.flush() != nil {
		return false
	}
	if time.Since(st.last) > aliveAfter && st.send(": alive\n\n") != nil {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-st.ctx.Done():
	case <-st.server.Closing:
	}
	return false
}

// over notes why a stream ends that has begun: its client can't be told any more.
func (st *stream) over(err error) error {
	if err == nil {
		err = st.flush()
	}
	if err != nil && st.ctx.Err() == nil {
		st.server.Logger.Debug("event stream broken", "error", err)
	}
	return nil
}

// lastEventID is where a client goes on: the header that browsers send, or the parameter after.
func lastEventID(r *http.Request) string {
	return firstOf(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("after"))
}

func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/event-stream")
}

// executionEvents streams the history of an execution until its end, or answers a page of it to who asks for JSON.
func (s *server) executionEvents(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if err := knownOnly(q, "after", "limit"); err != nil {
		return err
	}
	after, limit := uint64(0), pageMax
	if v := lastEventID(r); v != "" {
		n, err := strconv.ParseUint(v, 10, 63)
		if err != nil {
			return fault.New(fault.Invalid, "Invalid input for field/attribute after. Value: '%s'. Value should be the number of an event", clipText(v))
		}
		after = n
	}
	if v := q.Get("limit"); v != "" {
		n, err := parseLimit(v)
		if err != nil {
			return err
		}
		limit = n
	}
	rec, _, err := s.findExecution(r)
	if err != nil {
		return err
	}
	if wantsJSON(r) {
		return s.eventPage(w, r, rec.ID, after, limit)
	}
	st, done, err := s.open(w, r)
	if err != nil {
		return err
	}
	defer done()
	return st.over(s.follow(st, rec, after))
}

func (s *server) eventPage(w http.ResponseWriter, r *http.Request, id workflow.ExecutionID, after uint64, limit int) error {
	list, err := s.Store.History(r.Context(), id, after, limit)
	if err != nil {
		return err
	}
	out := apitype.Events{Events: []apitype.Event{}}
	for i := range list {
		e, err := eventJSON(id, &list[i])
		if err != nil {
			return err
		}
		out.Events = append(out.Events, e)
	}
	s.write(w, http.StatusOK, out)
	return nil
}

// follow sends the events of an execution as they come. An execution that has ended ends the stream by an event "end".
func (s *server) follow(st *stream, rec *workflow.ExecutionRecord, after uint64) error {
	var heard time.Time
	for {
		// The record is read before the history: what is final then has all its events in it.
		now, err := s.Store.FindExecution(st.ctx, rec.ProjectID, rec.ID)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		gone := err != nil
		for {
			list, err := s.Store.History(st.ctx, rec.ID, after, pageMax)
			if err != nil {
				return err
			}
			for i := range list {
				e, err := eventJSON(rec.ID, &list[i])
				if err != nil {
					return err
				}
				after, heard = e.Seq, time.Now()
				if err := st.event(strconv.FormatUint(e.Seq, 10), "", e); err != nil {
					return err
				}
			}
			if len(list) < pageMax {
				break
			}
		}
		if gone || now.State.Final() {
			state := "DELETED"
			if !gone {
				state = string(now.State)
			}
			return st.event(strconv.FormatUint(after, 10), "end", map[string]string{"execution_id": string(rec.ID), "state": state})
		}
		pause := eventPause
		if time.Since(heard) < busyTime {
			pause = busyPause
		}
		if !st.pause(pause) {
			return nil
		}
	}
}

// allEvents streams what happens to all executions of a project from now on, or from the time in the last event's id; it answers
// a page of what has happened to who asks for JSON.
func (s *server) allEvents(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	known := []string{"after", "workflow_name", "kind", "all_projects"}
	if wantsJSON(r) {
		known = []string{"marker", "limit", "workflow_name", "kind", "all_projects"}
	}
	if err := knownOnly(q, known...); err != nil {
		return err
	}
	all, err := flag(q, "all_projects", false)
	if err != nil {
		return err
	}
	project, err := s.listedProject(r, &listQuery{flags: map[string]bool{"all_projects": all}}, "executions")
	if err != nil {
		return err
	}
	key, kinds := feedKey{project: project, workflow: q.Get("workflow_name")}, strings.Split(q.Get("kind"), ",")
	if wantsJSON(r) {
		return s.pastEvents(w, r, key, kinds)
	}
	var since time.Time
	if v := lastEventID(r); v != "" {
		us, err := strconv.ParseInt(v, 10, 64)
		if err != nil || us <= 0 {
			return fault.New(fault.Invalid, "Invalid input for field/attribute after. Value: '%s'. Value should be the id of an event: a time in microseconds", clipText(v))
		}
		since = persistence.FromMicros(us)
	}
	st, done, err := s.open(w, r)
	if err != nil {
		return err
	}
	defer done()
	return st.over(s.feedStream(st, key, since, kinds))
}

// feedStream sends what happens from now on, or from a time on, and is of one of the kinds.
func (s *server) feedStream(st *stream, key feedKey, since time.Time, kinds []string) error {
	l, leave := s.feeds.join(st.ctx, key)
	defer leave()
	send := func(events []feedEvent) error {
		for i := range events {
			e := &events[i]
			if !slices.ContainsFunc(kinds, func(k string) bool { return strings.HasPrefix(e.event.Kind, k) }) {
				continue
			}
			if err := st.line(strconv.FormatInt(persistence.Micros(e.event.At), 10), "", e.line); err != nil {
				return err
			}
		}
		return st.flush()
	}
	if !since.IsZero() {
		missed, err := l.catchUp(st.ctx, since)
		if err == nil {
			err = send(missed)
		}
		if err != nil {
			return err
		}
	}
	alive := time.NewTicker(aliveAfter)
	defer alive.Stop()
	for {
		select {
		case look, ok := <-l.looks:
			if !ok {
				return l.err // of who was too slow there is none: its client goes on behind the last event that it has got
			}
			if err := send(l.news(look)); err != nil {
				return err
			}
		case <-alive.C:
			if time.Since(st.last) > aliveAfter {
				if err := st.send(": alive\n\n"); err != nil {
					return err
				}
			}
		case <-st.ctx.Done():
			return nil
		case <-s.Closing:
			return nil
		}
	}
}
