-- The key of an execution is a hash of its id, led by its shard: neighbours in time are no neighbours in a range, and a shard
-- is a range of keys. What belongs to an execution has its key. Three indexes aren't led by one: executions_created,
-- executions_workflow and executions_live, where the newest executions of a project lie side by side. A page of them needs
-- that order, and one entry for each execution, written with its creation only, is what it costs.

-- What an execution is. Nothing of a row changes after its creation but given, seldom; so its indexes are written once.
-- project and flow are hashes: of the project, and of the project with the workflow's name. The texts are looked at too.
-- history is that of the turn that creates it, '' when there is none or it is in its own table.
CREATE TABLE IF NOT EXISTS executions (
  key            INT8 NOT NULL PRIMARY KEY,
  created_at     INT8 NOT NULL,
  project        INT8 NOT NULL,
  flow           INT8 NOT NULL,
  id             TEXT NOT NULL,
  project_id     TEXT NOT NULL,
  workflow_name  TEXT NOT NULL,
  root_id        TEXT NOT NULL,
  parent_id      TEXT NOT NULL,
  parent_task_id TEXT NOT NULL,
  about          TEXT NOT NULL,
  given          TEXT NOT NULL,
  history        TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS executions_created ON executions (project, created_at, key);

CREATE INDEX IF NOT EXISTS executions_root ON executions (root_id) WHERE root_id <> '';

CREATE INDEX IF NOT EXISTS executions_parent ON executions (parent_id) WHERE parent_id <> '';

CREATE INDEX IF NOT EXISTS executions_parent_task ON executions (parent_task_id) WHERE parent_task_id <> '';

-- Where an execution is. What ends an execution takes it out of all indexes but that of the key. vals are small data; '-' says
-- that they are in execution_data.
CREATE TABLE IF NOT EXISTS execution_states (
  key        INT8 NOT NULL PRIMARY KEY,
  created_at INT8 NOT NULL,
  project    INT8 NOT NULL,
  epoch      INT8 NOT NULL,
  owner      TEXT NOT NULL,
  wake_at    INT8 NOT NULL,
  wanting    INT2 NOT NULL,
  busy       INT2 NOT NULL,
  state      TEXT NOT NULL,
  runners    TEXT NOT NULL,
  doc        TEXT NOT NULL,
  vals       TEXT NOT NULL
);

-- An execution with an action on a runner is in the index of these, which are few, and doesn't need an entry here.
CREATE INDEX IF NOT EXISTS executions_wake ON execution_states ((key >> 60), wake_at) WHERE wake_at <> 0 AND busy = 0;

CREATE INDEX IF NOT EXISTS executions_wanting ON execution_states (key) WHERE wanting <> 0;

CREATE INDEX IF NOT EXISTS executions_busy ON execution_states (key) WHERE busy <> 0;

CREATE TABLE IF NOT EXISTS execution_data (
  key  INT8 NOT NULL PRIMARY KEY,
  vals TEXT NOT NULL
);

-- action_about and its like are the action that has the number of its task, which most tasks begin with: it has no row in actions.
-- '' says that there is none. history is that of the turn that has made the task, in the row of the last task that it makes, or of
-- the execution's second turn; '' in others. history_seq is the number of the newest event of that turn, or of the one that has made
-- the task, so it grows with seq. As with states, what changes lies at the end.
CREATE TABLE IF NOT EXISTS tasks (
  key          INT8 NOT NULL,
  seq          INT8 NOT NULL,
  about        TEXT NOT NULL,
  action_about TEXT NOT NULL,
  action_given TEXT NOT NULL,
  history_seq  INT4 NOT NULL,
  history      TEXT NOT NULL,
  doc          TEXT NOT NULL,
  vals         TEXT NOT NULL,
  action_doc   TEXT NOT NULL,
  action_vals  TEXT NOT NULL,
  PRIMARY KEY (key, seq)
);

CREATE TABLE IF NOT EXISTS actions (
  key   INT8 NOT NULL,
  seq   INT8 NOT NULL,
  task  INT8 NOT NULL,
  about TEXT NOT NULL,
  given TEXT NOT NULL,
  doc   TEXT NOT NULL,
  vals  TEXT NOT NULL,
  PRIMARY KEY (key, seq)
);

CREATE TABLE IF NOT EXISTS history (
  key      INT8 NOT NULL,
  last_seq INT8 NOT NULL,
  doc      TEXT NOT NULL,
  PRIMARY KEY (key, last_seq)
);

CREATE TABLE IF NOT EXISTS nodes (
  id          TEXT NOT NULL PRIMARY KEY,
  address     TEXT NOT NULL,
  state       TEXT NOT NULL,
  lease_until INT8 NOT NULL,
  doc         TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS revisions (
  id         TEXT NOT NULL PRIMARY KEY,
  first_id   TEXT NOT NULL,
  project_id TEXT NOT NULL,
  kind       TEXT NOT NULL,
  namespace  TEXT NOT NULL,
  name       TEXT NOT NULL,
  scope      TEXT NOT NULL,
  tags       TEXT NOT NULL,
  body       TEXT NOT NULL,
  hash       TEXT NOT NULL,
  revision   INT8 NOT NULL,
  workbook   TEXT NOT NULL,
  created_at INT8 NOT NULL,
  created_by TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS definitions (
  project_id  TEXT NOT NULL,
  kind        TEXT NOT NULL,
  namespace   TEXT NOT NULL,
  name        TEXT NOT NULL,
  scope       TEXT NOT NULL,
  revision_id TEXT NOT NULL,
  PRIMARY KEY (project_id, kind, namespace, name)
);

CREATE INDEX IF NOT EXISTS definitions_public ON definitions (kind, name, namespace, project_id) WHERE scope = 'public';
