package cron

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"
	"time"
)

// differs has the patterns of testdata/croniter.jsonl for which croniter 1.3.5 and we differ on purpose, and why. A list
// of days with 29, 30 or 31 in it makes croniter go on by that many days from the 22nd of February and later, and so jump over the
// first days of March, or over the L of the list.
var differs = map[string]string{
	"* * * * 1-5#1":                         "mon-fri#1 is right, so is this",
	"19 * */10,4 * *":                       "jumps over 1 March",
	"14,6,24 * 1-22,22-30,L */3,2 sun":      "jumps over 27 February",
	"54-56,29-40 15 7,30-31,31 * 1-6,*/3 *": "jumps over 27 February",
	"34 10,11,*/12 30-31,3-20,l * *":        "jumps over 29 February",
}

// TestCroniter compares with what croniter 1.3.5, Mistral 15's, made of the same patterns: testdata/croniter.jsonl. Each
// line has a pattern and a start, and the six times after it or croniter's error.
func TestCroniter(t *testing.T) {
	t.Parallel()
	f, err := os.Open("testdata/croniter.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	count := 0
	for lines.Scan() {
		var v struct {
			Pattern, Error string
			After          time.Time
			Next           []time.Time
		}
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		count++
		s, err := Parse(v.Pattern)
		if differs[v.Pattern] != "" {
			continue
		}
		if (err != nil) != (v.Error != "") {
			t.Errorf("%q: error %v, croniter's %q", v.Pattern, err, v.Error)
		}
		if err != nil {
			continue
		}
		at := v.After
		for i, want := range v.Next {
			got, ok := s.Next(at)
			if !ok || !got.Equal(want) {
				t.Errorf("%q: time %d after %v is %v (%v), croniter's %v", v.Pattern, i+1, v.After, got, ok, want)
				break
			}
			at = got
		}
	}
	if lines.Err() != nil || count < 700 {
		t.Fatalf("%d lines, %v", count, lines.Err())
	}
}
