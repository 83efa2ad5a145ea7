package workflow

// Merged is how often a task's context was put together from its parents' in memory of this execution.
func (e *Execution) Merged() int { return e.merged }

// Upstream lists the tasks from which a join can be reached, and those of its inbound tasks that are tangled.
func (p *Program) Upstream(join string) (leads, tangled []string) {
	up := p.tasks[join].upstream
	for _, t := range p.order {
		if up.has(t) {
			leads = append(leads, t.Name)
		}
		if up.tangled[t] {
			tangled = append(tangled, t.Name)
		}
	}
	return leads, tangled
}
