-- Keys are led by the shard, a hash: neighbours in time are no neighbours in a range. One index isn't: executions_created,
-- where the newest executions of a project lie side by side. A page of them needs that order, and one entry for each
-- execution, written with its creation only, is what it costs.

CREATE TABLE IF NOT EXISTS executions (
  shard          INT8 NOT NULL,
  id             TEXT NOT NULL,
  epoch          INT8 NOT NULL,
  owner          TEXT NOT NULL,
  project_id     TEXT NOT NULL,
  workflow_name  TEXT NOT NULL,
  state          TEXT NOT NULL,
  root_id        TEXT NOT NULL,
  parent_id      TEXT NOT NULL,
  parent_task_id TEXT NOT NULL,
  wake_at        INT8 NOT NULL,
  wanting        INT8 NOT NULL,
  busy           INT8 NOT NULL,
  created_at     INT8 NOT NULL,
  runners        TEXT NOT NULL,
  doc            TEXT NOT NULL,
  PRIMARY KEY (shard, id)
);

CREATE INDEX IF NOT EXISTS executions_wake ON executions (shard, wake_at) WHERE wake_at <> 0;

CREATE INDEX IF NOT EXISTS executions_wanting ON executions (shard, id) WHERE wanting <> 0;

CREATE INDEX IF NOT EXISTS executions_busy ON executions (shard, id) WHERE busy <> 0;

CREATE INDEX IF NOT EXISTS executions_created ON executions (project_id, created_at, id);

CREATE INDEX IF NOT EXISTS executions_root ON executions (root_id) WHERE root_id <> '';

CREATE INDEX IF NOT EXISTS executions_parent ON executions (parent_id) WHERE parent_id <> '';

CREATE INDEX IF NOT EXISTS executions_parent_task ON executions (parent_task_id) WHERE parent_task_id <> '';

CREATE TABLE IF NOT EXISTS execution_data (
  shard        INT8 NOT NULL,
  execution_id TEXT NOT NULL,
  vals         TEXT NOT NULL,
  PRIMARY KEY (shard, execution_id)
);

CREATE TABLE IF NOT EXISTS tasks (
  shard        INT8 NOT NULL,
  execution_id TEXT NOT NULL,
  seq          INT8 NOT NULL,
  id           TEXT NOT NULL,
  doc          TEXT NOT NULL,
  vals         TEXT NOT NULL,
  PRIMARY KEY (shard, execution_id, seq)
);

CREATE INDEX IF NOT EXISTS tasks_id ON tasks (id);

CREATE TABLE IF NOT EXISTS actions (
  shard        INT8 NOT NULL,
  execution_id TEXT NOT NULL,
  seq          INT8 NOT NULL,
  id           TEXT NOT NULL,
  task_id      TEXT NOT NULL,
  doc          TEXT NOT NULL,
  vals         TEXT NOT NULL,
  PRIMARY KEY (shard, execution_id, seq)
);

CREATE INDEX IF NOT EXISTS actions_id ON actions (id);

CREATE TABLE IF NOT EXISTS history (
  shard        INT8 NOT NULL,
  execution_id TEXT NOT NULL,
  last_seq     INT8 NOT NULL,
  doc          TEXT NOT NULL,
  PRIMARY KEY (shard, execution_id, last_seq)
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
