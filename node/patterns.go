package node

import (
	"time"

	"cierzo/cron"
)

// patterns are those of cron triggers: package cron's, in UTC as in Mistral.
type patterns struct{}

// Next implements api.Cron.
func (patterns) Next(pattern string, after time.Time) (time.Time, bool, error) {
	s, err := cron.Parse(pattern)
	if err != nil {
		return time.Time{}, false, err
	}
	next, ok := s.Next(after.UTC())
	return next, ok, nil
}
