package check

import "cierzo/dsl"

// taskOf is the task's definition; nil when it isn't known.
func (x *Execution) taskOf(name string) *dsl.Task {
	if x.Definition == nil {
		return nil
	}
	for _, t := range x.Definition.Tasks {
		if t.Name == name {
			return t
		}
	}
	return nil
}
