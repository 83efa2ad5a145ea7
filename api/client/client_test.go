package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cierzo/api/apitype"
	"cierzo/api/client"
	"cierzo/fault"
)

func open(t *testing.T, h http.HandlerFunc) *client.Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	c, err := client.New(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// names is what a list has given.
func names(list []apitype.Workflow) []string {
	var out []string
	for _, w := range list {
		out = append(out, w.Name)
	}
	return out
}

func TestListFollowsPages(t *testing.T) {
	t.Parallel()
	pages := map[string]string{
		"":  `{"workflows": [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}], "next": "http://x/v2/workflows?limit=2&marker=b"}`,
		"b": `{"workflows": [], "next": "http://x/v2/workflows?marker=far"}`, // nothing that matches among so many rows
		// The marker's own item once more, as Mistral's actions have it; next without a marker: the last id is it.
		"far": `{"workflows": [{"id": "b", "name": "B"}, {"id": "c", "name": "C"}], "next": "broken link"}`,
		"c":   `{"workflows": [{"id": "d", "name": "D"}]}`,
	}
	var asked []string
	c := open(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.URL.Query().Get("name"); got != "in:A,B" {
			t.Errorf("filter %q", got)
		}
		asked = append(asked, r.URL.Query().Get("marker"))
		fmt.Fprint(w, pages[r.URL.Query().Get("marker")])
	})
	list, err := c.Workflows(t.Context(), url.Values{"name": {"in:A,B"}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"A", "B", "C", "D"}, names(list)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"", "b", "far", "c"}, asked); diff != "" {
		t.Error(diff)
	}
	asked = nil
	if list, err = c.Workflows(t.Context(), url.Values{"name": {"in:A,B"}}, 3); err != nil || len(list) != 3 {
		t.Errorf("at most 3: %v, %v", names(list), err)
	}
}

// TestListEnds: a server that gives the same page for ever doesn't keep us.
func TestListEnds(t *testing.T) {
	t.Parallel()
	n := 0
	c := open(t, func(w http.ResponseWriter, _ *http.Request) {
		n++
		fmt.Fprint(w, `{"workflows": [{"id": "a", "name": "A"}], "next": "http://x/v2/workflows?marker=a"}`)
	})
	list, err := c.Workflows(t.Context(), nil, 0)
	if err != nil || len(list) != 1 || n != 2 {
		t.Errorf("%v, %v after %d requests", names(list), err, n)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	status, body := 0, ""
	c := open(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	})
	for _, x := range []struct {
		status int
		body   string
		kind   fault.Kind
		text   string
	}{
		{404, `{"faultcode": "Client", "faultstring": "Workflow not found", "debuginfo": null}`, fault.NotFound, "Workflow not found"},
		{409, `{"faultstring": "Duplicate entry"}`, fault.Conflict, "Duplicate entry"},
		{403, "Operation forbidden", fault.Forbidden, "Operation forbidden"},
		{401, "Authentication required", fault.Forbidden, "Authentication required"},
		{405, "", fault.Invalid, "405"},
		{503, "<html>", fault.Unavailable, "<html>"},
		{200, "<html>a proxy's page</html>", fault.Unavailable, "no answer of a workflow service"},
	} {
		status, body = x.status, x.body
		_, err := c.Workflow(t.Context(), "w", "")
		if !fault.Is(err, x.kind) || !strings.Contains(err.Error(), x.text) {
			t.Errorf("%d %s: kind %v, %v", x.status, x.body, fault.KindOf(err), err)
		}
		if errors.Is(err, client.ErrUnauthenticated) != (x.status == 401) {
			t.Errorf("%d: unauthenticated? %v", x.status, err)
		}
	}
	if _, err := client.New("mistral:8989"); !fault.Is(err, fault.Invalid) {
		t.Errorf("an address without a scheme: %v", err)
	}
}

