package yaql

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"cierzo/expr/value"
)

// dateParser reads a time in any usual form as python-dateutil's parser does: month first where it could be either, and
// what is missing comes from today.
type dateParser struct {
	tokens []string
	now    time.Time
	date   dayParts

	hour, minute, second, micro *int
	weekday                     *int
	offset                      *int
	zone                        string
}

var errDate = errors.New("this is no date")

// parseDate reads a text. Errors have the class ParserError and dateutil's texts.
func parseDate(text string, now time.Time) (value.Value, error) {
	p := &dateParser{tokens: dateTokens(text), now: now}
	year, month, day, err := p.parse()
	if err != nil {
		return nil, fail(classDate, "Unknown string format: %s", text)
	}
	if p.empty(year, month, day) {
		return nil, fail(classDate, "String does not contain a date: %s", text)
	}
	if year != nil && *year > math.MaxInt32 {
		return nil, fail(classOverflow, "Python int too large to convert to C int")
	}
	d, err := p.build(year, month, day)
	if err != nil {
		return nil, fail(classDate, "%s: %s", err.Error(), text)
	}
	return d, nil
}

func (p *dateParser) empty(parts ...*int) bool {
	for _, part := range append(parts, p.hour, p.minute, p.second, p.micro, p.weekday, p.offset) {
		if part != nil {
			return false
		}
	}
	return p.zone == ""
}

// dateTokens cuts a text into words, numbers and single characters; blanks count as one.
func dateTokens(text string) []string {
	var tokens []string
	runes := []rune(text)
	for i := 0; i < len(runes); {
		if r := runes[i]; r == 0 {
			i++
			continue
		} else if unicode.IsSpace(r) {
			tokens = append(tokens, " ")
			i++
			continue
		} else if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			tokens = append(tokens, string(r))
			i++
			continue
		}
		size, dotted, letters := dateToken(runes[i:])
		token := string(runes[i : i+size])
		i += size
		last := token[len(token)-1]
		if dotted && (letters || strings.Count(token, ".") > 1 || last == '.' || last == ',') {
			tokens = append(tokens, splitDots(token)...)
			continue
		}
		if dotted && !letters && !strings.Contains(token, ".") {
			token = strings.ReplaceAll(token, ",", ".")
		}
		tokens = append(tokens, token)
	}
	return tokens
}

// dateToken measures a word or number, with dots in it.
func dateToken(runes []rune) (size int, dotted, letters bool) {
	alpha := unicode.IsLetter(runes[0])
	letters = alpha
	for size = 1; size < len(runes); size++ {
		r, last := runes[size], runes[size-1]
		switch {
		case alpha && unicode.IsLetter(r), !alpha && unicode.IsDigit(r):
		case r == '.', r == ',' && !alpha && !dotted && size >= 2:
			dotted = true
		case dotted && last == '.' && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			alpha = unicode.IsLetter(r)
			letters = letters || alpha
		default:
			return size, dotted, letters
		}
	}
	return size, dotted, letters
}

func splitDots(token string) []string {
	var out []string
	for token != "" {
		i := strings.IndexAny(token, ".,")
		if i < 0 {
			return append(out, token)
		}
		if i > 0 {
			out = append(out, token[:i])
		}
		out, token = append(out, token[i:i+1]), token[i+1:]
	}
	return out
}

// at is a token; behind the end it is an error.
func (p *dateParser) at(i int) (string, error) {
	if i < 0 || i >= len(p.tokens) {
		return "", errDate
	}
	return p.tokens[i], nil
}

// tok is a token, empty behind the end.
func (p *dateParser) tok(i int) string {
	t, _ := p.at(i)
	return t
}

func isJump(t string) bool {
	return slices.Contains([]string{
		" ", ".", ",", ";", "-", "/", "'", "at", "on", "and", "ad", "m", "t", "of", "st", "nd", "rd", "th",
	}, strings.ToLower(t))
}

// wordIndex finds a word or its abbreviation.
func wordIndex(t string, n int, name func(int) string) int {
	for i := range n {
		full := strings.ToLower(name(i))
		if t := strings.ToLower(t); t == full || t == full[:3] || t == "sept" && full == "september" {
			return i
		}
	}
	return -1
}

func monthIndex(t string) int {
	return wordIndex(t, 12, func(i int) string { return time.Month(i + 1).String() }) + 1
}

func weekdayIndex(t string) int {
	return wordIndex(t, 7, func(i int) string { return time.Weekday(i).String() })
}

// unitIndex is 0 for hours, 1 for minutes, 2 for seconds, -1 for other words.
func unitIndex(t string) int {
	for i, words := range [][]string{{"h", "hour", "hours"}, {"m", "minute", "minutes"}, {"s", "second", "seconds"}} {
		if slices.Contains(words, strings.ToLower(t)) {
			return i
		}
	}
	return -1
}

// halfIndex is 0 for am, 1 for pm, -1 for other words.
func halfIndex(t string) int {
	switch strings.ToLower(t) {
	case "am", "a":
		return 0
	case "pm", "p":
		return 1
	}
	return -1
}

func isUTC(t string) bool { return t == "UTC" || t == "GMT" || t == "Z" || t == "z" }

