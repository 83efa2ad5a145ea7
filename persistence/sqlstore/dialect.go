package sqlstore

import "strings"

// dialect is what differs between the databases.
type dialect struct {
	name     string
	server   bool // several writers, arrays as parameters, serialization failures
	batchMax int  // turns that one transaction takes best
	whole    bool // one statement may write several tables, some of them twice: see onecommit.go
	// now is the database's clock, in microseconds.
	now string
	// live is the condition of executions_live, as its index has it: a planner takes the index only for the same words.
	live string
	// schemaInTx says that statements that change the schema can be rolled back.
	schemaInTx bool
	// writerSettings are set on connections for transactions. PostgreSQL's planner likes sequential scans of small
	// tables; under SERIALIZABLE such a scan conflicts with every writer of the table.
	writerSettings map[string]string
}

func sqlite() dialect {
	return dialect{name: "sqlite", batchMax: 64, now: "CAST(unixepoch('subsec') * 1000000 AS INTEGER)", live: sqliteLive, schemaInTx: true}
}

const (
	serverLive = "state IN ('RUNNING', 'PAUSED', 'IDLE')"
	// SQLite makes a table of each list of more than two, each time that it looks whether a row belongs into the index.
	sqliteLive = "(state IN ('RUNNING', 'PAUSED') OR state = 'IDLE')"
)

const serverNow = "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS INT8)"

func postgres() dialect {
	return dialect{name: "postgres", server: true, whole: true, batchMax: 64, now: serverNow, live: serverLive, schemaInTx: true, writerSettings: map[string]string{
		"enable_seqscan": "off", "enable_bitmapscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off", "jit": "off",
		// The sizes of arrays say nothing of the best plan, which is always along the key. Without this each update is planned
		// anew, for twice the price of carrying it out.
		"plan_cache_mode": "force_generic_plan",
		// Of the statement that writes a batch, which is a transaction by itself.
		"default_transaction_isolation": "serializable",
		// A frozen engine must not keep the rows that another one takes over.
		"idle_in_transaction_session_timeout": "5000",
	}}
}

func cockroach() dialect {
	return dialect{name: "cockroach", server: true, batchMax: 32, now: serverNow, live: serverLive}
}

// What stands in statements for the database's clock, for the condition of its index, and for keys that are the first parameter.
const (
	now   = "{now}"
	live  = "{live}"
	among = "{among}"
)

// text is a statement as the database gets it.
func (d dialect) text(statement string) string {
	list := "IN (SELECT value FROM json_each($1))"
	if d.server {
		list = "= ANY($1)"
	}
	return strings.NewReplacer(now, d.now, live, d.live, among, list).Replace(statement)
}
