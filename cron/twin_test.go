package cron

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the zones' changes must not depend on the machine
)

// twin is the plain meaning of a pattern: the allowed values of each field as lists, and a look at every second or minute.
type twin struct {
	text                                   string
	second, minute, hour, day, month, week []int
	lastDay, anyDay, anyWeek               bool
	nth                                    [][2]int // weekday and which of the month, 0 for the last
}

func (p *twin) date(wall time.Time) bool {
	monthEnd := time.Date(wall.Year(), wall.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	day := slices.Contains(p.day, wall.Day()) || p.lastDay && wall.Day() == monthEnd
	week := slices.Contains(p.week, int(wall.Weekday()))
	for _, n := range p.nth {
		if int(wall.Weekday()) == n[0] {
			week = week || n[1] == 0 && wall.AddDate(0, 0, 7).Month() != wall.Month() || n[1] > 0 && (wall.Day()-1)/7+1 == n[1]
		}
	}
	switch {
	case p.nth != nil || p.anyDay:
		return week
	case p.anyWeek:
		return day
	}
	return day || week
}

func (p *twin) matches(wall time.Time) bool {
	return slices.Contains(p.second, wall.Second()) && slices.Contains(p.minute, wall.Minute()) &&
		slices.Contains(p.hour, wall.Hour()) && slices.Contains(p.month, int(wall.Month())) && p.date(wall)
}

// times scans from start to end in steps and gives the instants at which the pattern comes.
func (p *twin) times(location *time.Location, start, end time.Time, step time.Duration) []time.Time {
	seen := map[time.Time]bool{}
	come := map[time.Time]bool{}
	interval := len(p.hour) == 24
	var before time.Time
	for at := start; at.Before(end); at = at.Add(step) {
		_, offset := at.In(location).Zone()
		wall := at.UTC().Add(time.Duration(offset) * time.Second)
		if !before.IsZero() && !interval {
			for n, skipped := time.Duration(0), before.Add(step); skipped.Before(wall); n, skipped = n+step, skipped.Add(step) {
				if p.matches(skipped) && !seen[skipped] {
					come[at.Add(n)] = true
				}
			}
		}
		if p.matches(wall) && (interval || !seen[wall]) {
			come[at] = true
		}
		seen[wall], before = true, wall
	}
	var times []time.Time
	for at := start; at.Before(end); at = at.Add(step) {
		if come[at] {
			times = append(times, at)
		}
	}
	return times
}

// randomTwin makes a pattern and its meaning together.
func randomTwin(r *rand.Rand, seconds bool) *twin {
	p := &twin{second: []int{0}}
	var texts []string
	add := func(f field, starChance float64) ([]int, bool) {
		text, values, star := randomField(r, f, starChance)
		texts = append(texts, text)
		return values, star
	}
	p.minute, _ = add(fields[minuteField], 0.2)
	p.hour, _ = add(fields[hourField], 0.4)
	p.day, p.anyDay = add(fields[dayField], 0.5)
	if !p.anyDay && r.IntN(6) == 0 {
		texts[dayField] += ",L"
		p.lastDay = true
	}
	p.month, _ = add(fields[monthField], 0.8)
	if p.anyDay && r.IntN(4) == 0 {
		day, n := r.IntN(7), r.IntN(5)
		p.nth = [][2]int{{day, n}}
		text := fmt.Sprintf("%s#%d", fields[weekdayField].names[day], n)
		if n == 0 {
			text = fmt.Sprintf("L%d", day)
		}
		texts = append(texts, text)
	} else {
		p.week, p.anyWeek = add(fields[weekdayField], 0.5)
	}
	if seconds {
		p.second, _ = add(fields[secondField], 0.1)
	}
	if len(p.day) == 31 && strings.Contains(texts[weekdayField], "*") {
		p.anyDay = true
	}
	if len(p.week) == 7 && strings.Contains(texts[dayField], "*") {
		p.anyWeek = true
	}
	p.text = strings.Join(texts, " ")
	return p
}

func randomField(r *rand.Rand, f field, starChance float64) (text string, values []int, star bool) {
	if r.Float64() < starChance {
		for v := f.min; v <= f.max; v++ {
			values = append(values, v)
		}
		return "*", values, true
	}
	in := map[int]bool{}
	var items []string
	for range 1 + r.IntN(2) {
		low, high, step := f.min+r.IntN(f.max-f.min+1), f.min+r.IntN(f.max-f.min+1), 1+r.IntN(6)
		switch r.IntN(4) {
		case 0:
			items, step = append(items, f.word(r, low)), 1
			high = low
		case 1:
			items = append(items, fmt.Sprintf("*/%d", step))
			low, high = f.min, f.max
		case 2:
			items = append(items, fmt.Sprintf("%d-%d/%d", low, high, step))
		default:
			items, step = append(items, f.word(r, low)+"-"+f.word(r, high)), 1
		}
		for v, left := low, 0; ; v++ {
			if v > f.max {
				v = f.min
			}
			if left == 0 {
				in[v], left = true, step
			}
			left--
			if v == high {
				break
			}
		}
	}
	for v := f.min; v <= f.max; v++ {
		if in[v] {
			values = append(values, v)
		}
	}
	return strings.Join(items, ","), values, false
}

// word writes a value as a number or as a name.
func (f field) word(r *rand.Rand, v int) string {
	if f.names != nil && r.IntN(2) == 0 {
		return strings.ToUpper(f.names[v-f.min])
	}
	return fmt.Sprint(v)
}

// changes are moments around which clocks do something; an ordinary one is among them.
var changes = []struct{ zone, at string }{
	{"UTC", "2027-12-31T00:00:00Z"},
	{"Europe/Berlin", "2026-03-29T01:00:00Z"},
	{"Europe/Berlin", "2026-10-25T01:00:00Z"},
	{"America/New_York", "2026-03-08T07:00:00Z"},
	{"America/New_York", "2026-11-01T06:00:00Z"},
	{"Australia/Lord_Howe", "2026-10-03T15:30:00Z"}, // half an hour
	{"Australia/Lord_Howe", "2026-04-04T15:00:00Z"},
	{"America/Havana", "2026-03-08T05:00:00Z"}, // at midnight
	{"America/Havana", "2026-11-01T05:00:00Z"},
	{"America/Sao_Paulo", "2018-11-04T03:00:00Z"}, // midnight is skipped
	{"America/Sao_Paulo", "2019-02-17T02:00:00Z"}, // the day before is doubled
	{"Pacific/Apia", "2011-12-30T10:00:00Z"},      // a whole day is skipped
	{"Africa/Casablanca", "2026-02-15T02:00:00Z"},
	{"Asia/Kathmandu", "2026-06-01T00:00:00Z"},
	{"Europe/Berlin", "2048-12-31T12:00:00Z"}, // the last day of a leap year behind the table of changes
	{"Australia/Sydney", "2048-12-31T12:00:00Z"},
}

func TestNextAgainstAScan(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for round := range 10 * len(changes) {
		change := changes[round%len(changes)]
		location, err := time.LoadLocation(change.zone)
		if err != nil {
			t.Fatal(err)
		}
		middle, _ := time.Parse(time.RFC3339, change.at)
		seconds := r.IntN(3) == 0 && change.zone != "Pacific/Apia" // too long for a scan by seconds
		width, lead, step := 40*time.Hour, 26*time.Hour, time.Minute
		if seconds {
			width, lead, step = 3*time.Hour, 3*time.Hour, time.Second
		}
		p := randomTwin(r, seconds)
		s, err := Parse(p.text)
		if err != nil {
			if strings.Contains(err.Error(), "never") {
				continue
			}
			t.Fatalf("seed %d: %v", seed, err)
		}
		s = s.In(location)
		start, end := middle.Add(-width), middle.Add(width)
		// The scan must begin before the first time looked at: what was doubled or skipped then has to be known.
		scan := p.times(location, start.Add(-lead), end, step)
		at := start.Add(-time.Duration(r.IntN(int(time.Second))))
		for _, want := range scan {
			if !want.After(at) {
				continue
			}
			got, ok := s.Next(at)
			if !ok || !got.Equal(want) {
				t.Fatalf("seed %d: %q in %s after %v: %v (%v), the scan has %v", seed, p.text, change.zone, at.In(location), got, ok, want.In(location))
			}
			at = got
		}
		if got, ok := s.Next(at); ok && got.Before(end) {
			t.Fatalf("seed %d: %q in %s after %v: %v, the scan has nothing until %v", seed, p.text, change.zone, at.In(location), got, end)
		}
	}
}
