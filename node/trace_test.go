package node_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"cierzo/fault"
	"cierzo/node"
)

// TestTraceparentIsPassedOn: the requests of all actions of an execution, and of those below it, stand in the trace of who has
// started it, unless the workflow says another.
func TestTraceparentIsPassedOn(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	const trace, own = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
	asked := make(chan string, 3)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path + " " + r.Header.Get("Traceparent")
	}))
	defer s.Close()
	n := start(ctx, t, node.Config{Store: "memory:"})
	if _, err := n.Upload(ctx, "traced.yaml", []byte(`
version: '2.0'
traced:
  input: [url]
  tasks:
    one:
      action: std.http
      input: {url: <% $.url %>/one}
      on-success: own
    own:
      action: std.http
      input: {url: <% $.url %>/own, headers: {traceparent: `+own+`}}
      on-success: below
    below: {workflow: below url=<% $.url %>}
below:
  input: [url]
  tasks:
    two:
      action: std.http
      input: {url: <% $.url %>/two}
`)); err != nil {
		t.Fatal(err)
	}
	for given, want := range map[string][]string{
		trace: {"/one " + trace, "/own " + own, "/two " + trace},
		"":    {"/one ", "/own " + own, "/two "},
	} {
		e, err := n.Run(ctx, node.StartRequest{Workflow: "traced", Input: map[string]any{"url": s.URL}, Traceparent: given})
		if err != nil || e.State != "SUCCESS" {
			t.Fatal(e, err)
		}
		if got := []string{<-asked, <-asked, <-asked}; !slices.Equal(got, want) {
			t.Errorf("started with %q: %q, want %q", given, got, want)
		}
	}
	if _, err := n.Start(ctx, node.StartRequest{Workflow: "traced", Traceparent: "00-1"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a traceparent that is none: %v", err)
	}
}
