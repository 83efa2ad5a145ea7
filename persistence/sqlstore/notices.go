package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"cierzo/persistence"
	"cierzo/workflow"
)

const (
	noticeMany   = insertNotice + `unnest($1::INT8[], $2::TEXT[], $3::TEXT[], $4::INT8[], $5::INT8[], $6::TEXT[]) AS u (key, execution_id, lane, seq, due_at, doc)` + onceNotice
	insertNotice = `INSERT INTO notices (key, execution_id, lane, seq, due_at, tries, doc) SELECT u.key, u.execution_id, u.lane, u.seq, u.due_at, 0, u.doc FROM `
	onceNotice   = ` ON CONFLICT (key, lane, seq) DO NOTHING`
	noticeOne    = `INSERT INTO notices (key, execution_id, lane, seq, due_at, tries, doc) VALUES ($1, $2, $3, $4, $5, 0, $6)
ON CONFLICT DO NOTHING`

	noticesDueMany = `SELECT execution_id, lane FROM notices WHERE (key >> 56) = ANY($1::INT8[])
AND due_at <= CAST(extract(epoch FROM statement_timestamp()) * 1000000 AS INT8) ORDER BY due_at, key, lane LIMIT $2`
	noticesDueOne = `SELECT execution_id, lane FROM notices WHERE (key >> 56) IN (SELECT value FROM json_each($1)) AND due_at <= {now} ORDER BY due_at, key, lane LIMIT $2`

	claimNotices = `SELECT seq, tries, doc, due_at, {now} FROM notices WHERE key = $1 AND execution_id = $2 AND lane = $3 ORDER BY seq LIMIT $4`
	hideNotices  = `UPDATE notices SET due_at = $4 WHERE key = $1 AND execution_id = $2 AND lane = $3 AND due_at < $4`
	dropNotices  = `DELETE FROM notices WHERE key = $1 AND execution_id = $2 AND lane = $3 AND seq <= $4`
	putOff       = `UPDATE notices SET due_at = {now} + $4 WHERE key = $1 AND execution_id = $2 AND lane = $3`
	noticeTried  = `UPDATE notices SET tries = tries + 1 WHERE key = $1 AND execution_id = $2 AND lane = $3 AND seq = $4`
	countNotices = `SELECT count(*) FROM (SELECT 1 FROM notices LIMIT $1) AS n`
)

func noticeRows(turns []*turnRows) sheet {
	s := sheet{part: noticePart}
	for _, turn := range turns {
		for i := range turn.Notices {
			r := &turn.Notices[i]
			s.numbers(r.Key)
			s.texts(r.ExecutionID, r.Lane)
			s.numbers(r.Seq, r.DueAt)
			s.texts(r.Doc)
		}
	}
	return s
}

func scanLane(rows *sql.Rows) (persistence.NoticeLane, error) {
	var id, lane string
	err := rows.Scan(&id, &lane)
	return persistence.NoticeLane{ExecutionID: workflow.ExecutionID(id), Lane: lane}, err
}

// DueNotices implements persistence.Notices. A lane that has many due notices takes the place of others until it is claimed.
func (s *Store) DueNotices(ctx context.Context, limit int) ([]persistence.NoticeLane, error) {
	text := noticesDueOne
	if s.dialect.server {
		text = noticesDueMany
	}
	rows, err := list(ctx, s, "find due notifications", scanLane, text, s.shardSet(nil), persistence.Limit(0))
	if err != nil {
		return nil, err
	}
	seen := make(map[persistence.NoticeLane]bool, len(rows))
	out := rows[:0]
	for _, lane := range rows {
		if !seen[lane] && len(out) < persistence.Limit(limit) {
			seen[lane] = true
			out = append(out, lane)
		}
	}
	return out, nil
}

// ClaimNotices implements persistence.Notices.
func (s *Store) ClaimNotices(ctx context.Context, lane persistence.NoticeLane, ttl time.Duration, limit int) ([]persistence.Notice, error) {
	key, id := int64(lane.ExecutionID.Key()), string(lane.ExecutionID)
	var out []persistence.Notice
	err := s.transact(ctx, "claim notifications of execution "+id, func(t *transaction) error {
		out = nil
		var due, now int64
		err := t.query(claimNotices, func(rows *sql.Rows) error {
			row := persistence.NoticeRow{Key: key, ExecutionID: id, Lane: lane.Lane}
			var tries int
			if err := rows.Scan(&row.Seq, &tries, &row.Doc, &row.DueAt, &now); err != nil {
				return err
			}
			if len(out) == 0 {
				due = row.DueAt
			}
			n, err := row.Decode(tries)
			out = append(out, n)
			return err
		}, key, id, lane.Lane, persistence.Limit(limit))
		if err != nil || len(out) == 0 {
			return err
		}
		if due > now {
			out = nil // the first one waits, and the others with it
		} else {
			due = now + ttl.Microseconds()
		}
		_, err = t.exec(hideNotices, key, id, lane.Lane, due)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// SettleNotices implements persistence.Notices.
func (s *Store) SettleNotices(ctx context.Context, lane persistence.NoticeLane, settled persistence.NoticeSettlement) error {
	key, id := int64(lane.ExecutionID.Key()), string(lane.ExecutionID)
	return s.transact(ctx, "settle notifications of execution "+id, func(t *transaction) error {
		if settled.Through > 0 {
			if _, err := t.exec(dropNotices, key, id, lane.Lane, int64(settled.Through)); err != nil {
				return err
			}
		}
		if settled.Failed > 0 {
			if _, err := t.exec(noticeTried, key, id, lane.Lane, int64(settled.Failed)); err != nil {
				return err
			}
		}
		_, err := t.exec(putOff, key, id, lane.Lane, settled.Pause.Microseconds())
		return err
	})
}

// CountNotices implements persistence.Notices.
func (s *Store) CountNotices(ctx context.Context, limit int) (int, error) {
	return one(ctx, s, "count notifications", scanCount, countNotices, limit)
}
