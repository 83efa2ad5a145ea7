package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cierzo/api/apitype"
	"cierzo/fault"
	"cierzo/internal/wait"
)

// Events reads a page of an execution's history, from behind the event of a number.
func (c *Client) Events(ctx context.Context, id string, after uint64) ([]apitype.Event, error) {
	req, err := c.request(ctx, http.MethodGet, path("executions", id, "events")+query("after", strconv.FormatUint(after, 10)), "", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	data, err := c.exchange(req)
	if err != nil {
		return nil, err
	}
	var out apitype.Events
	if err := json.Unmarshal(data, &out); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "events of execution %s: this is no answer of cierzo", id)
	}
	return out.Events, nil
}

const (
	// silenceMax is how long a stream may be silent; a server says that it lives each 15 seconds.
	silenceMax = 45 * time.Second
	// The pauses before a stream is opened again, and how long it is tried.
	reopenMin, reopenMax = 200 * time.Millisecond, 5 * time.Second
	outageMax            = 2 * time.Minute
	// eventMax bounds an event, in bytes.
	eventMax = 16 << 20
)

// FollowExecution calls f for each event of an execution from behind the one of a number, as they come, and returns nil when
// the execution has ended. A stream that breaks is opened again where it was, for two minutes.
func (c *Client) FollowExecution(ctx context.Context, id string, after uint64, f func(apitype.Event) error) error {
	last := ""
	if after > 0 {
		last = strconv.FormatUint(after, 10)
	}
	return c.follow(ctx, path("executions", id, "events"), last, f)
}

// FollowAll calls f for each event of all executions of the project from now on, until ctx ends; workflow and kind (a prefix
// such as "execution.") narrow it.
func (c *Client) FollowAll(ctx context.Context, workflow, kind string, f func(apitype.Event) error) error {
	return c.follow(ctx, "/events"+query("workflow_name", workflow, "kind", kind), "", f)
}

func (c *Client) follow(ctx context.Context, at, last string, f func(apitype.Event) error) error {
	var broken time.Time
	pause := reopenMin
	for {
		ended, err := c.readStream(ctx, at, &last, func(e apitype.Event) error {
			broken, pause = time.Time{}, reopenMin
			return f(e)
		})
		var own *callerError
		switch {
		case ended:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &own):
			return own.err
		case err != nil && !fault.Is(err, fault.Unavailable):
			return err
		}
		if broken.IsZero() {
			broken = time.Now()
		}
		if time.Since(broken) > outageMax {
			return err
		}
		if err := wait.For(ctx, pause); err != nil {
			return err
		}
		pause = min(pause*2, reopenMax)
	}
}

// callerError is what the caller's function has returned: it ends the following.
type callerError struct{ err error }

func (e *callerError) Error() string { return e.err.Error() }

// readStream reads server-sent events until the stream breaks; true: it has said that nothing more comes.
func (c *Client) readStream(ctx context.Context, at string, last *string, f func(apitype.Event) error) (bool, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := c.request(ctx, http.MethodGet, at, "", nil)
	if err != nil {
		return false, err
	}
	req.Header.Set("Accept", "text/event-stream")
	if *last != "" {
		req.Header.Set("Last-Event-ID", *last)
	}
	silence := time.AfterFunc(silenceMax, cancel)
	defer silence.Stop()
	resp, err := c.stream.Do(req)
	if err != nil {
		return false, c.unreachable(err)
	}
	if resp.StatusCode != http.StatusOK {
		_, err := c.read(resp)
		return false, err
	}
	defer resp.Body.Close()
	scanner := bufio.NewScanner(resp.Body)
	scanner.Buffer(nil, eventMax)
	var one sse
	for scanner.Scan() {
		silence.Reset(silenceMax)
		if !one.line(scanner.Text()) {
			continue
		}
		if one.name == "end" {
			return true, nil
		}
		var e apitype.Event
		if err := json.Unmarshal([]byte(one.data), &e); err != nil {
			return false, fault.Wrap(fault.Internal, err, "event %s", one.id)
		}
		if err := f(e); err != nil {
			return false, &callerError{err}
		}
		if one.id != "" {
			*last = one.id
		}
		one = sse{}
	}
	err = scanner.Err()
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return false, fault.Wrap(fault.Unavailable, err, "event stream of %s", c.base)
}

// sse is a server-sent event that is being read.
type sse struct{ id, name, data string }

// line takes the next line; true: the event is whole.
func (s *sse) line(text string) bool {
	if text == "" {
		return s.data != ""
	}
	field, v, _ := strings.Cut(text, ":")
	v = strings.TrimPrefix(v, " ")
	switch field {
	case "id":
		s.id = v
	case "event":
		s.name = v
	case "data":
		if s.data != "" {
			s.data += "\n"
		}
		s.data += v
	}
	return false
}
