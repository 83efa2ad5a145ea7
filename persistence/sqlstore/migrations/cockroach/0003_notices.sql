-- The outbox of notifications. The key is that of the execution. A notice doesn't go with its execution.

CREATE TABLE IF NOT EXISTS notices (
  key          INT8 NOT NULL,
  execution_id TEXT NOT NULL,
  lane         TEXT NOT NULL,
  seq          INT8 NOT NULL,
  due_at       INT8 NOT NULL,
  tries        INT8 NOT NULL,
  doc          TEXT NOT NULL,
  PRIMARY KEY (key, lane, seq)
);

CREATE INDEX IF NOT EXISTS notices_due ON notices ((key >> 56), due_at);
