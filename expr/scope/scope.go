// Package scope is what an evaluation sees of its surroundings; the expression languages share it.
package scope

import (
	"time"

	"cierzo/expr/value"
)

// Env is the surroundings of one evaluation. It is used by one goroutine at a time.
type Env struct {
	// Context is $ in YAQL and _ in Jinja. nil is the empty context.
	Context value.Mapping
	// Root takes the place of Context as $ and _ where that is no mapping; nil: Context is it.
	Root value.Value
	// Functions answers Mistral's functions; nil: they are unknown.
	Functions Functions
	// Now is the time that now() gives; the core has no clock.
	Now time.Time
	// Entropy gives random bits for random() and uuid(); nil: they are errors.
	Entropy func() uint64
	// Limits of the evaluation; zero fields have their defaults.
	Limits Limits
}

// Functions are Mistral's functions that look at executions; package workflow implements them.
type Functions interface {
	Task(name string, current bool) (value.Value, error)
	Tasks(q TasksQuery) (value.Value, error)
	Execution() (value.Value, error)
	Executions(q ExecutionsQuery) (value.Value, error)
	Env() (value.Value, error)
	Global(name string) (value.Value, error)
}

// TasksQuery are the arguments of tasks(); zero fields select all.
type TasksQuery struct {
	WorkflowExecutionID string
	Recursive           bool
	State               string
	Flat                bool
}

// ExecutionsQuery are the arguments of executions(); zero fields select all.
type ExecutionsQuery struct {
	ID              string
	RootExecutionID string
	State           string
	From, To        time.Time
}

// Limits of one evaluation. No sane expression meets the defaults.
type Limits struct {
	StepsMax int // evaluated nodes. Defaults to 5,000,000
	ItemsMax int // items and characters made. Defaults to 20,000,000
}

// Defaults of the limits.
const (
	StepsDefault = 5_000_000
	ItemsDefault = 20_000_000
)
