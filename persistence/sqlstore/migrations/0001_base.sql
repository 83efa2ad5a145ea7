CREATE TABLE executions (
  shard INT NOT NULL,
  id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  workflow_name TEXT NOT NULL,
  state TEXT NOT NULL,
  root_id TEXT NOT NULL,
  parent_task TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  wake_at BIGINT,
  epoch BIGINT NOT NULL,
  node_id TEXT NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (shard, id)
);
CREATE INDEX executions_wake ON executions (shard, wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX executions_project ON executions (project_id, created_at, id);
CREATE INDEX executions_root ON executions (root_id) WHERE root_id <> '';
CREATE INDEX executions_parent ON executions (parent_task) WHERE parent_task <> '';
CREATE TABLE execution_data (
  shard INT NOT NULL,
  id TEXT NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (shard, id)
);
CREATE TABLE tasks (
  shard INT NOT NULL,
  execution_id TEXT NOT NULL,
  seq BIGINT NOT NULL,
  id TEXT NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (shard, execution_id, seq)
);
CREATE INDEX tasks_id ON tasks (id);
CREATE TABLE actions (
  shard INT NOT NULL,
  execution_id TEXT NOT NULL,
  seq BIGINT NOT NULL,
  id TEXT NOT NULL,
  task_id TEXT NOT NULL,
  runner TEXT NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (shard, execution_id, seq)
);
CREATE INDEX actions_id ON actions (id);
CREATE INDEX actions_runner ON actions (runner) WHERE runner <> '';
CREATE TABLE history (
  shard INT NOT NULL,
  execution_id TEXT NOT NULL,
  seq BIGINT NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (shard, execution_id, seq)
);
CREATE TABLE nodes (
  id TEXT PRIMARY KEY,
  address TEXT NOT NULL,
  lease_until BIGINT NOT NULL,
  record TEXT NOT NULL
);
CREATE TABLE definitions (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  scope TEXT NOT NULL,
  revision BIGINT NOT NULL,
  newest BOOLEAN NOT NULL,
  hash TEXT NOT NULL,
  record TEXT NOT NULL
);
CREATE UNIQUE INDEX definitions_revision ON definitions (kind, name, namespace, project_id, revision);
CREATE UNIQUE INDEX definitions_newest ON definitions (kind, name, namespace, project_id) WHERE newest;
