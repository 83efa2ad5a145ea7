-- The version of the definitions grows with each change to any of them: what turns have looked up in memory is asserted by it.
CREATE TABLE IF NOT EXISTS definitions_version (
  id      INT8 NOT NULL PRIMARY KEY,
  version INT8 NOT NULL
);

INSERT INTO definitions_version (id, version) VALUES (1, 1) ON CONFLICT (id) DO NOTHING;
