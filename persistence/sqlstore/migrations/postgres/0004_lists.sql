-- Lists by what people filter by, each in the order of creation. What never changes costs an execution one entry at its
-- beginning; those that failed or were cancelled are few, and get theirs at their end.
CREATE INDEX IF NOT EXISTS executions_workflow ON executions (flow, created_at, key);

CREATE INDEX IF NOT EXISTS executions_broken ON execution_states (project, state, created_at, key) WHERE state IN ('ERROR', 'CANCELLED');

-- Of all projects, for administrators. It is of an expression, so that no planner takes it for the list of one project, whose
-- executions may be anywhere in it.
CREATE INDEX IF NOT EXISTS executions_all ON executions ((created_at + 0), key);
