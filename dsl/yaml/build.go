package yaml

import (
	"encoding/base64"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"cierzo/expr/value"
)

// builder gives the nodes their values.
type builder struct{ source *scanner }

func (b *builder) build(n *Node) error {
	kind, _ := strings.CutPrefix(n.tag, tagPrefix)
	switch kind {
	case "seq", "omap", "pairs":
		return b.sequence(n, kind)
	case "map", "set":
		return b.mapping(n, kind)
	case "", "null", "bool", "int", "float", "str", "binary", "timestamp":
	default:
		return b.source.fail("", nil, "could not determine a constructor for the tag "+value.Repr(value.String(n.tag)), n.start)
	}
	if n.kind != scalarNode {
		return b.source.fail("", nil, "expected a scalar node, but found "+n.kind.String(), n.start)
	}
	v, problem := scalar(kind, n.text)
	if problem != "" {
		return b.source.fail("", nil, problem, n.start)
	}
	n.Value = v
	return nil
}

func (b *builder) sequence(n *Node, kind string) error {
	if kind != "seq" {
		return b.orderedPairs(n, kind)
	}
	if n.kind != sequenceNode {
		return b.source.fail("", nil, "expected a sequence node, but found "+n.kind.String(), n.start)
	}
	items := make([]value.Value, len(n.Items))
	for i, item := range n.Items {
		if err := b.build(item); err != nil {
			return err
		}
		items[i] = item.Value
	}
	n.Value = value.NewList(items)
	return nil
}

// orderedPairs makes tuples of the mappings in a !!omap or !!pairs, of one key each.
func (b *builder) orderedPairs(n *Node, kind string) error {
	context := "while constructing an ordered map"
	if kind == "pairs" {
		context = "while constructing pairs"
	}
	if n.kind != sequenceNode {
		return b.source.fail(context, &n.start, "expected a sequence, but found "+n.kind.String(), n.start)
	}
	items := make([]value.Value, len(n.Items))
	for i, item := range n.Items {
		switch {
		case item.kind != mappingNode:
			return b.source.fail(context, &n.start, "expected a mapping of length 1, but found "+item.kind.String(), item.start)
		case len(item.pairs) != 1:
			return b.source.fail(context, &n.start, fmt.Sprintf("expected a single mapping item, but found %d items", len(item.pairs)), item.start)
		}
		pair := item.pairs[0]
		if err := b.build(pair.Key); err != nil {
			return err
		}
		if err := b.build(pair.Node); err != nil {
			return err
		}
		item.Value = value.NewTuple([]value.Value{pair.Key.Value, pair.Node.Value})
		items[i] = item.Value
	}
	n.Value = value.NewList(items)
	return nil
}

func (b *builder) mapping(n *Node, kind string) error {
	if n.kind != mappingNode {
		return b.source.fail("", nil, "expected a mapping node, but found "+n.kind.String(), n.start)
	}
	if err := b.flatten(n); err != nil {
		return err
	}
	d := value.NewDict(len(n.pairs))
	n.Entries = make([]Entry, 0, len(n.pairs))
	places := value.NewDict(len(n.pairs)) // of the keys in Entries
	for _, e := range n.pairs {
		if e.Key.kind != scalarNode {
			return b.source.fail("while constructing a mapping", &n.start, "found unhashable key", e.Key.start)
		}
		if err := b.build(e.Key); err != nil {
			return err
		}
		place, there := places.Get(e.Key.Value)
		if err := d.Set(e.Key.Value, value.Null{}); err != nil {
			return b.source.fail("while constructing a mapping", &n.start, "found unhashable key", e.Key.start)
		}
		if err := b.build(e.Node); err != nil {
			return err
		}
		if err := d.Set(e.Key.Value, e.Node.Value); err != nil {
			return b.source.fail("while constructing a mapping", &n.start, err.Error(), e.Key.start)
		}
		if !there {
			if err := places.Set(e.Key.Value, value.Int(len(n.Entries))); err != nil {
				return err
			}
			n.Entries = append(n.Entries, e)
			continue
		}
		i := int(place.(value.Int))
		n.Shadowed = append(n.Shadowed, n.Entries[i])
		n.Entries[i] = Entry{n.Entries[i].Key, e.Node}
	}
	n.pairs = nil
	n.Value = d.Freeze()
	if kind == "set" {
		return b.set(n)
	}
	return nil
}

func (b *builder) set(n *Node) error {
	keys := make([]value.Value, len(n.Entries))
	for i, e := range n.Entries {
		keys[i] = e.Key.Value
	}
	set, err := value.NewSet(keys, false)
	if err != nil {
		return b.source.fail("while constructing a mapping", &n.start, "found unhashable key", n.start)
	}
	n.Value = set
	return nil
}

// flatten puts the members of << before the others, which win.
func (b *builder) flatten(n *Node) error {
	var merged, own []Entry
	for _, e := range n.pairs {
		switch e.Key.tag {
		case tagPrefix + "merge":
			more, err := b.mergeOf(n, e.Node)
			if err != nil {
				return err
			}
			merged = append(merged, more...)
			continue
		case tagPrefix + "value":
			e.Key.tag = tagPrefix + "str"
		}
		own = append(own, e)
	}
	if merged != nil {
		n.pairs = append(merged, own...)
	} else {
		n.pairs = own
	}
	return nil
}

