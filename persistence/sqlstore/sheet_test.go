package sqlstore

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"cierzo/internal/dbtest"
	"cierzo/workflow"
)

// TestSheets: a part has the columns that its statement unpacks, and its type the fields that the statement wants, in that order.
func TestSheets(t *testing.T) {
	t.Parallel()
	db := open(t, dbtest.Postgres(t)).writer
	unpacked := regexp.MustCompile(`unnest\([^)]*\)\s*AS u \(([a-z_, ]+)\)`)
	sheets := allSheets()
	if len(sheets) != strings.Count(rowTypesQuery, "'turn_") {
		t.Errorf("%d parts, but other types are asked for: %s", len(sheets), rowTypesQuery)
	}
	for _, s := range sheets {
		if !strings.Contains(rowTypesQuery, "'"+s.rowType+"'") {
			t.Errorf("the number of %s isn't asked for", s.rowType)
		}
		var fields, kinds string
		const query = `SELECT string_agg(attname, ', ' ORDER BY attnum), string_agg(CASE atttypid WHEN 20 THEN 'n' WHEN 25 THEN 't' ELSE '?' END, '' ORDER BY attnum)
FROM pg_attribute WHERE attrelid = $1::REGCLASS`
		if err := db.QueryRow(query, s.rowType).Scan(&fields, &kinds); err != nil {
			t.Fatal(err)
		}
		if kinds != s.kinds {
			t.Errorf("%s has the columns %s, the type has %s", s.rowType, s.kinds, kinds)
		}
		seen, want := map[string]bool{}, []string{}
		for _, m := range unpacked.FindAllStringSubmatch(s.many, -1) {
			for name := range strings.SplitSeq(m[1], ", ") {
				if !seen[name] {
					want = append(want, name)
				}
				seen[name] = true
			}
		}
		if got := strings.Join(want, ", "); got != fields {
			t.Errorf("%s has the fields\n%s, the statement\n%s", s.rowType, fields, got)
		}
	}
}

// TestBinary: what is sent in binary form arrives, and is what the arrays of columns say.
func TestBinary(t *testing.T) {
	t.Parallel()
	s := open(t, dbtest.Postgres(t))
	texts := []string{"", "=", "NULL", `"quoted", {braces} \ and 'more'`, "line\nend\t", "żółw 🌬 \U0010FFFF", strings.Repeat("long", 100_000)}
	numbers := []int64{0, 1, -1, 1<<63 - 1, -1 << 63}
	rows := sheet{part: noticePart}
	for i, text := range texts {
		n := numbers[i%len(numbers)]
		rows.numbers(n)
		rows.texts(text, fmt.Sprint(i))
		rows.numbers(n, int64(i))
		rows.texts(text)
	}
	if got := len(rows.binary(0)); cap(rows.binary(0)) < got || rows.rows() != len(texts) {
		t.Errorf("%d bytes of %d rows", got, rows.rows())
	}
	var number uint32
	if err := s.writer.QueryRow("SELECT CAST(CAST('turn_notice' AS REGTYPE) AS OID)::INT8").Scan(&number); err != nil {
		t.Fatal(err)
	}
	var same int
	var equal bool
	const compare = `SELECT count(*) FROM unnest($1::turn_notice[]) AS a
JOIN unnest($2::INT8[], $3::TEXT[], $4::TEXT[], $5::INT8[], $6::INT8[], $7::TEXT[]) AS b (key, execution_id, lane, seq, due_at, doc)
ON (a.key, a.execution_id, a.lane, a.seq, a.due_at, a.doc) = (b.key, b.execution_id, b.lane, b.seq, b.due_at, b.doc)`
	if err := s.writer.QueryRow(compare, append([]any{rows.binary(number)}, rows.arrays()...)...).Scan(&same); err != nil || same != len(texts) {
		t.Errorf("%d of %d rows arrive, %v", same, len(texts), err)
	}
	for i := range texts { // as one row, too
		one := sheet{part: noticePart, cells: rows.cells[i*len(noticePart.kinds) : (i+1)*len(noticePart.kinds)]}
		if err := s.writer.QueryRow(`SELECT ARRAY[$1::turn_notice] = $2::turn_notice[]`, one.record(), one.binary(number)).Scan(&equal); err != nil || !equal {
			t.Errorf("row %d: %v, %v", i, equal, err)
		}
	}
}

// TestTypesMadeAnew: somebody restores the database, its types have other numbers, or there are none; batches are written all the same.
func TestTypesMadeAnew(t *testing.T) {
	t.Parallel()
	s := open(t, dbtest.Postgres(t))
	mustCommit(t, s, creation("e1"))
	texts, err := s.dialect.migrationTexts()
	if err != nil {
		t.Fatal(err)
	}
	statements := statementsOf(texts[5])
	for i, change := range [][]string{statements, statements[:1]} {
		run(t, s.writer, change...)
		for try := range 3 {
			info := fmt.Sprint("change ", i, " try ", try)
			mustCommit(t, s, creation(workflow.ExecutionID(info)), update("e1", info))
			if got := infoOf(t, s, "e1"); got != info {
				t.Errorf("the execution says %q, want %q", got, info)
			}
		}
	}
}
