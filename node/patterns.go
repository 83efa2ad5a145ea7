package node

import (
	"time"

	"cierzo/cron"
	"cierzo/triggers"
)

// patterns are those of cron triggers: package cron's, in UTC as in Mistral, or on the clocks of another zone.
type patterns struct{}

// Next implements api.Cron.
func (patterns) Next(pattern, zone string, after time.Time) (time.Time, bool, error) {
	s, err := cron.Parse(pattern)
	if err != nil {
		return time.Time{}, false, err
	}
	location, err := triggers.Zone(zone)
	if err != nil {
		return time.Time{}, false, err
	}
	next, ok := s.In(location).Next(after.UTC())
	return next, ok, nil
}
