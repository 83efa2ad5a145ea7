-- The outbox of notifications. The key is that of the execution. A notice doesn't go with its execution.

CREATE TABLE IF NOT EXISTS notices (
  key          INTEGER NOT NULL,
  execution_id TEXT NOT NULL,
  lane         TEXT NOT NULL,
  seq          INTEGER NOT NULL,
  due_at       INTEGER NOT NULL,
  tries        INTEGER NOT NULL,
  doc          TEXT NOT NULL,
  PRIMARY KEY (key, lane, seq)
);

CREATE INDEX IF NOT EXISTS notices_due ON notices ((key >> 56), due_at);
