-- A list of three is made a table, which is filled and dropped, whenever a row is looked at: at each start, and at each end.
DROP INDEX IF EXISTS executions_live;
CREATE INDEX IF NOT EXISTS executions_live ON execution_states (project, created_at, key) WHERE (state IN ('RUNNING', 'PAUSED') OR state = 'IDLE');
