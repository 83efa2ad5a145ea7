package cron

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The fields in their order in a pattern.
const (
	minuteField = iota
	hourField
	dayField
	monthField
	weekdayField
	secondField
)

// field is what a place in the pattern takes. max is what a step without an end goes to; weekdays have 7 besides.
type field struct {
	name     string
	min, max int
	names    []string // of the values from min on
	cycle    string   // the allowed values in words
}

var fields = [...]field{
	minuteField: {name: "minute", min: 0, max: 59, cycle: "0-59"},
	hourField:   {name: "hour", min: 0, max: 23, cycle: "0-23"},
	dayField:    {name: "day of month", min: 1, max: 31, cycle: "1-31, L"},
	monthField: {
		name: "month", min: 1, max: 12, cycle: "1-12, jan-dec",
		names: []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"},
	},
	weekdayField: {
		name: "day of week", min: 0, max: 6, cycle: "0-7, sun-sat",
		names: []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"},
	},
	secondField: {name: "second", min: 0, max: 59, cycle: "0-59"},
}

var nicknames = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
	"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}

// word is a piece of the pattern with the column of its first character.
type word struct {
	text   string
	column int
}

// cut splits at the first sep, like strings.Cut.
func (w word) cut(sep string) (before, after word, found bool) {
	head, tail, found := strings.Cut(w.text, sep)
	return word{head, w.column}, word{tail, w.column + utf8.RuneCountInString(head) + len(sep)}, found
}

// parser reads one field after the other into s.
type parser struct {
	s     *Schedule
	words []word

	number int // of the field that is being read, from 0
	bits   uint64
	star   bool // the field has a * or ? of its own
	plain  bool // the weekdays have an item without # and L
}

func parse(text string) (*Schedule, error) {
	s := &Schedule{text: text, location: time.UTC, second: 1}
	if len(text) > PatternMax {
		return nil, &Error{Pattern: text, Reason: fmt.Sprintf("%d bytes are more than the allowed %d", len(text), PatternMax)}
	}
	if !utf8.ValidString(text) {
		return nil, &Error{Pattern: text, Reason: "it isn't valid UTF-8"}
	}
	expanded := text
	if name := strings.ToLower(strings.TrimSpace(text)); strings.HasPrefix(name, "@") {
		long, known := nicknames[name]
		if !known {
			return nil, nicknameError(text, name)
		}
		expanded = long
	}
	p := &parser{s: s, words: split(expanded)}
	if len(p.words) < 5 || len(p.words) > 6 {
		return nil, countError(text, p.words)
	}
	for p.number = range p.words {
		if err := p.field(); err != nil {
			return nil, err
		}
	}
	p.decideDays()
	return s, nil
}

// split gives the words in small letters.
func split(text string) []word {
	var words []word
	start, startColumn, column := -1, 0, 0
	for i, c := range text {
		column++
		switch {
		case unicode.IsSpace(c) && start >= 0:
			words = append(words, word{strings.ToLower(text[start:i]), startColumn})
			start = -1
		case !unicode.IsSpace(c) && start < 0:
			start, startColumn = i, column
		}
	}
	if start >= 0 {
		words = append(words, word{strings.ToLower(text[start:]), startColumn})
	}
	return words
}

// field reads a field and stores its bits.
func (p *parser) field() error {
	p.bits, p.star = 0, false
	w := p.words[p.number]
	if err := p.checkQuestionMark(w); err != nil {
		return err
	}
	for rest, more := w, true; more; {
		var item word
		item, rest, more = rest.cut(",")
		if err := p.item(item); err != nil {
			return err
		}
	}
	if p.star {
		p.bits = allBits(fields[p.number].min, fields[p.number].max)
	}
	switch s := p.s; p.number {
	case minuteField:
		s.minute = p.bits
	case hourField:
		s.hour = p.bits
	case dayField:
		s.day, s.anyDay = p.bits, p.star
	case monthField:
		s.month = p.bits
	case weekdayField:
		s.weekday, s.anyWeekday = p.bits, p.star
		if s.hasNth && (p.plain || p.star) {
			return p.error(w, "weekdays with # or L stand beside others without",
				"write each as fri#2 or L5, or make two triggers")
		}
	case secondField:
		s.second = p.bits
	}
	return nil
}

func (p *parser) checkQuestionMark(w word) error {
	switch {
	case !strings.Contains(w.text, "?"):
		return nil
	case p.number == secondField:
		return p.error(w, "? is for the days only", "the seconds come last: minute hour day-of-month month day-of-week second")
	case p.number != dayField && p.number != weekdayField:
		return p.error(w, "? is for the days only", "write *")
	case w.text != "?":
		return p.error(w, "? stands alone or not at all", "")
	}
	return nil
}

// item reads what is between two commas.
func (p *parser) item(w word) error {
	if w.text == "*" || w.text == "?" {
		p.star = true
		return nil
	}
	if w.text == "" {
		return p.error(w, "there is nothing between the commas", "")
	}
	if hashed(w.text) {
		return p.error(w, "H and R, values by a hash or by chance, aren't supported", "write a value of "+fields[p.number].cycle)
	}
	if p.number == weekdayField {
		if done, err := p.nthItem(w); done || err != nil {
			return err
		}
		p.plain = true
	}
	if p.number == dayField && w.text == "l" {
		p.s.lastDay = true
		return nil
	}
	bits, err := p.span(w)
	p.bits |= bits
	return err
}

