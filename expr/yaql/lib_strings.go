package yaql

import (
	"strings"

	"cierzo/expr/value"
)

func stringEntries() []entry {
	return []entry{
		{formFunction, "str(value: any)", toText},
		{formFunction, "isString(arg: any)", isOf(value.KindString)},
		{formFunction, "concat(*args: string)", concatTexts},
		{formBoth, "len(string: string)", textLength},
		{formMethod, "toUpper(string: string)", mapText(value.Upper)},
		{formMethod, "toLower(string: string)", mapText(value.Lower)},
		{formMethod, "trim(string: string, chars: string? = null)", trim(true, true)},
		{formMethod, "trimLeft(string: string, chars: string? = null)", trim(true, false)},
		{formMethod, "trimRight(string: string, chars: string? = null)", trim(false, true)},
		{formBoth, "norm(string: string?, chars: string? = null)", norm},
		{formBoth, "isEmpty(string: string?, trim: bool = true, chars: string? = null)", isEmptyText},
		{formMethod, "split(string: string, separator: string? = null, maxSplits: int = -1)", splitText},
		{formMethod, "rightSplit(string: string, separator: string? = null, maxSplits: int = -1)", rightSplitText},
		{formMethod, "join(sequence: iterable, separator: string)", joinTexts(0, 1)},
		{formMethod, "join(separator: string, sequence: iterable)", joinTexts(1, 0)},
		{formMethod, "replace(string: string, old: string, new: string, count: int = -1)", replaceText},
		{formMethod, "replace(string: string, replacements: mapping, count: int = -1)", replaceByDict},
		{formMethod, "substring(string: string, start: int, length: int = -1)", substring},
		{formMethod, "indexOf(string: string, sub: string, start: int = 0)", findText(false)},
		{formMethod, "indexOf(string: string, sub: string, start: int, length: int)", findText(false)},
		{formMethod, "lastIndexOf(string: string, sub: string, start: int = 0)", findText(true)},
		{formMethod, "lastIndexOf(string: string, sub: string, start: int, length: int)", findText(true)},
		{formMethod, "startsWith(string: string, *prefixes: string)", anyAffix(strings.HasPrefix)},
		{formMethod, "endsWith(string: string, *suffixes: string)", anyAffix(strings.HasSuffix)},
		{formMethod, "toCharArray(string: string)", toCharArray},
		{formFunction, charactersSignature, characters},
		{formBoth | formLegacy, "format(_FormatString: string, *args: any, **kwargs)", formatText},
	}
}

// textOf is the text that str() gives, paid for: null, true and false are YAQL's words.
func (r *run) textOf(v value.Value) (string, error) {
	switch v := v.(type) {
	case value.String:
		return string(v), r.budget.Charge(len(v))
	case value.Null:
		return "null", nil
	case value.Bool:
		if v {
			return "true", nil
		}
		return "false", nil
	}
	if err := r.measure(v); err != nil {
		return "", err
	}
	text := value.StrFrozen(v)
	if v.Kind() == value.KindBigInt && len(text) > digitsMax {
		return "", fail(classValue, "Exceeds the limit (%d digits) for integer string conversion", digitsMax)
	}
	return text, nil
}

func toText(a *args) (value.Value, error) {
	text, err := a.r.textOf(a.at[0])
	return value.String(text), err
}

// text gives a text that was made and charges its size.
func (a *args) text(s string) (value.Value, error) {
	if err := a.r.budget.Charge(len(s)); err != nil {
		return nil, err
	}
	return value.String(s), nil
}

func concatTexts(a *args) (value.Value, error) {
	size := 0
	for _, v := range a.rest {
		size += len(v.(value.String))
	}
	if err := a.r.budget.Charge(size); err != nil {
		return nil, err
	}
	var b strings.Builder
	b.Grow(size)
	for _, v := range a.rest {
		b.WriteString(string(v.(value.String)))
	}
	return value.String(b.String()), nil
}

func textLength(a *args) (value.Value, error) { return value.Int(value.Length(a.str(0))), nil }

func mapText(f func(string) string) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) {
		if err := a.r.budget.Charge(len(a.str(0))); err != nil {
			return nil, err
		}
		return value.String(f(a.str(0))), nil
	}
}

// chars is an argument of characters to strip; nil is white space.
func (a *args) chars(i int) *string {
	if s, ok := a.at[i].(value.String); ok {
		text := string(s)
		return &text
	}
	return nil
}

func strip(s string, chars *string, left, right bool) string {
	in := value.IsSpace
	if chars != nil {
		in = func(r rune) bool { return strings.ContainsRune(*chars, r) }
	}
	if left {
		s = strings.TrimLeftFunc(s, in)
	}
	if right {
		s = strings.TrimRightFunc(s, in)
	}
	return s
}

func trim(left, right bool) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) {
		return value.String(strip(a.str(0), a.chars(1), left, right)), nil
	}
}

func norm(a *args) (value.Value, error) {
	s, ok := a.at[0].(value.String)
	if !ok {
		return value.Null{}, nil
	}
	if text := strip(string(s), a.chars(1), true, true); text != "" {
		return value.String(text), nil
	}
	return value.Null{}, nil
}

func isEmptyText(a *args) (value.Value, error) {
	s, ok := a.at[0].(value.String)
	if !ok {
		return value.Bool(true), nil
	}
	text := string(s)
	if a.bool(1) {
		text = strip(text, a.chars(2), true, true)
	}
	return value.Bool(text == ""), nil
}

