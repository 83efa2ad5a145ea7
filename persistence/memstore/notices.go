package memstore

import (
	"cmp"
	"context"
	"slices"
	"time"

	"cierzo/persistence"
	"cierzo/workflow"
)

// notice is a row of the outbox.
type notice struct {
	row   persistence.NoticeRow
	tries int
}

// post puts the notices of a turn into the outbox.
func (s *Store) post(rows []persistence.NoticeRow) {
	for _, r := range rows {
		lane := persistence.NoticeLane{ExecutionID: workflow.ExecutionID(r.ExecutionID), Lane: r.Lane}
		s.notices[lane] = append(s.notices[lane], notice{row: r})
	}
}

// DueNotices implements persistence.Notices.
func (s *Store) DueNotices(ctx context.Context, limit int) ([]persistence.NoticeLane, error) {
	type entry struct {
		lane persistence.NoticeLane
		at   int64
	}
	var due []entry
	err := s.read(ctx, "DueNotices", func() error {
		now := persistence.Micros(s.cfg.Now())
		for lane, list := range s.notices {
			first := slices.MinFunc(list, func(a, b notice) int { return cmp.Compare(a.row.DueAt, b.row.DueAt) })
			if first.row.DueAt <= now {
				due = append(due, entry{lane, first.row.DueAt})
			}
		}
		return nil
	})
	slices.SortFunc(due, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.lane.ExecutionID, b.lane.ExecutionID), cmp.Compare(a.lane.Lane, b.lane.Lane))
	})
	out := make([]persistence.NoticeLane, 0, len(due))
	for _, e := range due[:min(len(due), persistence.Limit(limit))] {
		out = append(out, e.lane)
	}
	return out, err
}

// ClaimNotices implements persistence.Notices.
func (s *Store) ClaimNotices(ctx context.Context, lane persistence.NoticeLane, ttl time.Duration, limit int) ([]persistence.Notice, error) {
	var out []persistence.Notice
	err := s.write(ctx, "ClaimNotices", func() error {
		list := s.notices[lane]
		if len(list) == 0 {
			return nil
		}
		due, now := list[0].row.DueAt, s.cfg.Now()
		claimed := due <= persistence.Micros(now)
		if claimed {
			due = persistence.Micros(now.Add(ttl))
		}
		for i := range list {
			list[i].row.DueAt = max(list[i].row.DueAt, due)
			if claimed && i < persistence.Limit(limit) {
				n, err := list[i].row.Decode(list[i].tries)
				if err != nil {
					return err
				}
				out = append(out, n)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// SettleNotices implements persistence.Notices.
func (s *Store) SettleNotices(ctx context.Context, lane persistence.NoticeLane, settled persistence.NoticeSettlement) error {
	return s.write(ctx, "SettleNotices", func() error {
		rest := slices.DeleteFunc(s.notices[lane], func(n notice) bool { return uint64(n.row.Seq) <= settled.Through })
		if len(rest) == 0 {
			delete(s.notices, lane)
			return nil
		}
		for i := range rest {
			rest[i].row.DueAt = persistence.Micros(s.cfg.Now().Add(settled.Pause))
			if uint64(rest[i].row.Seq) == settled.Failed {
				rest[i].tries++
			}
		}
		s.notices[lane] = rest
		return nil
	})
}

// CountNotices implements persistence.Notices.
func (s *Store) CountNotices(ctx context.Context, limit int) (int, error) {
	n := 0
	err := s.read(ctx, "CountNotices", func() error {
		for _, list := range s.notices {
			n += len(list)
		}
		return nil
	})
	return min(n, limit), err
}
