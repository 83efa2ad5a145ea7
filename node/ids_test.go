package node_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"cierzo/api/apitype"
	"cierzo/internal/dbtest"
	"cierzo/node"
	"cierzo/workflow"
)

// TestNeighboursInTime: in a store of one process the executions lie in the order of their starts, and in one that many share
// they don't.
func TestNeighboursInTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, store string
		ordered     bool
	}{{"sqlite", "", true}, {"memory", "memory:", true}, {"postgres", dbtest.Postgres(t), false}} {
		t.Run(c.name, func(t *testing.T) {
			n := start(t.Context(), t, node.Config{Store: c.store, Listen: "127.0.0.1:0", Bind: "127.0.0.1:0"})
			if _, err := n.Upload(t.Context(), "w.yaml", []byte("{version: '2.0', flow: {tasks: {t: {action: std.noop}}}}")); err != nil {
				t.Fatal(err)
			}
			var keys []workflow.Key
			for range 10 {
				id, err := n.Start(t.Context(), node.StartRequest{Workflow: "flow"})
				if err != nil {
					t.Fatal(err)
				}
				rec, e := httptest.NewRecorder(), apitype.Execution{}
				n.Handler().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v2/executions", strings.NewReader(`{"workflow_name": "flow"}`)))
				if err := json.Unmarshal(rec.Body.Bytes(), &e); err != nil || rec.Code != http.StatusCreated {
					t.Fatalf("answer %d, %v: %s", rec.Code, err, rec.Body)
				}
				keys = append(keys, workflow.ExecutionID(id).Key(), workflow.ExecutionID(e.ID).Key())
			}
			if got := slices.IsSorted(keys); got != c.ordered {
				t.Errorf("keys in the order of the starts: %v, want %v: %d", got, c.ordered, keys)
			}
		})
	}
}
