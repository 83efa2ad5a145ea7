package yaql

import (
	"errors"
	"math"
	"math/big"
	"time"

	"cierzo/expr/value"
)

func dateEntries() []entry {
	const fields = "hour: int = 0, minute: int = 0, second: int = 0, microsecond: int = 0, offset: timespan = timespan())"
	entries := []entry{
		{formFunction, "datetime(year: int, month: int, day: int, " + fields, makeDate},
		{formFunction, "datetime(timestamp: number, offset: timespan = timespan())", dateOfTimestamp},
		{formFunction, "datetime(string: string, format: string? = null)", dateOfText},
		{
			formFunction,
			"timespan(days: int = 0, hours: int = 0, minutes: int = 0, seconds: integer = 0, milliseconds: integer = 0, microseconds: integer = 0)",
			makeSpan,
		},
		{formFunction, "now(offset: timespan? = timespan())", now},
		{formFunction, "localtz()", localZone},
		{formFunction, "utctz()", func(*args) (value.Value, error) { return value.TimeSpan{}, nil }},
		{formFunction, "isDatetime(value: any)", isOf(value.KindDateTime)},
		{formFunction, "isTimespan(value: any)", isOf(value.KindTimeSpan)},
		{formMethod, "format(dt: datetime, format: string)", formatDate},
		{
			formMethod,
			"replace(dt: datetime, year: int? = null, month: int? = null, day: int? = null, hour: int? = null, " +
				"minute: int? = null, second: int? = null, microsecond: int? = null, offset: timespan? = null)",
			replaceInDate,
		},
		{formSystem, "#operator_+(dt: datetime, ts: timespan)", shift(0, 1, 1)},
		{formSystem, "#operator_+(ts: timespan, dt: datetime)", shift(1, 0, 1)},
		{formSystem, "#operator_-(dt: datetime, ts: timespan)", shift(0, 1, -1)},
		{formSystem, "#operator_-(dt1: datetime, dt2: datetime)", between},
		{formSystem, "#operator_+(ts1: timespan, ts2: timespan)", addSpans(1)},
		{formSystem, "#operator_-(ts1: timespan, ts2: timespan)", addSpans(-1)},
		{formSystem, "#operator_*(ts: timespan, n: number)", scaleSpan(0, 1)},
		{formSystem, "#operator_*(n: number, ts: timespan)", scaleSpan(1, 0)},
		{formSystem, "#operator_/(ts1: timespan, ts2: timespan)", spanRatio},
		{formSystem, "#operator_/(ts: timespan, n: number)", divideSpan},
	}
	for name, field := range dateFields() {
		entries = append(entries, entry{formSystem, "#property#" + name + "(obj: datetime)", field})
	}
	for name, unit := range map[string]float64{"milliseconds": 1e3, "seconds": 1e6, "minutes": 60e6, "hours": 3600e6, "days": 86400e6} {
		entries = append(entries, entry{formSystem, "#property#" + name + "(obj: timespan)", spanIn(unit)})
	}
	return append(entries, entry{formSystem, "#property#microseconds(obj: timespan)", func(a *args) (value.Value, error) {
		return value.Int(a.span(0)), nil
	}})
}

func (a *args) date(i int) value.DateTime { return a.at[i].(value.DateTime) }

// span is an argument in microseconds; null is none.
func (a *args) span(i int) int64 {
	s, _ := a.at[i].(value.TimeSpan)
	return s.Microseconds
}

// dateFields are the properties of a time by name.
func dateFields() map[string]func(*args) (value.Value, error) {
	number := func(get func(value.DateTime) int) func(*args) (value.Value, error) {
		return func(a *args) (value.Value, error) { return value.Int(get(a.date(0))), nil }
	}
	return map[string]func(*args) (value.Value, error){
		"year":        number(func(d value.DateTime) int { return d.Year() }),
		"month":       number(func(d value.DateTime) int { return int(d.Month()) }),
		"day":         number(func(d value.DateTime) int { return d.Day() }),
		"hour":        number(func(d value.DateTime) int { return d.Hour() }),
		"minute":      number(func(d value.DateTime) int { return d.Minute() }),
		"second":      number(func(d value.DateTime) int { return d.Second() }),
		"microsecond": number(func(d value.DateTime) int { return d.Nanosecond() / 1000 }),
		"weekday":     number(func(d value.DateTime) int { return (int(d.Weekday()) + 6) % 7 }),
		"date":        func(a *args) (value.Value, error) { return midnight(a.date(0)), nil },
		"time": func(a *args) (value.Value, error) {
			d := a.date(0)
			return value.TimeSpan{Microseconds: d.UnixMicro() - midnight(d).UnixMicro()}, nil
		},
		"offset": func(a *args) (value.Value, error) { return value.TimeSpan{Microseconds: offsetOf(a.date(0))}, nil },
		// utc goes back by the offset but keeps the zone, as in yaql.
		"utc": func(a *args) (value.Value, error) { return shiftDate(a.date(0), -offsetOf(a.date(0))) },
		// timestamp is that of utc, so that the offset counts twice.
		"timestamp": func(a *args) (value.Value, error) {
			return value.Float(float64(a.date(0).UnixMicro()-offsetOf(a.date(0))) / 1e6), nil
		},
	}
}

