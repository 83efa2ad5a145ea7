package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/lib/pq"

	"cierzo/fault"
	"cierzo/persistence"
)

// PostgreSQL writes a batch in one statement, however many tables it touches, and the statement is a transaction by itself: one round
// trip. That takes every turn for one that is written. When the database finds that it isn't so, which is rare, the statement fails,
// and the batch goes as on other servers, by a statement for each table. So an execution is simply inserted: to look first whether
// it is there would cost each of them a speculative insertion.
//
// database/sql would send such a statement a second time when its connection breaks. A connection's own statement it never repeats.

// errNotAll says that turns of a batch are fenced, or executions are there already, or that there is no statement for the batch.
var errNotAll = errors.New("not all turns can be written")

// How the database says it: a key that is there, and the text below, which is no number.
const (
	uniqueViolation = "23505"
	invalidText     = "22P02"
)

// shapesMax bounds the statements of batches that touch different tables: each is kept by each connection.
const shapesMax = 48

// shape says which parts a statement for a whole batch has: the creation, the update, and the children in order.
type shape uint16

// whole is a batch as one statement.
type whole struct {
	kind  shape
	parts []part
	args  []driver.NamedValue
}

var parameter = regexp.MustCompile(`\$[0-9]+`)

// renumber moves a statement's parameters behind those of others.
func renumber(text string, by int) string {
	if by == 0 {
		return text
	}
	return parameter.ReplaceAllStringFunc(text, func(p string) string {
		n, err := strconv.Atoi(p[1:])
		if err != nil {
			return p // the expression matches digits only
		}
		return "$" + strconv.Itoa(n+by)
	})
}

// isUpdate reports whether a part may find that a row isn't there.
func isUpdate(text string) bool { return strings.HasPrefix(text, "UPDATE") }

// wholeOf makes the statement of a batch.
func wholeOf(b *batch) (*whole, error) {
	w := &whole{parts: append([]part{{createMany, createdRows(b)}, {updateMany, updatedRows(b)}}, children(b.turns)...)}
	size := 0
	for bit, p := range w.parts {
		if p.cols.rows > 0 {
			w.kind |= 1 << bit
			size += len(p.cols.places)
		}
	}
	w.args = make([]driver.NamedValue, 0, size)
	for _, p := range w.parts {
		if p.cols.rows == 0 {
			continue
		}
		for _, column := range p.cols.places {
			v, err := column.Value()
			if err != nil {
				return nil, fault.Wrap(fault.Internal, err, "commit turns")
			}
			w.args = append(w.args, driver.NamedValue{Ordinal: len(w.args) + 1, Value: v})
		}
	}
	return w, nil
}

// ownParts are the first of a batch's parts: the executions that it creates, and those that it changes.
const ownParts = 2

// wholeText is the statement of those parts that have rows. It fails unless it has written all of them: where a row may not be there,
// those that are written are counted.
func wholeText(parts []part) string {
	var ctes, checks []string
	args := 0
	for bit, p := range parts {
		if p.cols.rows == 0 {
			continue
		}
		name, text := "part"+strconv.Itoa(bit), p.text
		switch {
		case bit == 0:
			ctes = append(ctes, "made AS ("+renumber(createRows+" RETURNING key", args)+")")
			text = createState
		case bit > 1 && isUpdate(text):
			text += " RETURNING 1"
		}
		ctes = append(ctes, name+" AS ("+renumber(text, args)+")")
		if bit < ownParts || isUpdate(p.text) {
			checks = append(checks, fmt.Sprintf("(SELECT count(*) FROM %s) = cardinality($%d::INT8[])", name, args+1))
		}
		args += len(p.cols.places)
	}
	// Not 1/0, which the log of the server wouldn't explain.
	return "WITH " + strings.Join(ctes, ",\n") + "\nSELECT CAST(CASE WHEN " + strings.Join(checks, " AND ") + " THEN '1' ELSE '" + notAll + "' END AS INT8)"
}

// notAll is what the server's log says when a batch isn't written as a whole.
const notAll = "some of these turns of executions are fenced: the batch is written without them"

// send has a connection run the statement; false: it hasn't got so far.
func (w *whole) send(ctx context.Context, s *Store) (bool, error) {
	conn, err := s.writer.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	sent := false
	err = conn.Raw(func(c any) error {
		stmt, err := c.(*serverConn).shaped(ctx, w.kind, func() string { return wholeText(w.parts) })
		if err != nil {
			return err
		}
		sent = true
		_, err = stmt.ExecContext(ctx, w.args)
		return err
	})
	return sent, err
}

// write is one try. errNotAll: nothing of the batch has been written.
func (w *whole) write(ctx context.Context, s *Store) error {
	sent, err := w.send(ctx, s)
	for try := 1; !sent && try < lostMax && ctx.Err() == nil && lost(err); try++ { // as begin does
		sent, err = w.send(ctx, s)
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
	w, err := wholeOf(b)
	if err != nil {
		return false, err
	}
	err = s.repeat(ctx, "commit turns", func(ctx context.Context) error { return w.write(ctx, s) })
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
