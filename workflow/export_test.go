package workflow

// Merged is how often a task's context was put together from its parents' in memory of this execution.
func (e *Execution) Merged() int { return e.merged }
