package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/lib/pq"

	"cierzo/persistence"
)

// PostgreSQL writes a batch in one statement: with BEGIN and COMMIT three round trips, however many tables it touches. That
// takes every turn for one that is written. When the database says that it isn't so, which is rare, the transaction is rolled back,
// and the batch goes as on other servers, by a statement for each table. So an execution is simply inserted: to look first whether
// it is there would cost each of them a speculative insertion.

// errNotAll says that turns of a batch are fenced, or executions are there already.
var errNotAll = errors.New("not all turns can be written")

const uniqueViolation = "23505"

// shapesMax bounds the statements of batches that touch different tables: each is kept by each connection.
const shapesMax = 48

// shape says which parts a statement for a whole batch has: the creation, the update, and the children in order.
type shape uint16

// whole is a batch as one statement.
type whole struct {
	stmt   *sql.Stmt
	args   []any
	counts []int // of rows that each part that is counted must have touched: created, updated, then those of the children that are updates
	own    int   // how many of counts are of executions
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

// wholeOf makes the statement of a batch. nil: there are too many of them.
func (s *Store) wholeOf(ctx context.Context, b *batch) (*whole, error) {
	parts := append([]part{{createMany, createdRows(b)}, {updateMany, updatedRows(b)}}, children(b.turns)...)
	w := &whole{}
	var kind shape
	size := 0
	for _, p := range parts {
		size += len(p.cols.places)
	}
	w.args = make([]any, 0, size)
	for bit, p := range parts {
		if p.cols.rows == 0 {
			continue
		}
		kind |= 1 << bit
		w.args = append(w.args, p.cols.places...)
		if bit < ownParts {
			w.own++
		}
		if bit < ownParts || isUpdate(p.text) {
			w.counts = append(w.counts, p.cols.rows)
		}
	}
	var err error
	w.stmt, err = s.shaped(ctx, kind, func() string { return wholeText(parts) })
	if w.stmt == nil || err != nil {
		return nil, err
	}
	return w, nil
}

// ownParts are the first of a batch's parts: the executions that it creates, and those that it changes.
const ownParts = 2

// wholeText is the statement of those parts that have rows.
func wholeText(parts []part) string {
	var ctes, sums []string
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
			sums = append(sums, "(SELECT count(*) FROM "+name+")")
		}
		args += len(p.cols.places)
	}
	return "WITH " + strings.Join(ctes, ",\n") + "\nSELECT " + strings.Join(sums, ", ")
}

// shaped is the prepared statement of a shape. It is prepared outside of transactions, as the others are.
func (s *Store) shaped(ctx context.Context, kind shape, text func() string) (*sql.Stmt, error) {
	s.shapesMu.Lock()
	defer s.shapesMu.Unlock()
	if stmt := s.shapes[kind]; stmt != nil || len(s.shapes) >= shapesMax {
		return stmt, nil
	}
	stmt, err := s.writer.PrepareContext(ctx, text())
	if err != nil {
		return nil, err
	}
	s.shapes[kind] = stmt
	return stmt, nil
}

// write runs the statement. errNotAll: nothing of the batch may be committed.
func (w *whole) write(t *transaction, b *batch) error {
	got := make([]int, len(w.counts))
	into := make([]any, len(got))
	for i := range got {
		into[i] = &got[i]
	}
	if err := t.tx.StmtContext(t.ctx, w.stmt).QueryRowContext(t.ctx, w.args...).Scan(into...); err != nil {
		var answer *pq.Error
		if errors.As(err, &answer) && answer.Code == uniqueViolation {
			return errNotAll // what is created is there already, with its parts, or what is fenced has been written by another
		}
		return err
	}
	for i, n := range got {
		if n == w.counts[i] {
			continue
		}
		if i < w.own {
			return errNotAll
		}
		return missingRows(w.counts[i], int64(n))
	}
	for _, turn := range b.turns {
		b.outcomes[b.place[turn.Execution.Key]] = persistence.Committed
	}
	return nil
}

// commitWhole commits a batch by one statement; false: it has to go by the others.
func (s *Store) commitWhole(ctx context.Context, b *batch) (bool, error) {
	if !s.dialect.whole {
		return false, nil
	}
	if err := s.enter(); err != nil {
		return false, err
	}
	w, err := s.wholeOf(ctx, b)
	s.leave()
	if err != nil {
		return false, s.classify(err, "prepare the commit of turns")
	}
	if w == nil {
		return false, nil
	}
	err = s.transact(ctx, "commit turns", func(t *transaction) error {
		b.reset()
		return w.write(t, b)
	})
	if errors.Is(err, errNotAll) {
		return false, nil
	}
	return err == nil, err
}
