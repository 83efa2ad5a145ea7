package sqlstore

import (
	"fmt"
	"strings"

	"github.com/lib/pq"
)

// dialect is what differs between the databases.
type dialect struct {
	name     string
	arrays   bool // rows are given as arrays to unnest, one round trip for many rows
	batchMax int  // turns that one transaction takes best
	now      string
}

var (
	sqlite    = dialect{name: "sqlite", batchMax: 128, now: "CAST(unixepoch('subsec') * 1000000 AS BIGINT)"}
	postgres  = dialect{name: "postgres", arrays: true, batchMax: 64, now: "(extract(epoch from clock_timestamp()) * 1000000)::BIGINT"}
	cockroach = dialect{name: "cockroach", arrays: true, batchMax: 32, now: "(extract(epoch from clock_timestamp()) * 1000000)::BIGINT"}
)

// table is a table that commits write.
type table struct {
	name string
	cols []string
	kind []string // type of each column in an array
	keys int      // the first so many columns are the primary key
}

var (
	executionsTable = table{
		"executions",
		[]string{"shard", "id", "project_id", "workflow_name", "state", "root_id", "parent_task", "created_at", "wake_at", "epoch", "node_id", "record"},
		[]string{"INT", "TEXT", "TEXT", "TEXT", "TEXT", "TEXT", "TEXT", "BIGINT", "BIGINT", "BIGINT", "TEXT", "TEXT"}, 2,
	}
	dataTable    = table{"execution_data", []string{"shard", "id", "record"}, []string{"INT", "TEXT", "TEXT"}, 2}
	tasksTable   = table{"tasks", []string{"shard", "execution_id", "seq", "id", "record"}, []string{"INT", "TEXT", "BIGINT", "TEXT", "TEXT"}, 3}
	actionsTable = table{
		"actions", []string{"shard", "execution_id", "seq", "id", "task_id", "runner", "record"},
		[]string{"INT", "TEXT", "BIGINT", "TEXT", "TEXT", "TEXT", "TEXT"}, 3,
	}
	historyTable = table{"history", []string{"shard", "execution_id", "seq", "record"}, []string{"INT", "TEXT", "BIGINT", "TEXT"}, 3}
)

// rows are the rows of one statement, by column.
type rows struct {
	table table
	cols  [][]any
	n     int
}

func newRows(t table) *rows { return &rows{table: t, cols: make([][]any, len(t.cols))} }

func (r *rows) add(values ...any) {
	for i, v := range values {
		r.cols[i] = append(r.cols[i], v)
	}
	r.n++
}

// source is where a statement takes its rows from: unnested arrays, or the parameters of one row.
func (t table) source(d dialect) string {
	parts := make([]string, len(t.cols))
	for i := range t.cols {
		parts[i] = fmt.Sprintf("$%d", i+1)
		if d.arrays {
			parts[i] += "::" + t.kind[i] + "[]"
		}
	}
	if d.arrays {
		return "SELECT * FROM unnest(" + strings.Join(parts, ", ") + ") AS u(" + strings.Join(t.cols, ", ") + ")"
	}
	return "VALUES (" + strings.Join(parts, ", ") + ")"
}

// upsert writes rows, new or over the old ones.
func (t table) upsert(d dialect) string {
	var set []string
	for _, c := range t.cols[t.keys:] {
		set = append(set, c+" = excluded."+c)
	}
	return "INSERT INTO " + t.name + " (" + strings.Join(t.cols, ", ") + ") " + t.source(d) +
		" ON CONFLICT (" + strings.Join(t.cols[:t.keys], ", ") + ") DO UPDATE SET " + strings.Join(set, ", ")
}

// insertNew writes rows that aren't there yet and returns the ids of those.
func (t table) insertNew(d dialect) string {
	return "INSERT INTO " + t.name + " (" + strings.Join(t.cols, ", ") + ") " + t.source(d) + " ON CONFLICT DO NOTHING RETURNING id"
}

// updateFenced writes rows of executions whose epoch is still the same and returns their ids.
func updateFenced(d dialect) string {
	t := executionsTable
	var set []string
	for _, c := range []string{"state", "wake_at", "record"} {
		set = append(set, c+" = u."+c)
	}
	if d.arrays {
		return "UPDATE executions AS e SET " + strings.Join(set, ", ") + " FROM (" + t.source(d) + ") AS u " +
			"WHERE e.shard = u.shard AND e.id = u.id AND e.epoch = u.epoch RETURNING e.id"
	}
	return "UPDATE executions SET state = $5, wake_at = $9, record = $12 WHERE shard = $1 AND id = $2 AND epoch = $10 " +
		"AND $3 = $3 AND $4 = $4 AND $6 = $6 AND $7 = $7 AND $8 = $8 AND $11 = $11 RETURNING id"
}

// args are the parameters of each execution of a statement: all rows at once, or a row at a time.
func (r *rows) args(d dialect) [][]any {
	if r.n == 0 {
		return nil
	}
	if d.arrays {
		one := make([]any, len(r.cols))
		for i, col := range r.cols {
			one[i] = typedArray(r.table.kind[i], col)
		}
		return [][]any{one}
	}
	out := make([][]any, r.n)
	for i := range out {
		for _, col := range r.cols {
			out[i] = append(out[i], col[i])
		}
	}
	return out
}

// typedArray gives lib/pq an array of the column's type; a nil stays NULL.
func typedArray(kind string, col []any) any {
	if kind == "TEXT" {
		out := make([]string, len(col))
		for i, v := range col {
			out[i] = v.(string)
		}
		return pq.Array(out)
	}
	out := make([]*int64, len(col))
	for i, v := range col {
		if n, ok := v.(int64); ok {
			out[i] = &n
		}
	}
	return pq.Array(out)
}
