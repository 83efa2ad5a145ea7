package workflow

// The parts of an execution by their ids and names.

// fewTasks are searched one by one: most executions that wait have few, and a map takes more than they do.
const fewTasks = 8

// task finds a task by its id, which tells its number; nil: this execution has none.
func (e *Execution) task(id TaskID) *task {
	if _, seq, ok := id.Place(); ok && seq < len(e.tasks) && e.tasks[seq].ID == id {
		return e.tasks[seq]
	}
	return nil
}

// action finds an action by its id; nil: this execution has none.
func (e *Execution) action(id ActionID) *action {
	if _, seq, ok := id.Place(); ok && seq < len(e.actions) && e.actions[seq].ID == id {
		return e.actions[seq]
	}
	return nil
}

// named lists the tasks with the name, in the order of creation.
func (e *Execution) named(name string) []*task {
	if e.byName != nil {
		return e.byName[name]
	}
	var all []*task
	for i, t := range e.tasks {
		if t.Name != name {
			continue
		}
		if all == nil {
			all = e.tasks[i : i+1 : i+1]
		} else {
			all = append(all, t)
		}
	}
	return all
}
