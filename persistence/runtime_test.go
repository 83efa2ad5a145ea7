package persistence_test

import (
	"reflect"
	"testing"
	"time"

	"cierzo/persistence"
	"cierzo/workflow"
)

// TestRuntimeIsKept: each thing that an execution remembers is written when it is the only one.
func TestRuntimeIsKept(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	whole := workflow.ExecutionRuntime{
		HistorySeq: 3, Backlog: []workflow.BacklogCommand{{From: "t"}}, ParentAt: at, Cascaded: true, ReportSeq: 2, WatchTurn: 4,
	}
	fields := reflect.ValueOf(whole)
	for i := range fields.NumField() {
		name := fields.Type().Field(i).Name
		if fields.Field(i).IsZero() {
			t.Errorf("%s has no value in the test", name)
		}
		r := &workflow.ExecutionRecord{ID: "e1", ProjectID: "p", State: workflow.Running, CreatedAt: at, UpdatedAt: at}
		reflect.ValueOf(&r.Runtime).Elem().Field(i).Set(fields.Field(i))
		row, err := persistence.NewExecutionRow(r)
		if err != nil {
			t.Fatal(err)
		}
		back, err := row.Decode()
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(back.Runtime, r.Runtime) {
			t.Errorf("%s: %+v has become %+v", name, r.Runtime, back.Runtime)
		}
	}
}
