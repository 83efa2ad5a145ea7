package yaql

import (
	"slices"
	"strconv"
	"strings"

	"cierzo/expr/value"
)

func regexEntries() []entry {
	return []entry{
		{formFunction, "regex(pattern: string, ignoreCase: bool? = false, multiLine: bool? = false, dotAll: bool? = false)", makeRegex},
		{formFunction, "isRegex(value: any)", isType(typRegex)},
		{formFunction, "escapeRegex(string: string)", escapeRegex},
		{formMethod, "matches(regexp: regex, string: string)", matches(0, 1, true)},
		{formMethod, "matches(string: string, regexp: string)", matches(1, 0, true)},
		{formSystem, "#operator_=~(string: string, pattern: string)", matches(1, 0, true)},
		{formSystem, "#operator_=~(string: string, regexp: regex)", matches(1, 0, true)},
		{formSystem, "#operator_!~(string: string, pattern: string)", matches(1, 0, false)},
		{formSystem, "#operator_!~(string: string, regexp: regex)", matches(1, 0, false)},
		{formMethod, "search(regexp: regex, string: string, selector: lambda = null)", search},
		{formMethod, "searchAll(regexp: regex, string: string, selector: lambda = null)", searchAll},
		{formMethod, "split(regexp: regex, string: string, maxSplit: int = 0)", splitByRegex(0, 1)},
		{formMethod, "split(string: string, regexp: regex, maxSplit: int = 0)", splitByRegex(1, 0)},
		{formMethod, "replace(regexp: regex, string: string, repl: string, count: int = 0)", replaceByRegex(0, 1)},
		{formMethod, "replace(string: string, regexp: regex, repl: string, count: int = 0)", replaceByRegex(1, 0)},
		{formMethod, "replaceBy(regexp: regex, string: string, repl: lambda, count: int = 0)", replaceByLambda(0, 1)},
		{formMethod, "replaceBy(string: string, regexp: regex, repl: lambda, count: int = 0)", replaceByLambda(1, 0)},
	}
}

func makeRegex(a *args) (value.Value, error) {
	flags := 0
	for i, flag := range []int{flagIgnoreCase, flagMultiLine, flagDotAll} {
		if a.bool(i + 1) {
			flags |= flag
		}
	}
	p, err := a.r.pattern(a.str(0), flags)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// escapeRegex is re.escape.
func escapeRegex(a *args) (value.Value, error) {
	var b strings.Builder
	for _, r := range a.str(0) {
		if strings.ContainsRune("()[]{}?*+-|^$\\.&~# \t\n\r\v\f", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return a.text(b.String())
}

// regex is an argument that is a pattern or the text of one.
func (a *args) regex(i int) (*pattern, error) {
	if p, ok := a.at[i].(*pattern); ok {
		return p, nil
	}
	return a.r.pattern(a.str(i), 0)
}

func matches(regex, text int, want bool) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) {
		m, err := a.firstMatch(regex, text)
		return value.Bool((m != nil) == want), err
	}
}

func (a *args) firstMatch(regex, text int) (*match, error) {
	p, err := a.regex(regex)
	if err != nil {
		return nil, err
	}
	runes, err := a.r.runes(a.str(text))
	if err != nil {
		return nil, err
	}
	return a.r.find(p, runes, 0, false)
}

func search(a *args) (value.Value, error) {
	m, err := a.firstMatch(0, 1)
	if m == nil || err != nil {
		return value.Null{}, err
	}
	return a.selectMatch(m, a.lambda(2))
}

func searchAll(a *args) (value.Value, error) {
	next, err := a.r.matches(a.at[0].(*pattern), a.str(1))
	return a.r.iterator(func() (value.Value, error) {
		m, err := next()
		if m == nil || err != nil {
			return nil, err
		}
		return a.selectMatch(m, a.lambda(2))
	}), err
}

// selectMatch is the text of a match, or what the selector makes of it: $ is the match, $2 and so on are the groups.
func (a *args) selectMatch(m *match, selector *lambda) (value.Value, error) {
	if selector == nil {
		return m.group(0), nil
	}
	f := &frame{outer: selector.f}
	for n := range m.groups {
		f.args = append(f.args, m.record(n))
	}
	if err := m.publishNamed(f); err != nil {
		return nil, err
	}
	return a.r.eval(selector.body, f)
}

// publishNamed makes variables of named groups the way yaql tries to: it takes the two characters of a group's text for a
// name and a group, which is an error unless there is a group of that name.
func (m *match) publishNamed(f *frame) error {
	for n, name := range m.of.names {
		if name == "" {
			continue
		}
		text, ok := m.group(n).(value.String)
		if !ok {
			return fail(classType, "cannot unpack non-iterable NoneType object")
		}
		pair := []rune(string(text))
		switch {
		case len(pair) < 2:
			return fail(classValue, "not enough values to unpack (expected 2, got %d)", len(pair))
		case len(pair) > 2:
			return fail(classValue, "too many values to unpack (expected 2)")
		}
		of := slices.Index(m.of.names, string(pair[1]))
		if of < 0 {
			return fail(classIndex, "no such group")
		}
		rec := m.record(of).(*value.Dict).Clone()
		rec.SetString("value", value.String(pair[1]))
		f.set(string(pair[0]), value.PythonDict(rec))
	}
	return nil
}

// record is what a selector sees of a group.
func (m *match) record(n int) value.Value {
	d := value.NewDict(3)
	d.SetString("value", m.group(n))
	d.SetString("start", value.Int(m.groups[n][0]))
	d.SetString("end", value.Int(m.groups[n][1]))
	return value.PythonDict(d)
}

// splitByRegex is re.split: the groups of the separators are parts too.
func splitByRegex(regex, text int) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) {
		var items []value.Value
		last, err := a.cut(regex, text, a.int(2), func(before value.Value, m *match) error {
			items = append(items, before)
			for n := 1; n < len(m.groups); n++ {
				items = append(items, m.group(n))
			}
			return a.r.budget.Charge(len(m.groups))
		})
		return value.PythonList(append(items, last)), err
	}
}

