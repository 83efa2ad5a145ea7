package yaql

import (
	"math"
	"strconv"
	"strings"

	"cierzo/expr/value"
)

// number reads the number at i with what belongs to it, and gives the place of the last token.
func (p *dateParser) number(i int) (int, error) {
	t := p.tokens[i]
	n, err := strconv.ParseFloat(t, 64)
	if err != nil && !math.IsInf(n, 0) {
		return i, errDate
	}
	next := p.tok(i + 1)
	size := len(t)
	switch {
	case len(p.date.parts) == 3 && (size == 2 || size == 4) && p.hour == nil && (i+1 >= len(p.tokens) || next != ":" && unitIndex(next) < 0):
		return i, p.clock(t, "") // 19990101T23[59]
	case size == 6 || size > 6 && strings.Index(t, ".") == 6:
		if len(p.date.parts) > 0 || strings.Contains(t, ".") {
			return i, p.clock(t[:4], t[4:])
		}
		return i, p.date.addTexts(t[:2], t[2:4], t[4:])
	case size == 8 || size == 12 || size == 14:
		return i, p.compact(t)
	case p.unitAt(i) >= 0:
		return p.withUnit(i, t, n)
	case i+2 < len(p.tokens) && next == ":":
		return p.clockAt(i, n)
	case next == "-" || next == "/" || next == ".":
		return p.dateAt(i)
	case i+1 >= len(p.tokens) || isJump(next):
		if half := halfIndex(p.tok(i + 2)); i+2 < len(p.tokens) && half >= 0 {
			p.setHour(int(n), half)
			return i + 2, nil
		}
		return i + 1, p.date.add(n, t, 0)
	case halfIndex(next) >= 0 && n >= 0 && n < 24:
		p.setHour(int(n), halfIndex(next))
		return i + 1, nil
	case p.date.couldBeDay(n):
		return i, p.date.add(n, t, 0)
	}
	return i, errDate
}

// clock reads hhmm, or hh, and seconds.
func (p *dateParser) clock(hhmm, seconds string) error {
	hour, err := strconv.Atoi(hhmm[:2])
	if err != nil {
		return errDate
	}
	set(&p.hour, hour)
	if len(hhmm) == 4 {
		minute, err := strconv.Atoi(hhmm[2:])
		if err != nil {
			return errDate
		}
		set(&p.minute, minute)
	}
	if seconds == "" {
		return nil
	}
	return p.seconds(seconds)
}

// seconds reads ss[.ffffff].
func (p *dateParser) seconds(t string) error {
	whole, fraction, dotted := strings.Cut(t, ".")
	n, err := strconv.Atoi(whole)
	if err != nil {
		return errDate
	}
	micro := 0
	if dotted {
		if micro, err = strconv.Atoi((fraction + "000000")[:6]); err != nil {
			return errDate
		}
	}
	set(&p.second, n)
	set(&p.micro, micro)
	return nil
}

// compact reads YYYYMMDD[hhmm[ss]].
func (p *dateParser) compact(t string) error {
	if strings.Contains(t, ".") {
		return errDate
	}
	if err := p.date.addText(t[:4], 'Y'); err != nil {
		return err
	}
	if err := p.date.addTexts(t[4:6], t[6:8]); err != nil || len(t) == 8 {
		return err
	}
	if len(t) == 12 {
		return p.clock(t[8:12], "")
	}
	second, _ := strconv.Atoi(t[12:])
	set(&p.second, second)
	return p.clock(t[8:12], "")
}

// unitAt finds the word for hours, minutes or seconds that belongs to the number at i; -1: there is none.
func (p *dateParser) unitAt(i int) int {
	last := len(p.tokens) - 1
	switch {
	case i < last && unitIndex(p.tok(i+1)) >= 0:
		return i + 1
	case i+1 < last && p.tok(i+1) == " " && unitIndex(p.tok(i+2)) >= 0:
		return i + 2
	case i > 0 && unitIndex(p.tok(i-1)) >= 0:
		return i - 1
	case i > 1 && i == last && p.tok(i-1) == " " && unitIndex(p.tok(i-2)) >= 0:
		return i - 2
	}
	return -1
}

// withUnit reads "10h", "10 h" or, behind "10h", "36".
func (p *dateParser) withUnit(i int, t string, n float64) (int, error) {
	at := p.unitAt(i)
	unit := unitIndex(p.tok(at))
	if at > i {
		i = at
	} else {
		unit++
	}
	whole, fraction := math.Modf(n)
	switch unit {
	case 0:
		set(&p.hour, int(whole))
		if fraction != 0 {
			set(&p.minute, int(60*fraction))
		}
	case 1:
		p.minutes(whole, fraction)
	case 2:
		return i, p.seconds(t)
	}
	return i, nil
}

func (p *dateParser) minutes(whole, fraction float64) {
	set(&p.minute, int(whole))
	p.second = nil
	if fraction != 0 {
		set(&p.second, int(60*fraction))
	}
}

// clockAt reads hh:mm[:ss[.ffffff]].
func (p *dateParser) clockAt(i int, hour float64) (int, error) {
	minute := p.tok(i + 2)
	if !isNumeric(minute) {
		return i, errDate
	}
	n, _ := strconv.ParseFloat(minute, 64)
	set(&p.hour, int(hour))
	whole, fraction := math.Modf(n)
	p.minutes(whole, fraction)
	if i+4 < len(p.tokens) && p.tok(i+3) == ":" {
		return i + 4, p.seconds(p.tok(i + 4))
	}
	return i + 2, nil
}