// TestTokenStays: a redirection to another server doesn't get the token.
func TestTokenStays(t *testing.T) {
	t.Parallel()
	var leaked atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		leaked.Store(r.Header.Get("X-Auth-Token") != "")
	}))
	t.Cleanup(other.Close)
	server := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusFound))
	t.Cleanup(server.Close)
	c, err := client.Open(client.Config{Address: server.URL, Token: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = c.Workflow(t.Context(), "w", ""); err == nil || leaked.Load() {
		t.Errorf("error %v, leaked %v", err, leaked.Load())
	}
}

// TestFollow: a stream that breaks goes on behind the last event, whatever was cut.
func TestFollow(t *testing.T) {
	t.Parallel()
	event := func(n int) string {
		return fmt.Sprintf("id: %d\ndata: {\"execution_id\": \"e\", \"seq\": %d, \"kind\": \"task.state\"}\n\n", n, n)
	}
	streams := []string{
		"retry: 1000\n\n" + event(1) + ": alive\n\n" + event(2) + "id: 3\ndata: {\"execu", // cut in the middle
		"",
		event(3) + event(4) + "id: 4\nevent: end\ndata: {\"state\": \"SUCCESS\"}\n\n",
	}
	var last []string
	c := open(t, func(w http.ResponseWriter, r *http.Request) {
		last = append(last, r.Header.Get("Last-Event-ID"))
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, streams[len(last)-1])
	})
	var seen []uint64
	err := c.FollowExecution(t.Context(), "e", 0, func(e apitype.Event) error {
		seen = append(seen, e.Seq)
		return nil
	})
	if err != nil || !slices.Equal(seen, []uint64{1, 2, 3, 4}) {
		t.Errorf("events %v, %v", seen, err)
	}
	if diff := cmp.Diff([]string{"", "2", "2"}, last); diff != "" {
		t.Error(diff)
	}
}

func TestFollowEnds(t *testing.T) {
	t.Parallel()
	c := open(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "nothing") {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"faultstring": "WorkflowExecution not found"}`)
			return
		}
		fmt.Fprint(w, "data: {\"seq\": 1}\n\n")
	})
	if err := c.FollowExecution(t.Context(), "nothing", 0, nil); !fault.Is(err, fault.NotFound) {
		t.Errorf("an execution that isn't there: %v", err)
	}
	mine := errors.New("enough")
	if err := c.FollowExecution(t.Context(), "e", 0, func(apitype.Event) error { return mine }); !errors.Is(err, mine) {
		t.Errorf("the caller's own end: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	err := c.FollowExecution(ctx, "e", 0, func(apitype.Event) error { stop(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

func TestKeystone(t *testing.T) {
	t.Parallel()
	var body map[string]any
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v3/auth/tokens" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		body = nil
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		if strings.Contains(fmt.Sprint(body), "wrong") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("X-Subject-Token", "the-token")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"token": {"expires_at": "2030-01-01T00:00:00Z", "user": {"name": "kim"}, "project": {"id": "p1"}, "catalog": [
			{"type": "compute", "endpoints": [{"interface": "public", "region": "R1", "url": "http://nova"}]},
			{"type": "workflowv2", "endpoints": [{"interface": "internal", "region": "R1", "url": "http://inside"},
			  {"interface": "public", "region": "R1", "url": "http://one"}, {"interface": "public", "region": "R2", "url": "http://two"}]}]}}`)
	}))
	t.Cleanup(server.Close)
	identity := func(k client.Keystone) string {
		t.Helper()
		k.URL = server.URL
		s, err := k.LogIn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if s.Token != "the-token" || s.Project != "p1" || !s.Expires.Equal(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("session %+v", s)
		}
		raw, err := json.Marshal(body["auth"])
		if err != nil {
			t.Fatal(err)
		}
		return s.Endpoint + " " + string(raw)
	}
	for name, x := range map[string]struct {
		account client.Keystone
		want    string
	}{
		"password": {
			client.Keystone{User: "kim", Password: "pw", Project: "ops", ProjectDomainID: "d1", Region: "R2"},
			`http://two {"identity":{"methods":["password"],"password":{"user":{"domain":{"name":"Default"},"name":"kim","password":"pw"}}},"scope":{"project":{"domain":{"id":"d1"},"name":"ops"}}}`,
		},
		"token": {
			client.Keystone{Token: "old", ProjectID: "p1", EndpointType: "internalURL"},
			`http://inside {"identity":{"methods":["token"],"token":{"id":"old"}},"scope":{"project":{"id":"p1"}}}`,
		},
		"application credential": {
			client.Keystone{CredentialID: "c", CredentialSecret: "s", Project: "is left out"},
			`http://one {"identity":{"application_credential":{"id":"c","secret":"s"},"methods":["application_credential"]}}`,
		},
		"named application credential": {
			client.Keystone{Credential: "c", CredentialSecret: "s", UserID: "u"},
			`http://one {"identity":{"application_credential":{"name":"c","secret":"s","user":{"id":"u"}},"methods":["application_credential"]}}`,
		},
	} {
		if got := identity(x.account); got != x.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, x.want)
		}
	}
	_, err := client.Keystone{URL: server.URL + "/v3", User: "kim", Password: "wrong"}.LogIn(t.Context())
	if !errors.Is(err, client.ErrUnauthenticated) || strings.Contains(err.Error(), "wrong") {
		t.Errorf("wrong password: %v", err)
	}
	if _, err := (client.Keystone{URL: server.URL}).LogIn(t.Context()); !fault.Is(err, fault.Invalid) {
		t.Errorf("no account: %v", err)
	}
}