func (p *dateParser) parse() (year, month, day *int, err error) {
	ampm := false
	for i := 0; i < len(p.tokens); i++ {
		t := p.tokens[i]
		switch {
		case isNumeric(t):
			i, err = p.number(i)
		case weekdayIndex(t) >= 0:
			n := (weekdayIndex(t) + 6) % 7
			p.weekday = &n
		case monthIndex(t) > 0:
			i, err = p.month(i)
		case halfIndex(t) >= 0:
			if p.hour == nil || *p.hour > 12 || ampm {
				return nil, nil, nil, errDate
			}
			ampm = true
			p.setHour(*p.hour, halfIndex(t))
		case p.couldBeZone(t):
			p.zoneName(i)
		case p.hour != nil && (t == "+" || t == "-"):
			i, err = p.zoneOffset(i)
		case !isJump(t):
			err = errDate
		}
		if err != nil {
			return nil, nil, nil, err
		}
	}
	return p.date.resolve()
}

func isNumeric(t string) bool {
	_, err := strconv.ParseFloat(t, 64)
	return (err == nil || errors.Is(err, strconv.ErrRange)) && t[0] >= '0' && t[0] <= '9' && strings.Trim(t, "0123456789.") == ""
}

func set(to **int, n int) { *to = &n }

func (p *dateParser) setHour(hour, half int) {
	switch {
	case half == 1 && hour < 12:
		hour += 12
	case half == 0 && hour == 12:
		hour = 0
	}
	set(&p.hour, hour)
}

// month reads "Jan", "Jan-01-99" and "Jan of 01".
func (p *dateParser) month(i int) (int, error) {
	if err := p.date.add(float64(monthIndex(p.tokens[i])), "", 'M'); err != nil {
		return i, err
	}
	switch sep := p.tok(i + 1); {
	case sep == "-" || sep == "/":
		t, err := p.at(i + 2)
		if err == nil {
			err = p.date.addText(t, 0)
		}
		if err != nil {
			return i, err
		}
		if p.tok(i+3) == sep {
			if t, err = p.at(i + 4); err == nil {
				err = p.date.addText(t, 0)
			}
			return i + 4, err
		}
		return i + 2, nil
	case sep == " " && i+4 < len(p.tokens) && p.tok(i+3) == " " && strings.EqualFold(p.tok(i+2), "of"):
		n, err := strconv.Atoi(p.tokens[i+4])
		if err != nil {
			return i + 4, nil
		}
		return i + 4, p.date.addText(strconv.Itoa(p.century(n, false)), 'Y')
	}
	return i, nil
}

// couldBeZone reports whether a word can be the name of a time zone: after a time, up to five capitals.
func (p *dateParser) couldBeZone(t string) bool {
	return p.hour != nil && p.zone == "" && p.offset == nil && len(t) <= 5 &&
		(strings.Trim(t, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" || isUTC(t))
}

// zoneName reads a name; "GMT+3" is three hours after Greenwich.
func (p *dateParser) zoneName(i int) {
	p.zone = p.tokens[i]
	if isUTC(p.zone) {
		set(&p.offset, 0)
	}
	switch p.tok(i + 1) {
	case "+":
		p.tokens[i+1] = "-"
	case "-":
		p.tokens[i+1] = "+"
	default:
		return
	}
	p.offset = nil
	if isUTC(p.zone) {
		p.zone = ""
	}
}

func (p *dateParser) zoneOffset(i int) (int, error) {
	sign := 1
	if p.tokens[i] == "-" {
		sign = -1
	}
	t, err := p.at(i + 1)
	if err != nil {
		return i, err
	}
	hours, minutes := "", "0"
	switch {
	case len(t) == 4:
		hours, minutes = t[:2], t[2:]
	case p.tok(i+2) == ":":
		hours = t
		if minutes, err = p.at(i + 3); err != nil {
			return i, err
		}
		i += 2
	case len(t) <= 2:
		hours = t
	default:
		return i, errDate
	}
	h, err1 := strconv.Atoi(hours)
	m, err2 := strconv.Atoi(minutes)
	if err1 != nil || err2 != nil {
		return i, errDate
	}
	set(&p.offset, sign*(h*3600+m*60))
	if i+5 < len(p.tokens) && isJump(p.tok(i+2)) && p.tok(i+3) == "(" && p.tok(i+5) == ")" && len(p.tok(i+4)) >= 3 {
		p.zone = p.tok(i + 4)
		i += 4
	}
	return i + 1, nil
}

// century completes a year of two digits to the one within fifty years of now.
func (p *dateParser) century(year int, given bool) int {
	if year >= 100 || given {
		return year
	}
	now := p.now.Year()
	year += now / 100 * 100
	switch {
	case year >= now+50:
		year -= 100
	case year < now-50:
		year += 100
	}
	return year
}

// build makes a time of the parts; what is missing comes from today.
func (p *dateParser) build(year, month, day *int) (value.DateTime, error) {
	now := p.now.UTC()
	pick := func(part *int, fallback int) int {
		if part == nil {
			return fallback
		}
		return *part
	}
	y := now.Year()
	if year != nil {
		y = p.century(*year, p.date.century)
	}
	m := pick(month, int(now.Month()))
	d := pick(day, 0)
	if day == nil {
		if m < 1 || m > 12 {
			return value.DateTime{}, fmt.Errorf("bad month number %d; must be 1-12", m)
		}
		d = min(now.Day(), value.DaysIn(y, m))
	}
	zone := time.UTC
	if p.offset != nil && !isUTC(p.zone) {
		zone = value.Zone(*p.offset)
	}
	out, err := value.NewDateTime(y, m, d, pick(p.hour, 0), pick(p.minute, 0), pick(p.second, 0), pick(p.micro, 0), zone)
	if err != nil {
		return out, err
	}
	if p.weekday != nil && (day == nil || *day == 0) {
		have := (int(out.Weekday()) + 6) % 7
		out.Time = out.AddDate(0, 0, (*p.weekday-have+7)%7)
	}
	return out, nil
}