// hashed recognises croniter's H, H/15, R(0-9) and R(0-9)/2.
func hashed(text string) bool {
	rest := strings.TrimLeft(text, "hr")
	return len(rest) == len(text)-1 && (rest == "" || rest[0] == '(' || rest[0] == '/')
}

// nthItem reads fri#2, mon-wed#1 and L5; done is false if w is none of them.
func (p *parser) nthItem(w word) (done bool, err error) {
	days, number, sharp := w.cut("#")
	var bits uint64
	bit := 0
	switch {
	case sharp:
		n, isNumber := digits(number.text)
		if !isNumber || n < 1 || n > 5 {
			return true, p.error(number, fmt.Sprintf("%q is not in 1-5, the how-manieth of the month", number.text), lastHint(number.text))
		}
		if bits, err = p.span(days); err != nil {
			return true, err
		}
		bit = n
	case strings.HasPrefix(w.text, "l") && w.text != "l":
		day := word{w.text[1:], w.column + 1}
		n, isNumber := digits(day.text)
		if !isNumber || n > 7 {
			return true, p.error(day, fmt.Sprintf("%q is not in 0-7", day.text), "the last Friday of the month is L5")
		}
		bits = 1 << (n % 7)
	default:
		return false, nil
	}
	p.s.hasNth = true
	for day := range p.s.nth {
		if bits&(1<<day) != 0 {
			p.s.nth[day] |= 1 << bit
		}
	}
	return true, nil
}

func lastHint(number string) string {
	if number == "l" {
		return "the last Friday of the month is L5"
	}
	return ""
}

// span reads a, a-b, each with or without /n, and */n.
func (p *parser) span(w word) (uint64, error) {
	f := fields[p.number]
	body, stepText, stepped := w.cut("/")
	step := 1
	if stepped {
		n, isNumber := digits(stepText.text)
		if !isNumber || n == 0 {
			return 0, p.error(stepText, fmt.Sprintf("step %q is not a whole number from 1 on", stepText.text), "")
		}
		step = n
	}
	if body.text == "*" {
		return steps(f, f.min, f.max, step), nil
	}
	lowText, highText, ranged := body.cut("-")
	low, err := p.value(lowText)
	if err != nil {
		return 0, err
	}
	if !ranged {
		if p.number == weekdayField {
			low %= 7
		}
		if !stepped {
			return 1 << low, nil
		}
		return steps(f, low, f.max, step), nil
	}
	high := 31
	if p.number != dayField || highText.text != "l" {
		if high, err = p.value(highText); err != nil {
			return 0, err
		}
	}
	return steps(f, low, high, step), nil
}

// steps are the bits from low to high, over the field's end if high is below low. Sunday as 7 ends a range of weekdays,
// and starts one as 0.
func steps(f field, low, high, step int) uint64 {
	length := f.max - f.min + 1
	if low > f.max && high != low {
		low -= length
	}
	if high < low {
		high += length
	}
	var bits uint64
	for v := low; v <= high; v += step {
		bits |= 1 << (f.min + (v-f.min)%length)
	}
	return bits
}

// value reads a number or a name.
func (p *parser) value(w word) (int, error) {
	f := fields[p.number]
	for i, name := range f.names {
		if w.text == name {
			return f.min + i, nil
		}
	}
	n, isNumber := digits(w.text)
	if !isNumber {
		return 0, p.error(w, fmt.Sprintf("%q is not in %s", w.text, f.cycle), p.wordHint(w.text))
	}
	if p.number == dayField && n == 0 && len(p.words) == 6 {
		return 1, nil // croniter does so in patterns with seconds, for the sake of other systems' order of fields
	}
	highest := f.max
	if p.number == weekdayField {
		highest = 7
	}
	if n < f.min || n > highest {
		return 0, p.error(w, fmt.Sprintf("%s is not in %s", clip(w.text), f.cycle), p.rangeHint(n))
	}
	return n, nil
}

// decideDays finds out which of the fields for days decides. A list of all days restricts nothing, but croniter lets it
// leave the decision to the other field only if that has a * in it, as in */2.
func (p *parser) decideDays() {
	s := p.s
	hasStar := func(number int) bool { return strings.Contains(p.words[number].text, "*") }
	if s.day == allBits(1, 31) && hasStar(weekdayField) {
		s.anyDay = true
	}
	if s.weekday == allBits(0, 6) && hasStar(dayField) {
		s.anyWeekday = true
	}
}

// digits reads a whole number of ASCII digits. What is too large for any field stays so.
func digits(text string) (int, bool) {
	if text == "" {
		return 0, false
	}
	n := 0
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = min(n*10+int(c-'0'), 1_000_000)
	}
	return n, true
}

// allBits has the bits from low to high.
func allBits(low, high int) uint64 { return (1<<(high+1) - 1) &^ (1<<low - 1) }

func (p *parser) error(w word, reason, hint string) error {
	return &Error{
		Pattern: p.s.text, Field: fields[p.number].name, Number: p.number + 1, Column: w.column, Reason: reason, Hint: hint,
	}
}