// mergeOf are the members that << brings: those of a mapping, or of a list of mappings, the first of which wins.
func (b *builder) mergeOf(n, from *Node) ([]Entry, error) {
	const context = "while constructing a mapping"
	switch from.kind {
	case mappingNode:
		err := b.flatten(from)
		return from.pairs, err
	case sequenceNode:
		var out []Entry
		for _, item := range slices.Backward(from.Items) {
			if item.kind != mappingNode {
				return nil, b.source.fail(context, &n.start, "expected a mapping for merging, but found "+item.kind.String(), item.start)
			}
			if err := b.flatten(item); err != nil {
				return nil, err
			}
			out = append(out, item.pairs...)
		}
		return out, nil
	}
	return nil, b.source.fail(context, &n.start, "expected a mapping or list of mappings for merging, but found "+from.kind.String(), from.start)
}

// scalar makes the value of a text; problem says why it can't.
func scalar(kind, text string) (v value.Value, problem string) {
	switch kind {
	case "", "null":
		return value.Null{}, ""
	case "bool":
		switch strings.ToLower(text) {
		case "yes", "true", "on":
			return value.Bool(true), ""
		case "no", "false", "off":
			return value.Bool(false), ""
		}
		return nil, value.Repr(value.String(text)) + " is no bool"
	case "int":
		return integer(text)
	case "float":
		return float(text)
	case "timestamp":
		return timestamp(text)
	case "binary":
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
		if err != nil || !utf8.Valid(data) {
			return nil, "binary data that isn't base64 of a UTF-8 text is not supported"
		}
		return value.String(data), ""
	}
	return value.String(text), ""
}

// intDigitsMax is Python's limit for making numbers of texts.
const intDigitsMax = 4300

func integer(text string) (value.Value, string) {
	s := strings.ReplaceAll(text, "_", "")
	digits := strings.TrimLeft(s, "+-")
	n, ok := new(big.Int), true
	base := 10
	switch {
	case len(digits) > intDigitsMax:
		return nil, fmt.Sprintf("the number has more than %d digits", intDigitsMax)
	case strings.HasPrefix(digits, "0b"):
		base, digits = 2, digits[2:]
	case strings.HasPrefix(digits, "0x"):
		base, digits = 16, digits[2:]
	case len(digits) > 1 && digits[0] == '0':
		base, digits = 8, digits[1:]
	}
	if strings.Contains(digits, ":") {
		for part := range strings.SplitSeq(digits, ":") {
			digit, good := new(big.Int).SetString(part, 10)
			if !good {
				return nil, value.Repr(value.String(text)) + " is no int"
			}
			n.Add(n.Mul(n, big.NewInt(60)), digit)
		}
	} else {
		n, ok = n.SetString(digits, base)
	}
	if !ok {
		return nil, value.Repr(value.String(text)) + " is no int"
	}
	if strings.HasPrefix(s, "-") {
		n.Neg(n)
	}
	return value.IntOf(n), ""
}

func float(text string) (value.Value, string) {
	s := strings.ToLower(strings.ReplaceAll(text, "_", ""))
	sign := 1.0
	if strings.HasPrefix(s, "-") {
		sign = -1
	}
	s = strings.TrimLeft(s, "+-")
	switch s {
	case ".inf":
		return value.Float(math.Inf(int(sign))), ""
	case ".nan":
		return value.Float(math.NaN()), ""
	}
	sum := 0.0
	for part := range strings.SplitSeq(s, ":") {
		f, err := strconv.ParseFloat(part, 64)
		if err != nil && !math.IsInf(f, 0) {
			return nil, value.Repr(value.String(text)) + " is no float"
		}
		sum = sum*60 + f
	}
	return value.Float(sign * sum), ""
}

// timestamp makes a date, or a point in time. A time without a zone is taken for UTC.
func timestamp(text string) (value.Value, string) {
	m := timeForm.FindStringSubmatch(text)
	if m == nil {
		return nil, value.Repr(value.String(text)) + " is no timestamp"
	}
	var part [6]int
	for i, group := range m[1:7] {
		part[i], _ = strconv.Atoi(group) // digits only, or nothing: 0
	}
	zone := time.UTC
	if m[9] != "" {
		hours, _ := strconv.Atoi(m[10])
		minutes, _ := strconv.Atoi(m[11])
		offset := hours*3600 + minutes*60
		if offset >= 86400 {
			return nil, "the offset of a time zone must be less than a day"
		}
		if m[9] == "-" {
			offset = -offset
		}
		if offset != 0 {
			zone = time.FixedZone("", offset)
		}
	}
	fraction := (m[7] + "000000")[:6]
	micro, _ := strconv.Atoi(fraction)
	t := time.Date(part[0], time.Month(part[1]), part[2], part[3], part[4], part[5], micro*1000, zone)
	switch {
	case part[0] < 1 || part[1] < 1 || part[1] > 12:
		return nil, "month must be in 1..12"
	case t.Day() != part[2] || t.Month() != time.Month(part[1]):
		return nil, "day is out of range for month"
	case part[3] > 23 || part[4] > 59 || part[5] > 59:
		return nil, value.Repr(value.String(text)) + " is no time of a day"
	case m[4] == "":
		return value.Date{Time: t}, ""
	}
	return value.DateTime{Time: t}, ""
}
