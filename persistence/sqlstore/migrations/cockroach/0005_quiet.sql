-- Executions that run and that no moment and no action will move: they wait for a sub-workflow, for somebody outside, or for
-- nothing. The watchdog looks at them.
CREATE INDEX IF NOT EXISTS executions_quiet ON execution_states (key) WHERE state = 'RUNNING' AND wake_at = 0 AND wanting = 0 AND busy = 0;
