package persistence

import (
	"encoding/json"
	"fmt"

	"cierzo/expr/value"
	"cierzo/workflow"
)

// Encoding of records: JSON of the record's fields, with values in their own exact JSON. A field that a newer version
// added is zero when an older row is read.

// Each shadow hides the fields that encoding/json can't do.
type (
	taskShadow struct {
		*workflow.TaskRecord
		Published json.RawMessage `json:",omitempty"`
	}
	actionShadow struct {
		*workflow.ActionRecord
		Input       json.RawMessage `json:",omitempty"`
		Output      json.RawMessage `json:",omitempty"`
		RunInput    json.RawMessage `json:",omitempty"`
		ChildParams json.RawMessage `json:",omitempty"`
	}
	dataShadow struct {
		Input, Params, Env, Context, Output json.RawMessage `json:",omitempty"`
	}
	eventShadow struct {
		*workflow.HistoryEvent
		Detail json.RawMessage `json:",omitempty"`
	}
)

// encoder keeps the first error.
type encoder struct{ err error }

func (e *encoder) dict(d *value.Dict) json.RawMessage {
	if d == nil {
		return nil
	}
	return e.value(d)
}

func (e *encoder) value(v value.Value) json.RawMessage {
	if v == nil || e.err != nil {
		return nil
	}
	raw, err := value.AppendJSON(nil, v)
	if err != nil {
		e.err = err
	}
	return raw
}

func (e *encoder) finish(what string, shadow any) ([]byte, error) {
	if e.err != nil {
		return nil, fmt.Errorf("encode %s: %w", what, e.err)
	}
	raw, err := json.Marshal(shadow)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", what, err)
	}
	return raw, nil
}

// decoder keeps the first error.
type decoder struct{ err error }

func (d *decoder) value(raw json.RawMessage) value.Value {
	if len(raw) == 0 || d.err != nil {
		return nil
	}
	v, err := value.ParseJSON(raw)
	if err != nil {
		d.err = err
	}
	return v
}

func (d *decoder) dict(raw json.RawMessage) *value.Dict {
	v := d.value(raw)
	if v == nil {
		return nil
	}
	out, ok := v.(*value.Dict)
	if !ok {
		d.err = fmt.Errorf("a %s where an object is expected", value.TypeName(v))
		return nil
	}
	return out.Freeze()
}

// EncodeExecution and its inverse DecodeExecution.
func EncodeExecution(r *workflow.ExecutionRecord) ([]byte, error) {
	return (&encoder{}).finish("execution", r)
}

// DecodeExecution reads what EncodeExecution wrote.
func DecodeExecution(raw []byte) (*workflow.ExecutionRecord, error) {
	r := &workflow.ExecutionRecord{}
	if err := json.Unmarshal(raw, r); err != nil {
		return nil, fmt.Errorf("decode execution: %w", err)
	}
	return r, nil
}

// EncodeData writes the bulky part of an execution.
func EncodeData(r *workflow.ExecutionData) ([]byte, error) {
	var e encoder
	return e.finish("execution data", dataShadow{e.dict(r.Input), e.dict(r.Params), e.dict(r.Env), e.dict(r.Context), e.value(r.Output)})
}

// DecodeData reads what EncodeData wrote.
func DecodeData(raw []byte) (*workflow.ExecutionData, error) {
	var s dataShadow
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("decode execution data: %w", err)
	}
	var d decoder
	r := &workflow.ExecutionData{Input: d.dict(s.Input), Params: d.dict(s.Params), Env: d.dict(s.Env), Context: d.dict(s.Context), Output: d.value(s.Output)}
	return r, d.err
}

// EncodeTask writes a task.
func EncodeTask(r *workflow.TaskRecord) ([]byte, error) {
	var e encoder
	return e.finish("task", taskShadow{r, e.dict(r.Published)})
}

// DecodeTask reads what EncodeTask wrote.
func DecodeTask(raw []byte) (*workflow.TaskRecord, error) {
	s := taskShadow{TaskRecord: &workflow.TaskRecord{}}
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("decode task: %w", err)
	}
	var d decoder
	s.TaskRecord.Published = d.dict(s.Published)
	return s.TaskRecord, d.err
}

// EncodeAction writes an action.
func EncodeAction(r *workflow.ActionRecord) ([]byte, error) {
	var e encoder
	return e.finish("action", actionShadow{r, e.dict(r.Input), e.value(r.Output), e.dict(r.RunInput), e.dict(r.ChildParams)})
}

// DecodeAction reads what EncodeAction wrote.
func DecodeAction(raw []byte) (*workflow.ActionRecord, error) {
	s := actionShadow{ActionRecord: &workflow.ActionRecord{}}
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("decode action: %w", err)
	}
	var d decoder
	a := s.ActionRecord
	a.Input, a.Output, a.RunInput, a.ChildParams = d.dict(s.Input), d.value(s.Output), d.dict(s.RunInput), d.dict(s.ChildParams)
	return a, d.err
}

// EncodeEvent writes a history event.
func EncodeEvent(r *workflow.HistoryEvent) ([]byte, error) {
	var e encoder
	return e.finish("history event", eventShadow{r, e.value(r.Detail)})
}

// DecodeEvent reads what EncodeEvent wrote.
func DecodeEvent(raw []byte) (*workflow.HistoryEvent, error) {
	s := eventShadow{HistoryEvent: &workflow.HistoryEvent{}}
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("decode history event: %w", err)
	}
	var d decoder
	s.HistoryEvent.Detail = d.value(s.Detail)
	return s.HistoryEvent, d.err
}
