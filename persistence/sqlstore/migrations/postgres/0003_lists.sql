-- Lists by what people filter by, each in the order of creation. What never changes costs an execution one entry at its
-- beginning; those that failed or were cancelled are few, and get theirs at their end.
CREATE INDEX IF NOT EXISTS executions_workflow ON executions (project_id, workflow_name, created_at, id);

CREATE INDEX IF NOT EXISTS executions_broken ON executions (project_id, state, created_at, id) WHERE state IN ('ERROR', 'CANCELLED');

-- Of all projects, for administrators. It is of an expression, so that no planner takes it for the list of one project, whose
-- executions may be anywhere in it.
CREATE INDEX IF NOT EXISTS executions_all ON executions ((created_at + 0), id);
