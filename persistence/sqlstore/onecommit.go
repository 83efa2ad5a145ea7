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
	w := &whole{}
	var kind shape
	var ctes, sums []string
	add := func(bit int, p part, name string, texts ...string) {
		if p.cols.rows == 0 {
			return
		}
		kind |= 1 << bit
		for i, text := range texts {
			at := name
			if i < len(texts)-1 {
				at = "made"
			}
			ctes = append(ctes, at+" AS ("+renumber(text, len(w.args))+")")
		}
		w.args = append(w.args, p.cols.places...)
		if bit < 2 || isUpdate(p.text) {
			sums = append(sums, "(SELECT count(*) FROM "+name+")")
			w.counts = append(w.counts, p.cols.rows)
		}
		if bit < 2 {
			w.own++
		}
	}
	add(0, part{createMany, createdRows(b)}, "created", createRows+" RETURNING key", createState)
	add(1, part{updateMany, updatedRows(b)}, "updated", updateMany)
	for i, p := range children(b.turns) {
		text := p.text
		if isUpdate(text) {
			text += " RETURNING 1"
		}
		add(i+2, p, "part"+strconv.Itoa(i), text)
	}
	var err error
	w.stmt, err = s.shaped(ctx, kind, func() string {
		return "WITH " + strings.Join(ctes, ",\n") + "\nSELECT " + strings.Join(sums, ", ")
	})
	if w.stmt == nil || err != nil {
		return nil, err
	}
	return w, nil
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