func midnight(d value.DateTime) value.DateTime {
	year, month, day := d.Date()
	return value.DateTime{Time: time.Date(year, month, day, 0, 0, 0, 0, d.Location())}
}

// offsetOf is the offset of a time's zone in microseconds.
func offsetOf(d value.DateTime) int64 {
	_, offset := d.Zone()
	return int64(offset) * 1e6
}

func spanIn(unit float64) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) { return value.Float(float64(a.span(0)) / unit), nil }
}

// zone is an argument that is the offset of a time zone.
func (a *args) zone(i int) (*time.Location, error) {
	const day = 86400 * 1e6
	us := a.span(i)
	if us <= -day || us >= day {
		return nil, fail(classValue, "offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24), not %s.",
			value.Repr(value.TimeSpan{Microseconds: us}))
	}
	return value.Zone(int(us / 1e6)), nil
}

// dateValue is a date with the error of one that can't be.
func dateValue(d value.DateTime, err error) (value.Value, error) {
	var raised *value.FormatError
	switch {
	case errors.As(err, &raised):
		return nil, &Error{raised.Class, raised.Msg}
	case err != nil:
		return nil, &Error{classValue, err.Error()}
	}
	return d, nil
}

// smallInt is an argument that must fit into C's int.
func (a *args) smallInt(i int) (int, error) {
	n := a.int(i)
	switch {
	case n > math.MaxInt32:
		return 0, fail(classOverflow, "signed integer is greater than maximum")
	case n < math.MinInt32:
		return 0, fail(classOverflow, "signed integer is less than minimum")
	}
	return n, nil
}

func makeDate(a *args) (value.Value, error) {
	zone, err := a.zone(7)
	if err != nil {
		return nil, err
	}
	var f [7]int
	for i := range f {
		if f[i], err = a.smallInt(i); err != nil {
			return nil, err
		}
	}
	return dateValue(value.NewDateTime(f[0], f[1], f[2], f[3], f[4], f[5], f[6], zone))
}

func dateOfTimestamp(a *args) (value.Value, error) {
	zone, err := a.zone(1)
	if err != nil {
		return nil, err
	}
	f, isFloat := a.at[0].(value.Float)
	seconds := toBig(a.at[0])
	micro := new(big.Int).Mul(seconds, big.NewInt(1e6))
	if isFloat {
		if math.IsNaN(float64(f)) {
			return nil, fail(classValue, "cannot convert float NaN to integer")
		}
		if math.IsInf(float64(f), 0) {
			return nil, fail(classOverflow, "cannot convert float infinity to integer")
		}
		micro = roundRat(new(big.Rat).Mul(new(big.Rat).SetFloat64(float64(f)), big.NewRat(1e6, 1)))
		seconds = new(big.Int).Quo(micro, big.NewInt(1e6))
	}
	if !seconds.IsInt64() {
		return nil, fail(classOverflow, "timestamp out of range for platform time_t")
	}
	if !micro.IsInt64() {
		return nil, fail(classValue, "year is out of range")
	}
	t := time.UnixMicro(micro.Int64()).In(zone)
	if t.Year() < 1 || t.Year() > 9999 {
		return nil, fail(classValue, "year %d is out of range", t.Year())
	}
	return value.DateTime{Time: t}, nil
}

