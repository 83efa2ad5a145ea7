-- Triggers, shares, code: small documents with names. Their keys are UUIDs.

CREATE TABLE IF NOT EXISTS resources (
  id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  kind       TEXT COLLATE "C" NOT NULL,
  project_id TEXT COLLATE "C" NOT NULL,
  namespace  TEXT COLLATE "C" NOT NULL,
  name       TEXT COLLATE "C" NOT NULL,
  scope      TEXT COLLATE "C" NOT NULL,
  ref        TEXT COLLATE "C" NOT NULL,
  due_at     INT8 NOT NULL,
  version    INT8 NOT NULL,
  doc        TEXT NOT NULL,
  created_at INT8 NOT NULL,
  updated_at INT8 NOT NULL
);

CREATE UNIQUE INDEX IF NOT EXISTS resources_name ON resources (project_id, kind, namespace, name);

CREATE INDEX IF NOT EXISTS resources_created ON resources (kind, created_at, id);

CREATE INDEX IF NOT EXISTS resources_ref ON resources (ref, kind) WHERE ref <> '';

CREATE INDEX IF NOT EXISTS resources_due ON resources (kind, due_at) WHERE due_at <> 0;

-- What a list of a definition's revisions looks at.
CREATE INDEX IF NOT EXISTS revisions_first ON revisions (first_id, revision);

-- Lists of the definitions of all projects.
CREATE INDEX IF NOT EXISTS definitions_kind ON definitions (kind, name, namespace, project_id);

-- Executions that have not ended, for those who look at what runs now. The condition changes once in an execution's life, so
-- most turns don't touch this index.
CREATE INDEX IF NOT EXISTS executions_live ON execution_states (project, created_at, key) WHERE state IN ('RUNNING', 'PAUSED', 'IDLE');
