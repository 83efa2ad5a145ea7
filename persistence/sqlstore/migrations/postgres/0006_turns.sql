-- What the statement that writes a batch of turns gets, see onecommit.go: rows, of which PostgreSQL reads an array in its binary form
-- for a fraction of what an array for each column takes. The fields are those of the statements, in their order. What is to be
-- added later gets a type of its own, for an older node may still write.
DROP TYPE IF EXISTS turn_creation, turn_update, turn_given, turn_data, turn_task, turn_task_update, turn_action, turn_action_update, turn_history, turn_notice, turn_newest;

CREATE TYPE turn_creation AS (
  key INT8, created_at INT8, project INT8, flow INT8, id TEXT, project_id TEXT, workflow_name TEXT, root_id TEXT, parent_id TEXT,
  parent_task_id TEXT, about TEXT, given TEXT, history TEXT, epoch INT8, owner TEXT, wake_at INT8, wanting INT8, busy INT8, state TEXT,
  runners TEXT, doc TEXT, vals TEXT
);

CREATE TYPE turn_update AS (
  key INT8, epoch INT8, wake_at INT8, wanting INT8, busy INT8, state TEXT, runners TEXT, doc TEXT, vals TEXT
);

CREATE TYPE turn_given AS (key INT8, given TEXT);

CREATE TYPE turn_data AS (key INT8, vals TEXT);

CREATE TYPE turn_task AS (
  key INT8, seq INT8, history_seq INT8, about TEXT, history TEXT, action_about TEXT, action_given TEXT, doc TEXT, vals TEXT,
  action_doc TEXT, action_vals TEXT
);

CREATE TYPE turn_task_update AS (
  key INT8, seq INT8, action INT8, history_seq INT8, history TEXT, action_about TEXT, action_given TEXT, doc TEXT, vals TEXT,
  action_doc TEXT, action_vals TEXT
);

CREATE TYPE turn_action AS (key INT8, seq INT8, task INT8, about TEXT, given TEXT, doc TEXT, vals TEXT);

CREATE TYPE turn_action_update AS (key INT8, seq INT8, doc TEXT, vals TEXT);

CREATE TYPE turn_history AS (key INT8, last_seq INT8, doc TEXT);

CREATE TYPE turn_notice AS (key INT8, execution_id TEXT, lane TEXT, seq INT8, due_at INT8, doc TEXT);

CREATE TYPE turn_newest AS (project_id TEXT, namespace TEXT, name TEXT, revision_id TEXT);
