-- The key of an execution is a hash of its id, led by its shard: neighbours in time are no neighbours in an index, and a shard
-- is a range of keys. What belongs to an execution has its key. Texts that are compared have the collation "C", so that their
-- order is the same on every server.

-- What an execution is. Nothing of a row changes after its creation but given, seldom; so its indexes are written once.
-- project and flow are hashes: of the project, and of the project with the workflow's name. The texts are looked at too.
-- history is that of the turn that creates it, '' when there is none or it is in its own table.
CREATE TABLE IF NOT EXISTS executions (
  key            INT8 NOT NULL PRIMARY KEY,
  created_at     INT8 NOT NULL,
  project        INT8 NOT NULL,
  flow           INT8 NOT NULL,
  id             TEXT COLLATE "C" NOT NULL,
  project_id     TEXT COLLATE "C" NOT NULL,
  workflow_name  TEXT COLLATE "C" NOT NULL,
  root_id        TEXT COLLATE "C" NOT NULL,
  parent_id      TEXT COLLATE "C" NOT NULL,
  parent_task_id TEXT COLLATE "C" NOT NULL,
  about          TEXT NOT NULL,
  given          TEXT NOT NULL,
  history        TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS executions_created ON executions (project, created_at, key);

CREATE INDEX IF NOT EXISTS executions_root ON executions (root_id) WHERE root_id <> '';

CREATE INDEX IF NOT EXISTS executions_parent ON executions (parent_id) WHERE parent_id <> '';

CREATE INDEX IF NOT EXISTS executions_parent_task ON executions (parent_task_id) WHERE parent_task_id <> '';

-- Where an execution is. What each turn changes lies behind what it doesn't: PostgreSQL logs what is between the first and the
-- last byte that differ. What ends an execution takes it out of all indexes but that of the key. vals are small data; '-' says
-- that they are in execution_data.
CREATE TABLE IF NOT EXISTS execution_states (
  key        INT8 NOT NULL PRIMARY KEY,
  created_at INT8 NOT NULL,
  project    INT8 NOT NULL,
  epoch      INT8 NOT NULL,
  owner      TEXT COLLATE "C" NOT NULL,
  wake_at    INT8 NOT NULL,
  wanting    INT2 NOT NULL,
  busy       INT2 NOT NULL,
  state      TEXT COLLATE "C" NOT NULL,
  runners    TEXT NOT NULL,
  doc        TEXT NOT NULL,
  vals       TEXT NOT NULL
) WITH (fillfactor = 50);

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
) WITH (fillfactor = 50);

CREATE TABLE IF NOT EXISTS actions (
  key   INT8 NOT NULL,
  seq   INT8 NOT NULL,
  task  INT8 NOT NULL,
  about TEXT NOT NULL,
  given TEXT NOT NULL,
  doc   TEXT NOT NULL,
  vals  TEXT NOT NULL,
  PRIMARY KEY (key, seq)
) WITH (fillfactor = 50);

CREATE TABLE IF NOT EXISTS history (
  key      INT8 NOT NULL,
  last_seq INT8 NOT NULL,
  doc      TEXT NOT NULL,
  PRIMARY KEY (key, last_seq)
);

CREATE TABLE IF NOT EXISTS nodes (
  id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  address     TEXT COLLATE "C" NOT NULL,
  state       TEXT NOT NULL,
  lease_until INT8 NOT NULL,
  doc         TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS revisions (
  id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  first_id   TEXT COLLATE "C" NOT NULL,
  project_id TEXT COLLATE "C" NOT NULL,
  kind       TEXT COLLATE "C" NOT NULL,
  namespace  TEXT COLLATE "C" NOT NULL,
  name       TEXT COLLATE "C" NOT NULL,
  scope      TEXT COLLATE "C" NOT NULL,
  tags       TEXT NOT NULL,
  body       TEXT NOT NULL,
  hash       TEXT NOT NULL,
  revision   INT8 NOT NULL,
  workbook   TEXT NOT NULL,
  created_at INT8 NOT NULL,
  created_by TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS definitions (
  project_id  TEXT COLLATE "C" NOT NULL,
  kind        TEXT COLLATE "C" NOT NULL,
  namespace   TEXT COLLATE "C" NOT NULL,
  name        TEXT COLLATE "C" NOT NULL,
  scope       TEXT COLLATE "C" NOT NULL,
  revision_id TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (project_id, kind, namespace, name)
);

CREATE INDEX IF NOT EXISTS definitions_public ON definitions (kind, name, namespace, project_id) WHERE scope = 'public';