// dateAt reads 01-01[-01] and 01-Jan[-01], with any of three separators.
func (p *dateParser) dateAt(i int) (int, error) {
	sep := p.tok(i + 1)
	if err := p.date.addText(p.tok(i), 0); err != nil {
		return i, err
	}
	if i+2 >= len(p.tokens) || isJump(p.tok(i+2)) {
		return i + 1, nil
	}
	second := p.tok(i + 2)
	month := monthIndex(second)
	switch {
	case strings.Trim(second, "0123456789") == "":
		if err := p.date.addText(second, 0); err != nil {
			return i, err
		}
	case month > 0:
		if err := p.date.add(float64(month), "", 'M'); err != nil {
			return i, err
		}
	default:
		return i, errDate
	}
	if p.tok(i+3) != sep {
		return i + 2, nil
	}
	third, err := p.at(i + 4)
	if err != nil {
		return i, err
	}
	if month := monthIndex(third); month > 0 {
		return i + 4, p.date.add(float64(month), "", 'M')
	}
	return i + 4, p.date.addText(third, 0)
}

// dayParts are numbers of which each is a year, a month or a day.
type dayParts struct {
	parts   []int
	at      map[byte]int // places of those that are known: 'Y', 'M'
	century bool         // the year has its century
}

func (d *dayParts) addTexts(texts ...string) error {
	for _, t := range texts {
		if err := d.addText(t, 0); err != nil {
			return err
		}
	}
	return nil
}

func (d *dayParts) addText(t string, label byte) error {
	if strings.Trim(t, "0123456789") != "" || t == "" {
		return errDate
	}
	return d.addNumber(t, label, len(t) > 2)
}

// add adds a number; one above 100 is a year.
func (d *dayParts) add(n float64, t string, label byte) error {
	if t == "" {
		t = strconv.Itoa(int(n))
	}
	whole, _, _ := strings.Cut(t, ".")
	return d.addNumber(whole, label, n > 100)
}

func (d *dayParts) addNumber(t string, label byte, year bool) error {
	n, err := strconv.Atoi(t)
	if err != nil {
		n = math.MaxInt64
	}
	if year {
		d.century = true
		if label != 0 && label != 'Y' {
			return errDate
		}
		label = 'Y'
	}
	d.parts = append(d.parts, n)
	if label == 0 {
		return nil
	}
	if d.at == nil {
		d.at = map[byte]int{}
	}
	if _, there := d.at[label]; there {
		return errDate
	}
	d.at[label] = len(d.parts) - 1
	return nil
}

func (d *dayParts) couldBeDay(n float64) bool {
	most := 31
	if m, ok := d.at['M']; ok {
		year := 2000
		if y, ok := d.at['Y']; ok {
			year = d.parts[y]
		}
		if d.parts[m] < 1 || d.parts[m] > 12 {
			return false
		}
		most = value.DaysIn(year, d.parts[m])
	}
	return n >= 1 && n <= float64(most)
}

// resolve tells which number is what; month first, unless the numbers say otherwise.
func (d *dayParts) resolve() (year, month, day *int, err error) {
	n := len(d.parts)
	m, hasMonth := d.at['M']
	switch {
	case n == 0:
		return nil, nil, nil, nil
	case n == len(d.at) || n == 3 && len(d.at) == 2:
		year, month, day = d.labelled()
		return year, month, day, nil
	case n > 3:
		return nil, nil, nil, errDate
	case n == 1 || hasMonth && n == 2:
		other := &d.parts[0]
		if hasMonth {
			month = &d.parts[m]
			other = &d.parts[(m+n-1)%n]
		}
		switch {
		case n == 1 && hasMonth:
		case *other > 31:
			year = other
		default:
			day = other
		}
		return year, month, day, nil
	case n == 2:
		a, b := &d.parts[0], &d.parts[1]
		switch {
		case *a > 31:
			return a, b, nil, nil
		case *b > 31:
			return b, a, nil, nil
		}
		return nil, a, b, nil
	}
	year, month, day = d.three(m, hasMonth)
	return year, month, day, nil
}

func (d *dayParts) labelled() (year, month, day *int) {
	if y, ok := d.at['Y']; ok {
		year = &d.parts[y]
	}
	if m, ok := d.at['M']; ok {
		month = &d.parts[m]
	}
	if len(d.parts) == 3 {
		day = &d.parts[3-d.at['Y']-d.at['M']]
	}
	return year, month, day
}

func (d *dayParts) three(m int, hasMonth bool) (year, month, day *int) {
	a, b, c := &d.parts[0], &d.parts[1], &d.parts[2]
	y, hasYear := d.at['Y']
	switch {
	case hasMonth && m == 0 && *b > 31:
		return b, a, c
	case hasMonth && m == 0:
		return c, a, b
	case hasMonth && m == 1 && *a > 31:
		return a, b, c
	case hasMonth && m == 1:
		return c, b, a
	case hasMonth && *b > 31:
		return b, c, a
	case hasMonth:
		return a, c, b
	case *a > 31 || hasYear && y == 0:
		return a, b, c
	case *a > 12:
		return c, b, a
	}
	return c, a, b
}
