package cron

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cierzo/fault"
)

func must(t testing.TB, text, zone string) *Schedule {
	t.Helper()
	s, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return s.In(location)
}

// following gives the next times as texts with their offset from UTC.
func following(s *Schedule, after string, count int) []string {
	at, err := time.Parse(time.RFC3339, after)
	if err != nil {
		panic(err)
	}
	var times []string
	for range count {
		next, ok := s.Next(at)
		if !ok {
			break
		}
		times, at = append(times, next.Format(time.RFC3339)), next
	}
	return times
}

func TestNext(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, zone, after string
		want                 []string
	}{
		{"* * * * *", "UTC", "2026-11-25T12:00:00Z", []string{"2026-11-25T12:01:00Z", "2026-11-25T12:02:00Z"}},
		{"* * * * *", "UTC", "2026-11-25T11:59:59.5Z", []string{"2026-11-25T12:00:00Z"}},
		{"0 0 ? * 1 30", "UTC", "2026-11-25T12:00:00Z", []string{"2026-11-30T00:00:30Z"}},
		{"0 0 ? * ?", "UTC", "2026-11-25T12:00:00Z", []string{"2026-11-26T00:00:00Z"}},
		{"0 22-2/2 * * *", "UTC", "2026-11-25T12:00:00Z", []string{"2026-11-25T22:00:00Z", "2026-11-26T00:00:00Z", "2026-11-26T02:00:00Z"}},
		{"0 0 1 nov-feb/2 *", "UTC", "2026-12-01T12:00:00Z", []string{"2027-01-01T00:00:00Z", "2027-11-01T00:00:00Z"}},
		{"0 0 * * fri-mon", "UTC", "2026-11-25T12:00:00Z", []string{
			"2026-11-27T00:00:00Z", "2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z", "2026-11-30T00:00:00Z", "2026-12-04T00:00:00Z",
		}},
		{"0 0 * * 7 0", "UTC", "2026-11-25T12:00:00Z", []string{"2026-11-29T00:00:00Z"}},
		{"0 0 * * mon-tue#1", "UTC", "2026-11-25T12:00:00Z", []string{"2026-12-01T00:00:00Z", "2026-12-07T00:00:00Z"}},
		{"0 0 1-31 * mon", "UTC", "2026-11-25T12:00:00Z", []string{"2026-11-26T00:00:00Z"}},
		{"0 0 */10 * *", "UTC", "2027-02-22T00:00:00Z", []string{"2027-03-01T00:00:00Z"}},
		{"0 0 29 2 *", "UTC", "2096-11-25T12:00:00Z", []string{"2104-02-29T00:00:00Z"}},
		{"0 0 * 2 mon#5", "UTC", "2072-03-01T00:00:00Z", []string{"2112-02-29T00:00:00Z"}},
		{"0 0 * 2 mon#5", "Europe/Berlin", "2072-03-01T00:00:00Z", []string{"2112-02-29T00:00:00+01:00"}},
		// A fixed time once a day: skipped, it comes later, doubled, the first time.
		{"30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", []string{"2026-03-29T03:30:00+02:00", "2026-03-30T02:30:00+02:00"}},
		{"30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", []string{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"}},
		{"0 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", []string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"}},
		{"0 */2 * * *", "Europe/Berlin", "2026-10-24T22:30:00Z", []string{"2026-10-25T02:00:00+02:00", "2026-10-25T04:00:00+01:00"}},
		// An interval by time elapsed.
		{"*/30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", []string{
			"2026-10-25T02:30:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T02:30:00+01:00", "2026-10-25T03:00:00+01:00",
		}},
		{"*/30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", []string{"2026-03-29T01:30:00+01:00", "2026-03-29T03:00:00+02:00"}},
		{"0 0 30 12 *", "Pacific/Apia", "2011-12-29T00:00:00Z", []string{"2011-12-31T00:00:00+14:00", "2012-12-30T00:00:00+14:00"}},
	} {
		if diff := cmp.Diff(c.want, following(must(t, c.pattern, c.zone), c.after, len(c.want))); diff != "" {
			t.Errorf("%q in %s after %s (-want +got):\n%s", c.pattern, c.zone, c.after, diff)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	const never = "it never comes: the months of the pattern have "
	for pattern, want := range map[string]string{
		"60 * * * *":        "minute (field 1, column 1): 60 is not in 0-59; the next one's start is 0",
		"0  24 * * *":       "hour (field 2, column 4): 24 is not in 0-23; midnight is 0",
		"0 0 1,0 * *":       "day of month (field 3, column 7): 0 is not in 1-31, L; it counts from 1",
		"0 0 * 13 *":        "month (field 4, column 7): 13 is not in 1-12, jan-dec",
		"0 0 * * 1-8":       "day of week (field 5, column 11): 8 is not in 0-7, sun-sat; Sunday is 0 or 7",
		"0 0 * * * 60":      "second (field 6, column 11): 60 is not in 0-59; the next one's start is 0",
		"0 0 * * Monday":    `day of week (field 5, column 9): "monday" is not in 0-7, sun-sat; did you mean mon?`,
		"0 0 * * tues":      `day of week (field 5, column 9): "tues" is not in 0-7, sun-sat; did you mean tue?`,
		"0 0 * jum *":       `month (field 4, column 7): "jum" is not in 1-12, jan-dec; did you mean jun?`,
		"0 0 fri * *":       `day of month (field 3, column 5): "fri" is not in 1-31, L; the day of week is field 5`,
		"0 0 15W * *":       `day of month (field 3, column 5): "15w" is not in 1-31, L; W, the nearest weekday, isn't in croniter's grammar`,
		"0 0 * * 5L":        `day of week (field 5, column 9): "5l" is not in 0-7, sun-sat; the last Friday of the month is L5`,
		"0 0 * * 5#6":       `day of week (field 5, column 11): "6" is not in 1-5, the how-manieth of the month`,
		"0 0 * * mon,tue#1": "day of week (field 5, column 9): weekdays with # or L stand beside others without; write each as fri#2 or L5, or make two triggers",
		"*/0 * * * *":       `minute (field 1, column 3): step "0" is not a whole number from 1 on`,
		"1,,2 * * * *":      "minute (field 1, column 3): there is nothing between the commas",
		"5- * * * *":        `minute (field 1, column 3): "" is not in 0-59; a value is missing`,
		"H * * * *":         "minute (field 1, column 1): H and R, values by a hash or by chance, aren't supported; write a value of 0-59",
		"0 0 12 * * ?":      "second (field 6, column 12): ? is for the days only; the seconds come last: minute hour day-of-month month day-of-week second",
		"* * * *":           "it has 4 fields, not 5 or 6: minute hour day-of-month month day-of-week [second]",
		"0 0 * * * 0 2027":  "it has 7 fields, not 5 or 6: minute hour day-of-month month day-of-week [second]; there is no field for years",
		"TZ=UTC 0 0 * * *":  `minute (field 1, column 1): "tz=utc" is not in 0-59`,
		"@every 5m":         "unknown name; there are @annually, @daily, @hourly, @midnight, @monthly, @weekly, @yearly; every five minutes is */5 * * * *",
		"@dayly":            "unknown name; there are @annually, @daily, @hourly, @midnight, @monthly, @weekly, @yearly; did you mean @daily?",
		"0 0 30 2 *":        "day of month (field 3, column 5): " + never + "29 days at most",
		"0 0 31 4,jun 1":    "day of month (field 3, column 5): " + never + "30 days at most; write * here if only the day of week is meant",
		"0 0 13 * fri#1":    "day of month (field 3, column 5): the days that the day of week allows never have this number; write *: beside # or L in the day of week this field doesn't count",
		"\xff * * * *":      "it isn't valid UTF-8",
	} {
		_, err := Parse(pattern)
		var e *Error
		if !errors.As(err, &e) || !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", pattern, err)
			continue
		}
		if _, got, _ := strings.Cut(err.Error(), `": `); got != want {
			t.Errorf("%q:\n got %s\nwant %s", pattern, got, want)
		}
	}
	if _, err := Parse(strings.Repeat("1,", PatternMax)); err == nil || len(err.Error()) > 300 {
		t.Errorf("a long pattern: %v", err)
	}
}

// TestAYear counts what a year has.
func TestAYear(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]int{
		"30 2 * * *": 365, "0 0 * * *": 365, "0 * * * *": 8760, "*/15 * * * *": 4 * 8760, "0 9 * * mon-fri": 261, "0 0 L * *": 12,
		"0 0 1 */3 *": 4, "15 3 * * L0": 12, "0 0 * * fri#5": 4, "0 */6 * * * 30": 4 * 365, "0 0 13 * fri": 12 + 52 - 3,
	} {
		for _, zone := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"} {
			s := must(t, pattern, zone)
			at := time.Date(2026, 1, 1, 0, 0, 0, 0, s.location).Add(-time.Second)
			end := time.Date(2027, 1, 1, 0, 0, 0, 0, s.location)
			count := 0
			for {
				next, ok := s.Next(at)
				if !ok || !next.Before(end) {
					break
				}
				if !next.After(at) {
					t.Fatalf("%q in %s: %v after %v", pattern, zone, next, at)
				}
				at, count = next, count+1
			}
			if zone == "Australia/Lord_Howe" && pattern == "0 * * * *" {
				count++ // its clocks go on by half an hour, and never show 02:00 on that day
			}
			if count != want {
				t.Errorf("%q in %s: %d times in 2026, want %d", pattern, zone, count, want)
			}
		}
	}
}

func TestInLeavesTheOriginal(t *testing.T) {
	t.Parallel()
	s := must(t, "0 12 * * *", "UTC")
	berlin := s.In(time.FixedZone("", 3600))
	if got := following(s, "2026-11-25T00:00:00Z", 1)[0]; got != "2026-11-25T12:00:00Z" {
		t.Errorf("the original goes by %s", got)
	}
	if got := following(berlin, "2026-11-25T00:00:00Z", 1)[0]; got != "2026-11-25T12:00:00+01:00" {
		t.Errorf("the copy goes by %s", got)
	}
	if got := following(berlin.In(nil), "2026-11-25T00:00:00Z", 1)[0]; got != "2026-11-25T12:00:00Z" || s.String() != "0 12 * * *" {
		t.Errorf("nil goes by %s", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"* * * * *", "0 0 L * mon#2", "*/5 22-4/2 1,15,L jan-mar sun-7 30", "@daily", "TZ=UTC * * * * *", "0 0 30 2 *", "? ? ? ? ?", "0 0 ? * L5",
	} {
		f.Add(text, int64(1_800_000_000))
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string, at int64) {
		s, err := Parse(text)
		if err != nil {
			var e *Error
			if s != nil || !errors.As(err, &e) || !fault.Is(err, fault.Invalid) || e.Reason == "" {
				t.Fatalf("%q: %v, %v", text, s, err)
			}
			return
		}
		after := time.Unix(at, 0)
		sane := at > -1<<36 && at < 1<<36
		for _, s := range []*Schedule{s, s.In(berlin)} {
			next, ok := s.Next(after)
			if sane && !ok {
				t.Fatalf("%q never comes after %v", text, after)
			}
			if ok && (!next.After(after) || next.After(after.AddDate(YearsMax, 0, 3))) {
				t.Fatalf("%q: %v comes after %v", text, next, after)
			}
		}
	})
}

func BenchmarkNext(b *testing.B) {
	for _, pattern := range []string{"*/5 * * * *", "30 2 * * mon-fri", "0 0 29 2 *", "0 0 * 2 mon#5"} {
		for _, zone := range []string{"UTC", "Europe/Berlin"} {
			s := must(b, pattern, zone)
			b.Run(strings.ReplaceAll(pattern, " ", "_")+"/"+strings.ReplaceAll(zone, "/", "_"), func(b *testing.B) {
				r := rand.New(rand.NewPCG(1, 2))
				b.ReportAllocs()
				for b.Loop() {
					s.Next(time.Unix(1_800_000_000+r.Int64N(1<<28), 0))
				}
			})
		}
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("*/5 9-17 * * mon-fri"); err != nil {
			b.Fatal(err)
		}
	}
}
