-- The outbox of notifications. Keys are led by the shard of the execution. A notice doesn't go with its execution.

CREATE TABLE IF NOT EXISTS notices (
  shard        INTEGER NOT NULL,
  execution_id TEXT NOT NULL,
  lane         TEXT NOT NULL,
  seq          INTEGER NOT NULL,
  due_at       INTEGER NOT NULL,
  tries        INTEGER NOT NULL,
  doc          TEXT NOT NULL,
  PRIMARY KEY (shard, execution_id, lane, seq)
);

CREATE INDEX IF NOT EXISTS notices_due ON notices (shard, due_at);