func splitText(a *args) (value.Value, error)      { return splitWith(a, value.Split) }
func rightSplitText(a *args) (value.Value, error) { return splitWith(a, value.RightSplit) }

func splitWith(a *args, split func(s string, separator *string, splitsMax int) []string) (value.Value, error) {
	separator := a.chars(1)
	if separator != nil && *separator == "" {
		return nil, fail(classValue, "empty separator")
	}
	if err := a.r.budget.Charge(len(a.str(0))); err != nil {
		return nil, err
	}
	return textList(split(a.str(0), separator, a.int(2))), nil
}

func textList(parts []string) value.Value {
	items := make([]value.Value, len(parts))
	for i, part := range parts {
		items[i] = value.String(part)
	}
	return value.PythonList(items)
}

// joinTexts joins the texts of the items of argument list with argument separator.
func joinTexts(list, separator int) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) {
		var b strings.Builder
		first := true
		err := a.r.each(a.at[list], func(item value.Value) (bool, error) {
			text, err := a.r.textOf(item)
			if err == nil {
				err = a.r.budget.Charge(len(a.str(separator)))
			}
			if err != nil {
				return false, err
			}
			if !first {
				b.WriteString(a.str(separator))
			}
			first = false
			b.WriteString(text)
			return true, nil
		})
		return value.String(b.String()), err
	}
}

// replaceAll is str.replace, paid for before it is made.
func (r *run) replaceAll(s, old, with string, count int) (string, error) {
	n := strings.Count(s, old)
	if count >= 0 {
		n = min(n, count)
	}
	if grows := len(with) - len(old); grows > 0 && n > 0 {
		if grows > (1<<40)/n {
			return "", r.budget.Charge(1 << 40)
		}
		if err := r.budget.Charge(grows * n); err != nil {
			return "", err
		}
	}
	if err := r.budget.Charge(len(s)); err != nil {
		return "", err
	}
	return strings.Replace(s, old, with, n), nil
}

func replaceText(a *args) (value.Value, error) {
	s, err := a.r.replaceAll(a.str(0), a.str(1), a.str(2), a.int(3))
	return value.String(s), err
}

func replaceByDict(a *args) (value.Value, error) {
	s := a.str(0)
	for k, v := range a.mapping(1).All() {
		old, err := a.r.textOf(k)
		if err != nil {
			return nil, err
		}
		with, err := a.r.textOf(v)
		if err != nil {
			return nil, err
		}
		if s, err = a.r.replaceAll(s, old, with, a.int(2)); err != nil {
			return nil, err
		}
	}
	return value.String(s), nil
}

func substring(a *args) (value.Value, error) {
	n := value.Length(a.str(0))
	start, length := a.int(1), a.int(2)
	if length < 0 {
		length = n
	}
	if start < 0 {
		start += n
	}
	return value.String(value.Slice(a.str(0), start, start+min(length, n))), nil
}

// findText is str.find or str.rfind within start and length; a negative length is all.
func findText(last bool) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) {
		s, sub, start := a.str(0), a.str(1), a.int(2)
		n := value.Length(s)
		end := n
		if len(a.at) > 3 {
			if start < 0 {
				start += n
			}
			if length := a.int(3); length >= 0 {
				end = start + min(length, n)
			}
		}
		return value.Int(value.Find(s, sub, start, end, last)), nil
	}
}

func anyAffix(has func(s, affix string) bool) func(*args) (value.Value, error) {
	return func(a *args) (value.Value, error) {
		for _, affix := range a.rest {
			if has(a.str(0), string(affix.(value.String))) {
				return value.Bool(true), nil
			}
		}
		return value.Bool(false), nil
	}
}

func toCharArray(a *args) (value.Value, error) {
	if err := a.r.budget.Charge(len(a.str(0))); err != nil {
		return nil, err
	}
	var items []value.Value
	for _, r := range a.str(0) {
		items = append(items, value.String(string(r)))
	}
	return value.NewTuple(items), nil
}

const (
	charactersSignature = "characters(digits: bool? = false, hexdigits: bool? = false, asciiLowercase: bool? = false, " +
		"asciiUppercase: bool? = false, asciiLetters: bool? = false, letters: bool? = false, octdigits: bool? = false, " +
		"punctuation: bool? = false, printable: bool? = false, lowercase: bool? = false, uppercase: bool? = false, " +
		"whitespace: bool? = false)"

	digits      = "0123456789"
	lowercase   = "abcdefghijklmnopqrstuvwxyz"
	uppercase   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
	whitespace  = " \t\n\r\x0b\x0c"
)

// characters lists the characters of the chosen classes, each once. Python lost three of the classes with version 3.
func characters(a *args) (value.Value, error) {
	classes := [...]string{
		digits, digits + "abcdefABCDEF", lowercase, uppercase, lowercase + uppercase, "", digits[:8], punctuation,
		digits + lowercase + uppercase + punctuation + whitespace, "", "", whitespace,
	}
	lost := map[int]string{5: "letters", 9: "lowercase", 10: "uppercase"}
	seen := map[rune]bool{}
	var items []value.Value
	for i, class := range classes {
		if !a.bool(i) {
			continue
		}
		if name := lost[i]; name != "" {
			return nil, fail(classAttribute, "module 'string' has no attribute '%s'", name)
		}
		for _, c := range class {
			if !seen[c] {
				seen[c] = true
				items = append(items, value.String(string(c)))
			}
		}
	}
	return value.NewTuple(items), nil
}
