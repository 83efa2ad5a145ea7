// Package scope is what an evaluation sees of its surroundings; the expression languages share it.
package scope

import (
	"fmt"
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
	// Legacy adds what Mistral 15 had and later ones haven't: json_pp() and, in YAQL, format() of texts.
	Legacy bool
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

// Limits of one evaluation. Zero fields have the defaults below; no sane expression meets them.
type Limits struct {
	StepsMax  int // evaluated nodes and items pulled. Defaults to StepsDefault
	ItemsMax  int // items and characters made. Defaults to ItemsDefault
	DepthMax  int // nested calls. Defaults to DepthDefault
	OutputMax int // items and characters of the result. Defaults to OutputDefault
	// Expired reports whether the time is up; it is asked now and then. Defaults to never: the core has no clock.
	Expired func() bool
}

// Defaults of the limits.
const (
	StepsDefault  = 5_000_000
	ItemsDefault  = 20_000_000
	DepthDefault  = 400
	OutputDefault = 20_000_000
)

// LimitError says which limit an evaluation met.
type LimitError struct {
	Limit string // "steps", "items", "depth", "output", "time"
	Max   int    // 0 for time
}

// Error names the limit.
func (e *LimitError) Error() string {
	if e.Max == 0 {
		return fmt.Sprintf("expression exceeds its limit of %s", e.Limit)
	}
	return fmt.Sprintf("expression exceeds its limit of %d %s", e.Max, e.Limit)
}

// Budget counts what one evaluation uses. The methods answer a *LimitError once a limit is met; they are called before
// anything is made.
type Budget struct {
	steps, items, depth int
	look                int // at how many steps there is something to look at: a limit, or the clock
	max                 Limits
}

// NewBudget is a fresh budget of the limits.
func NewBudget(l Limits) Budget {
	defaults := Limits{StepsMax: StepsDefault, ItemsMax: ItemsDefault, DepthMax: DepthDefault, OutputMax: OutputDefault}
	if l.StepsMax > 0 {
		defaults.StepsMax = l.StepsMax
	}
	if l.ItemsMax > 0 {
		defaults.ItemsMax = l.ItemsMax
	}
	if l.DepthMax > 0 {
		defaults.DepthMax = l.DepthMax
	}
	if l.OutputMax > 0 {
		defaults.OutputMax = l.OutputMax
	}
	defaults.Expired = l.Expired
	b := Budget{max: defaults}
	b.plan()
	return b
}

// expiredEvery is how many steps pass between two looks at the clock; a power of two.
const expiredEvery = 1024

// Step takes one step.
func (b *Budget) Step() error {
	b.steps++
	if b.steps >= b.look {
		return b.checkSteps()
	}
	return nil
}

// Steps takes n steps at once, n ≥ 0.
func (b *Budget) Steps(n int) error {
	if n > b.max.StepsMax-b.steps { // compared so that the sum can't overflow
		b.steps = max(b.steps, b.max.StepsMax+1)
		return b.checkSteps()
	}
	b.steps += n
	if b.steps >= b.look {
		return b.checkSteps()
	}
	return nil
}

// checkSteps is what Step does now and then.
func (b *Budget) checkSteps() error {
	if b.steps > b.max.StepsMax {
		return &LimitError{"steps", b.max.StepsMax}
	}
	b.plan()
	if b.max.Expired != nil && b.max.Expired() {
		return &LimitError{Limit: "time"}
	}
	return nil
}

// plan says when to look next.
func (b *Budget) plan() {
	b.look = b.max.StepsMax + 1
	if b.max.Expired != nil {
		b.look = min(b.look, b.steps&^(expiredEvery-1)+expiredEvery)
	}
}

// Charge takes n items or characters.
func (b *Budget) Charge(n int) error {
	if n < 0 || n > b.max.ItemsMax-b.items {
		return b.noItems()
	}
	b.items += n
	return nil
}

func (b *Budget) noItems() error { return &LimitError{"items", b.max.ItemsMax} }

// Enter goes one call deeper; Leave comes back.
func (b *Budget) Enter() error {
	b.depth++
	if b.depth > b.max.DepthMax {
		return &LimitError{"depth", b.max.DepthMax}
	}
	return nil
}

// Leave ends what Enter began.
func (b *Budget) Leave() { b.depth-- }

// OutputMax bounds the result.
func (b *Budget) OutputMax() int { return b.max.OutputMax }
