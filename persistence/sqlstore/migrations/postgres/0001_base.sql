-- Keys are led by the shard, a hash: neighbours in time are no neighbours in an index. Texts that are compared have the
-- collation "C", so that their order is the same on every server.

CREATE TABLE IF NOT EXISTS executions (
  shard          INT8 NOT NULL,
  id             TEXT COLLATE "C" NOT NULL,
  epoch          INT8 NOT NULL,
  owner          TEXT COLLATE "C" NOT NULL,
  project_id     TEXT COLLATE "C" NOT NULL,
  workflow_name  TEXT COLLATE "C" NOT NULL,
  state          TEXT COLLATE "C" NOT NULL,
  root_id        TEXT COLLATE "C" NOT NULL,
  parent_id      TEXT COLLATE "C" NOT NULL,
  parent_task_id TEXT COLLATE "C" NOT NULL,
  wake_at        INT8 NOT NULL,
  wanting        INT8 NOT NULL,
  busy           INT8 NOT NULL,
  created_at     INT8 NOT NULL,
  runners        TEXT NOT NULL,
  doc            TEXT NOT NULL,
  PRIMARY KEY (shard, id)
) WITH (fillfactor = 45);

CREATE INDEX IF NOT EXISTS executions_wake ON executions (shard, wake_at) WHERE wake_at <> 0;

CREATE INDEX IF NOT EXISTS executions_wanting ON executions (shard, id) WHERE wanting <> 0;

CREATE INDEX IF NOT EXISTS executions_busy ON executions (shard, id) WHERE busy <> 0;

CREATE INDEX IF NOT EXISTS executions_created ON executions (project_id, created_at, id);

CREATE INDEX IF NOT EXISTS executions_root ON executions (root_id) WHERE root_id <> '';

CREATE INDEX IF NOT EXISTS executions_parent ON executions (parent_id) WHERE parent_id <> '';

CREATE INDEX IF NOT EXISTS executions_parent_task ON executions (parent_task_id) WHERE parent_task_id <> '';

CREATE TABLE IF NOT EXISTS execution_data (
  shard        INT8 NOT NULL,
  execution_id TEXT COLLATE "C" NOT NULL,
  vals         TEXT NOT NULL,
  PRIMARY KEY (shard, execution_id)
) WITH (fillfactor = 50);

CREATE TABLE IF NOT EXISTS tasks (
  shard        INT8 NOT NULL,
  execution_id TEXT COLLATE "C" NOT NULL,
  seq          INT8 NOT NULL,
  id           TEXT COLLATE "C" NOT NULL,
  doc          TEXT NOT NULL,
  vals         TEXT NOT NULL,
  PRIMARY KEY (shard, execution_id, seq)
) WITH (fillfactor = 50);

CREATE INDEX IF NOT EXISTS tasks_id ON tasks (id);

CREATE TABLE IF NOT EXISTS actions (
  shard        INT8 NOT NULL,
  execution_id TEXT COLLATE "C" NOT NULL,
  seq          INT8 NOT NULL,
  id           TEXT COLLATE "C" NOT NULL,
  task_id      TEXT COLLATE "C" NOT NULL,
  doc          TEXT NOT NULL,
  vals         TEXT NOT NULL,
  PRIMARY KEY (shard, execution_id, seq)
) WITH (fillfactor = 50);

CREATE INDEX IF NOT EXISTS actions_id ON actions (id);

CREATE TABLE IF NOT EXISTS history (
  shard        INT8 NOT NULL,
  execution_id TEXT COLLATE "C" NOT NULL,
  last_seq     INT8 NOT NULL,
  doc          TEXT NOT NULL,
  PRIMARY KEY (shard, execution_id, last_seq)
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