// dateOfText reads a text in any usual form, or by a format. What has no zone is in UTC.
func dateOfText(a *args) (value.Value, error) {
	if err := a.r.budget.Charge(len(a.str(0))); err != nil {
		return nil, err
	}
	if format, ok := a.at[1].(value.String); ok && format != "" {
		if len(format) > 1000 {
			return nil, fail(classValue, "the format is too long")
		}
		d, _, err := value.Strptime(a.str(0), string(format))
		return dateValue(d, err)
	}
	d, err := parseDate(a.str(0), a.r.env.Now)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// spanMax is the longest timespan in microseconds, a bit less than what 64 bits hold.
const spanMax = math.MaxInt64 - 1

// spanOf makes a timespan of microseconds.
func spanOf(us *big.Int) (value.Value, error) {
	if !us.IsInt64() || us.Int64() < -spanMax || us.Int64() > spanMax {
		days := new(big.Int).Quo(us, big.NewInt(86400*1e6))
		return nil, fail(classOverflow, "days=%s; must have magnitude <= 999999999", days)
	}
	return value.TimeSpan{Microseconds: us.Int64()}, nil
}

func makeSpan(a *args) (value.Value, error) {
	sum := new(big.Int)
	for i, unit := range []int64{86400 * 1e6, 3600 * 1e6, 60 * 1e6, 1e6, 1e3, 1} {
		sum.Add(sum, new(big.Int).Mul(toBig(a.at[i]), big.NewInt(unit)))
	}
	return spanOf(sum)
}

func now(a *args) (value.Value, error) {
	zone, err := a.zone(0)
	if err != nil {
		return nil, err
	}
	return value.DateTime{Time: a.r.env.Now.Truncate(time.Microsecond).In(zone)}, nil
}

// localZone is the offset of the clock's zone.
func localZone(a *args) (value.Value, error) {
	return value.TimeSpan{Microseconds: offsetOf(value.DateTime{Time: a.r.env.Now})}, nil
}

func formatDate(a *args) (value.Value, error) {
	if len(a.str(1)) > 10_000 {
		return nil, fail(classValue, "the format is too long")
	}
	return a.text(value.Strftime(a.date(0).Time, a.str(1)))
}

func replaceInDate(a *args) (value.Value, error) {
	d := a.date(0)
	f := [7]int{d.Year(), int(d.Month()), d.Day(), d.Hour(), d.Minute(), d.Second(), d.Nanosecond() / 1000}
	var err error
	for i := range f {
		if a.at[i+1].Kind() == value.KindNull {
			continue
		}
		if f[i], err = a.smallInt(i + 1); err != nil {
			return nil, err
		}
	}
	zone := d.Location()
	if a.at[8].Kind() != value.KindNull {
		if zone, err = a.zone(8); err != nil {
			return nil, err
		}
	}
	return dateValue(value.NewDateTime(f[0], f[1], f[2], f[3], f[4], f[5], f[6], zone))
}

// shiftDate is a time plus microseconds; the years are those of Python.
func shiftDate(d value.DateTime, us int64) (value.Value, error) {
	const tenThousandYears = 10_000 * 366 * 86400 * 1e6
	if us > -tenThousandYears && us < tenThousandYears {
		t := time.UnixMicro(d.UnixMicro() + us).In(d.Location())
		if t.Year() >= 1 && t.Year() <= 9999 {
			return value.DateTime{Time: t}, nil
		}
	}
	return nil, fail(classOverflow, "date value out of range")
}

func shift(date, span int, sign int64) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) { return shiftDate(a.date(date), sign*a.span(span)) }
}

func between(a *args) (value.Value, error) {
	return value.TimeSpan{Microseconds: a.date(0).UnixMicro() - a.date(1).UnixMicro()}, nil
}

func addSpans(sign int64) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) {
		return spanOf(new(big.Int).Add(big.NewInt(a.span(0)), big.NewInt(sign*a.span(1))))
	}
}

// roundRat is half to even.
func roundRat(x *big.Rat) *big.Int {
	twice := new(big.Int).Lsh(x.Num(), 1)
	n := new(big.Int).Div(twice.Add(twice, x.Denom()), new(big.Int).Lsh(x.Denom(), 1)) // floor(x + 1/2)
	if x.Denom().Cmp(big.NewInt(2)) == 0 && n.Bit(0) == 1 {
		n.Sub(n, big.NewInt(1))
	}
	return n
}

// spanOfFloat rounds microseconds to whole ones.
func spanOfFloat(us float64) (value.Value, error) {
	switch {
	case math.IsNaN(us):
		return nil, fail(classValue, "cannot convert float NaN to integer")
	case math.IsInf(us, 0):
		return nil, fail(classOverflow, "cannot convert float infinity to integer")
	}
	return spanOf(roundRat(new(big.Rat).SetFloat64(us)))
}

func scaleSpan(span, by int) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) {
		if f, ok := a.at[by].(value.Float); ok {
			return spanOfFloat(float64(a.span(span)) * float64(f))
		}
		return spanOf(new(big.Int).Mul(big.NewInt(a.span(span)), toBig(a.at[by])))
	}
}

func spanRatio(a *args) (value.Value, error) {
	return floatArithmetic("/", float64(a.span(0)), float64(a.span(1)))
}

func divideSpan(a *args) (value.Value, error) {
	by := toFloat(a.at[1])
	if by == 0 {
		return nil, fail(classZero, "float division by zero")
	}
	return spanOfFloat(float64(a.span(0)) / by)
}