// cut goes through the matches in a text, count of them or all with 0, and gives what is behind the last one.
func (a *args) cut(regex, text, count int, part func(before value.Value, m *match) error) (value.Value, error) {
	next, err := a.r.matches(a.at[regex].(*pattern), a.str(text))
	if err != nil {
		return nil, err
	}
	runes, at := []rune(a.str(text)), 0
	for n := 0; count == 0 || n < count; n++ {
		m, err := next()
		if err != nil {
			return nil, err
		}
		if m == nil {
			break
		}
		if err := part(value.String(string(runes[at:m.start()])), m); err != nil {
			return nil, err
		}
		at = m.end()
	}
	return value.String(string(runes[at:])), nil
}

// replaceByRegex is re.sub with a template.
func replaceByRegex(regex, text int) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) {
		var b strings.Builder
		last, err := a.cut(regex, text, a.int(3), func(before value.Value, m *match) error {
			with, err := m.expand(a.str(2))
			if err != nil {
				return err
			}
			if err := a.r.budget.Charge(len(before.(value.String)) + len(with)); err != nil {
				return err
			}
			b.WriteString(string(before.(value.String)))
			b.WriteString(with)
			return nil
		})
		if err != nil {
			return nil, err
		}
		b.WriteString(string(last.(value.String)))
		return value.String(b.String()), nil
	}
}

// replaceByLambda is re.sub with a function, which must give texts; null counts as none.
func replaceByLambda(regex, text int) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) {
		var items []value.Value
		add := func(v value.Value) {
			if s, ok := v.(value.String); !ok || s != "" {
				items = append(items, v)
			}
		}
		last, err := a.cut(regex, text, a.int(3), func(before value.Value, m *match) error {
			add(before)
			got, err := a.selectMatch(m, a.lambda(2))
			if err != nil {
				return err
			}
			if got.Kind() != value.KindNull {
				items = append(items, got)
			}
			return a.r.budget.Charge(len(before.(value.String)))
		})
		if err != nil {
			return nil, err
		}
		add(last)
		var b strings.Builder
		for i, item := range items {
			s, ok := item.(value.String)
			if !ok {
				return nil, fail(classType, "sequence item %s: expected str instance, %s found", strconv.Itoa(i), frozenName(item))
			}
			if err := a.r.budget.Charge(len(s)); err != nil {
				return nil, err
			}
			b.WriteString(string(s))
		}
		return value.String(b.String()), nil
	}
}
