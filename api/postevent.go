package api

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cierzo/api/apitype"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/triggers"
)

// Events come by POST /v2/event_engine/events. They are signed in one of two ways, if there is a secret:
//
//   - Webhook-Signature: v1,<base64> (several with blanks between them), as in Standard Webhooks: HMAC-SHA256 over
//     "<Webhook-Id>.<Webhook-Timestamp>.<body>"; the time, in seconds, may be signatureAge away;
//   - X-Hub-Signature-256: sha256=<hex>, as GitHub sends it: HMAC-SHA256 over the body.

const eventsRoute = "POST /v2/event_engine/events"

const (
	// signatureAge bounds the age of a signature, and how far it may be in the future.
	signatureAge = 5 * time.Minute
	// signaturesMax bounds the signatures of one request.
	signaturesMax = 10
	// eventIDMax and eventTextMax bound an event's texts, in bytes.
	eventIDMax   = 255
	eventTextMax = 255
)

// signedOr lets requests past the guard that are signed with a secret of ours.
func (s *server) signedOr(guarded http.Handler, h func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		signed := r.Header.Get("Webhook-Signature") != "" || r.Header.Get("X-Hub-Signature-256") != ""
		if len(s.EventSecrets) == 0 || !signed && s.authenticates {
			guarded.ServeHTTP(w, r)
			return
		}
		err := s.admit(r, http.MethodPost, jsonErrors)
		if err == nil {
			err = s.checkSignature(r)
		}
		if err == nil {
			err = s.openFor(r, eventsRoute)
		}
		if err == nil {
			err = h(w, r.WithContext(withCaller(r.Context(), Caller{ProjectID: s.Project, Admin: true})))
		}
		if err != nil {
			s.refuse(w, r, jsonErrors, err)
		}
	})
}

// checkSignature refuses a request that isn't signed with one of the secrets. The body can be read again.
func (s *server) checkSignature(r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return bodyError(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	refused := func(why string) error {
		return &status{http.StatusUnauthorized, "The event's signature is refused: " + why}
	}
	signed := body
	var signatures [][]byte
	switch list := r.Header.Get("Webhook-Signature"); {
	case list != "":
		id, at := r.Header.Get("Webhook-Id"), r.Header.Get("Webhook-Timestamp")
		seconds, err := strconv.ParseInt(at, 10, 64)
		if err != nil || id == "" {
			return refused("it takes the headers Webhook-Id and Webhook-Timestamp, in seconds")
		}
		if age := s.Now().Sub(time.Unix(seconds, 0)); age > signatureAge || age < -signatureAge {
			return refused("it is older than " + signatureAge.String() + ", or in the future")
		}
		signed = append([]byte(id+"."+at+"."), body...)
		for i, one := range strings.Fields(list) {
			if text, ok := strings.CutPrefix(one, "v1,"); ok && i < signaturesMax {
				if mac, err := base64.StdEncoding.DecodeString(text); err == nil {
					signatures = append(signatures, mac)
				}
			}
		}
	case r.Header.Get("X-Hub-Signature-256") != "":
		if mac, err := hex.DecodeString(strings.TrimPrefix(r.Header.Get("X-Hub-Signature-256"), "sha256=")); err == nil {
			signatures = append(signatures, mac)
		}
	default:
		return refused("there is none; send Webhook-Signature or X-Hub-Signature-256")
	}
	for _, secret := range s.EventSecrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write(signed)
		want := mac.Sum(nil)
		for _, got := range signatures {
			if hmac.Equal(got, want) {
				return nil
			}
		}
	}
	return refused("no secret of this server gives it")
}

// readEvent reads the body of an event.
func (s *server) readEvent(r *http.Request) (triggers.Event, error) {
	var ev triggers.Event
	f, err := readFields(r, "event", "message_id", "event_type", "publisher_id", "exchange", "topic", "timestamp", "payload", "context")
	if err != nil {
		return ev, err
	}
	t, err := f.texts("message_id", "event_type", "publisher_id", "exchange", "topic", "timestamp")
	if err != nil {
		return ev, err
	}
	for _, name := range []string{"event_type", "publisher_id", "exchange", "topic", "timestamp"} {
		if len(t[name]) > eventTextMax {
			return ev, fault.New(fault.Invalid, "Invalid input for field/attribute %s. It is longer than %d bytes", name, eventTextMax)
		}
	}
	ev = triggers.Event{
		ID: firstOf(t["message_id"], firstOf(r.Header.Get("Webhook-Id"), r.Header.Get(idempotencyHeader))), Exchange: t["exchange"], Topic: t["topic"], Type: t["event_type"],
		Publisher: t["publisher_id"], Timestamp: firstOf(t["timestamp"], s.clock().Format(time.DateTime)),
	}
	if ev.Type == "" {
		return ev, fault.New(fault.Invalid, "Type of the event (event_type) is not provided.")
	}
	if len(ev.ID) > eventIDMax {
		return ev, fault.New(fault.Invalid, "Invalid input for field/attribute message_id. It is longer than %d bytes", eventIDMax)
	}
	if ev.ID == "" {
		ev.ID = s.NewID()
	}
	if raw := f["payload"]; len(raw) > 0 {
		if ev.Payload, err = value.ParseJSON(raw); err != nil {
			return ev, fault.New(fault.Invalid, "Invalid input for field/attribute payload. It is not valid JSON: %v", err)
		}
	}
	if ev.Context, err = f.object("context"); err != nil {
		return ev, err
	}
	return ev, nil
}

// postEvent takes an event. Whoever has only a token sends events of the own project; who has signed it says which.
func (s *server) postEvent(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query()); err != nil {
		return 0, nil, err
	}
	ev, err := s.readEvent(r)
	if err != nil {
		return 0, nil, err
	}
	if s.Events == nil {
		return 0, nil, fault.New(fault.Invalid, "This server takes no events")
	}
	c := callerOf(r)
	if !c.Admin {
		// The same id of another project's event is another event.
		ev.ID = c.ProjectID + "/" + ev.ID
		if ev.Context == nil {
			ev.Context = value.NewDict(0)
		}
		ev.Context.SetString("project_id", value.String(c.ProjectID))
		ev.Context.SetString("user_id", value.String(c.UserID))
	}
	results, err := s.Events.Handle(r.Context(), ev)
	if err != nil {
		return 0, nil, err
	}
	out := apitype.EventAnswer{ID: strings.TrimPrefix(ev.ID, c.ProjectID+"/"), Triggers: []apitype.EventResult{}}
	for _, res := range results {
		if !c.Admin && res.ProjectID != c.ProjectID {
			continue // a public trigger of somebody else's: what it starts is theirs
		}
		item := apitype.EventResult{TriggerID: res.TriggerID, TriggerName: res.TriggerName, ExecutionID: apitype.Null[string]()}
		if res.Error == nil {
			item.ExecutionID = apitype.Some(res.ExecutionID)
		} else {
			item.Error = res.Error.Error()
			if fault.Is(res.Error, fault.Internal) {
				item.Error = "An internal error; the server's log has it"
			}
		}
		out.Triggers = append(out.Triggers, item)
	}
	return http.StatusOK, out, nil
}
