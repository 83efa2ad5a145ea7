package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lib/pq"

	"cierzo/persistence"
)

// PostgreSQL writes a batch in one statement, however many tables it touches, and the statement is a transaction by itself: one round
// trip. That takes every turn for one that is written, and what it starts for the newest revision where that is wanted. When the
// database finds that it isn't so, which is rare, the statement fails, and the batch goes as on other servers, by a statement for each
// table. So an execution is simply inserted: to look first whether it is there would cost each of them a speculative insertion.
//
// database/sql would send such a statement a second time when its connection breaks. A connection's own statement it never repeats.

// errNotAll says that turns of a batch are fenced or outdated, or executions are there already, or that there is no statement for the batch.
var errNotAll = errors.New("not all turns can be written")

// How the database says it: a key that is there, and the text below, which is no number.
const (
	uniqueViolation = "23505"
	invalidText     = "22P02"
)

// shapesMax bounds the statements of batches that touch different tables: each is kept by each connection.
const shapesMax = 64

// shape says which parts a statement for a whole batch has: the creation, the update, and the children in order; and whether it is for one
// row of each.
type shape uint16

const single shape = 1 << 15

// whole is a batch as one statement.
type whole struct {
	kind   shape
	sheets []sheet // those that have rows
}

// single reports whether each sheet has one row. That is so of most lone turns. Their rows go as rows: to read an array and to take it apart
// into a temporary store is a seventh of the server's time for such a statement.
func (w *whole) single() bool { return w.kind&single != 0 }

// wholeOf makes the statement of a batch. Where it creates something it has the revisions that must be the newest, also if there are none:
// twice as many shapes would cost more than to look at nothing.
func wholeOf(b *batch) *whole {
	w := &whole{}
	for bit, s := range append(append(owns(b), children(b.turns)...), versionsOf(b.turns)) {
		if s.rows() > 0 {
			w.kind |= 1 << bit
			w.sheets = append(w.sheets, s)
		}
	}
	if len(w.sheets) > 0 && w.sheets[0].part == createPart {
		w.sheets = append(w.sheets, newestRevisions(b.turns))
	}
	if !slices.ContainsFunc(w.sheets, func(s sheet) bool { return s.rows() != 1 }) {
		w.kind |= single
	}
	return w
}

// wholeText is the statement for sheets of these parts, of one row each or of any number. It fails unless it has written all of them: where
// a row may not be there, those that are written are counted.
func wholeText(sheets []sheet, single bool) string {
	var ctes, checks []string
	for i, s := range sheets {
		name, from, count := "part"+strconv.Itoa(i+1), "unnest($"+strconv.Itoa(i+1)+"::"+s.rowType+"[]) AS u", "cardinality($"+strconv.Itoa(i+1)+")"
		if single {
			from, count = "(SELECT ($"+strconv.Itoa(i+1)+"::"+s.rowType+").*) AS u", "1"
		}
		if s.part == createPart {
			ctes = append(ctes, "made AS ("+createRows+from+")")
		}
		text := s.head + from + s.tail
		if update := strings.HasPrefix(text, "UPDATE"); update || s.part == newestPart || s.part == definitionsPart {
			if update {
				text += " RETURNING 1"
			}
			checks = append(checks, fmt.Sprintf("(SELECT count(*) FROM %s) = %s", name, count))
		}
		ctes = append(ctes, name+" AS ("+text+")")
	}
	checks = append(checks, "TRUE")
	// Not 1/0, which the log of the server wouldn't explain.
	return "WITH " + strings.Join(ctes, ",\n") + "\nSELECT CAST(CASE WHEN " + strings.Join(checks, " AND ") + " THEN '1' ELSE '" + notAll + "' END AS INT8)"
}

// notAll is what the server's log says when a batch isn't written as a whole.
const notAll = "some of these turns of executions are fenced or outdated: the batch is written without them"

// send has a connection run the statement; false: it hasn't got so far.
func (w *whole) send(ctx context.Context, s *Store) (bool, error) {
	conn, err := s.writer.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	sent := false
	lost := conn.Raw(func(c any) error {
		stmt, args, e := c.(*serverConn).whole(ctx, w)
		if e == nil {
			sent = true
			_, e = stmt.ExecContext(ctx, args)
		}
		if err = e; typesChanged(e) {
			return driver.ErrBadConn // another connection will know better
		}
		return e
	})
	if err == nil {
		err = lost
	}
	return sent, err
}

// typesChanged reports that what the statement names is not, or no more, as this connection takes it to be: somebody has restored the
// database, or a newer node has changed its types. Statements for each table don't name them.
func typesChanged(err error) bool {
	var answer *pq.Error
	return errors.As(err, &answer) && (answer.Code.Class() == "42" || answer.Code == "XX000")
}

// write is one try. errNotAll: nothing of the batch has been written.
func (w *whole) write(ctx context.Context, s *Store) error {
	sent, err := w.send(ctx, s)
	for try := 1; !sent && try < lostMax && ctx.Err() == nil && lost(err); try++ { // as begin does
		sent, err = w.send(ctx, s)
	}
	if typesChanged(err) {
		return errNotAll
	}
	if err == nil || !sent {
		return repeatable(err)
	}
	if !s.refused(err) {
		return persistence.Ambiguous(err)
	}
	var answer *pq.Error
	if errors.As(err, &answer) && (answer.Code == uniqueViolation || answer.Code == invalidText) {
		return errNotAll // what is created is there already, with its parts, or what is fenced has been written by another
	}
	return repeatable(err)
}

// commitWhole commits a batch by one statement; false: it has to go by the others.
func (s *Store) commitWhole(ctx context.Context, b *batch) (bool, error) {
	if !s.dialect.whole {
		return false, nil
	}
	w := wholeOf(b)
	err := s.repeat(ctx, "commit turns", func(ctx context.Context) error { return w.write(ctx, s) })
	if errors.Is(err, errNotAll) {
		return false, nil
	}
	if err == nil {
		b.reset()
		for _, turn := range b.turns {
			b.outcomes[b.place[turn.Execution.Key]] = persistence.Committed
		}
	}
	return err == nil, err
}
