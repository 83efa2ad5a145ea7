package jinja

import (
	"strings"
	"unicode/utf8"

	"cierzo/expr/value"
)

// pprintWidth is how long pprint lets a line be.
const pprintWidth = 80

// printer is Python's pprint.
type printer struct {
	r *run
	b strings.Builder
}

func filterPprint(c *call) (value.Value, error) {
	p := &printer{r: c.r}
	v, err := c.r.sortedKeys(c.arg(0))
	if err != nil {
		return nil, err
	}
	if err := p.print(v, 0, 0, 1); err != nil {
		return nil, err
	}
	return value.String(p.b.String()), c.r.make(p.b.Len())
}

// sortedKeys sorts the dicts in a value by their keys, where those can be ordered; else by the names of their types.
func (r *run) sortedKeys(v value.Value) (value.Value, error) {
	if err := r.b.Step(); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case *value.List:
		items, err := r.sortedItems(v.Items())
		return value.NewList(items), err
	case *value.Tuple:
		items, err := r.sortedItems(v.Items())
		return value.NewTuple(items), err
	case value.Mapping:
		if err := r.b.Enter(); err != nil {
			return nil, err
		}
		defer r.b.Leave()
		pairs := make([]keyed, 0, v.Len())
		for k, item := range v.All() {
			sorted, err := r.sortedKeys(item)
			if err != nil {
				return nil, err
			}
			pairs = append(pairs, keyed{k, sorted})
		}
		if err := r.sort(pairs, false); err != nil {
			if !isConversion(err, "TypeError") {
				return nil, err
			}
			if err := r.sortByType(pairs); err != nil {
				return nil, err
			}
		}
		out := value.NewDict(len(pairs))
		for _, p := range pairs {
			if err := r.setKey(out, p.key, p.item); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}

// sortByType orders pairs whose keys are of several types: by type, and by key where that goes.
func (r *run) sortByType(pairs []keyed) error {
	for i := 1; i < len(pairs); i++ {
		for j := i; j > 0; j-- {
			less, err := r.order("<", pairs[j].key, pairs[j-1].key)
			if err != nil {
				if !isConversion(err, "TypeError") {
					return err
				}
				less = typeName(pairs[j].key) < typeName(pairs[j-1].key)
			}
			if !less {
				break
			}
			pairs[j], pairs[j-1] = pairs[j-1], pairs[j]
		}
	}
	return nil
}

func (r *run) sortedItems(items []value.Value) ([]value.Value, error) {
	if err := r.b.Enter(); err != nil {
		return nil, err
	}
	defer r.b.Leave()
	if err := r.make(len(items)); err != nil {
		return nil, err
	}
	out := make([]value.Value, len(items))
	for i, item := range items {
		var err error
		if out[i], err = r.sortedKeys(item); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// print writes a value that begins at column indent and has allowance characters behind it.
func (p *printer) print(v value.Value, indent, allowance, level int) error {
	text, err := p.r.repr(v)
	if err != nil {
		return err
	}
	if utf8.RuneCountInString(text) <= pprintWidth-indent-allowance {
		p.b.WriteString(text)
		return nil
	}
	switch v := v.(type) {
	case value.String:
		return p.text(string(v), indent, allowance, level)
	case *value.List:
		return p.items("[", v.Items(), "]", indent, allowance, level)
	case *value.Tuple:
		if v.Len() == 1 {
			return p.items("(", v.Items(), ",)", indent, allowance, level)
		}
		return p.items("(", v.Items(), ")", indent, allowance, level)
	case *value.Dict:
		return p.dict(v, indent, allowance, level)
	}
	p.b.WriteString(text)
	return nil
}

func (p *printer) newline(indent int) error {
	if err := p.r.make(indent + 2); err != nil {
		return err
	}
	p.b.WriteString("\n" + strings.Repeat(" ", indent))
	return nil
}

func (p *printer) items(open string, items []value.Value, end string, indent, allowance, level int) error {
	p.b.WriteString(open)
	for i, item := range items {
		behind := 1
		if i == len(items)-1 {
			behind = allowance + len(end)
		}
		if i > 0 {
			p.b.WriteByte(',')
			if err := p.newline(indent + 1); err != nil {
				return err
			}
		}
		if err := p.print(item, indent+1, behind, level+1); err != nil {
			return err
		}
	}
	p.b.WriteString(end)
	return nil
}

func (p *printer) dict(d *value.Dict, indent, allowance, level int) error {
	p.b.WriteByte('{')
	i := 0
	for k, v := range d.All() {
		behind := 1
		if i == d.Len()-1 {
			behind = allowance + 1
		}
		if i > 0 {
			p.b.WriteByte(',')
			if err := p.newline(indent + 1); err != nil {
				return err
			}
		}
		i++
		key, err := p.r.repr(k)
		if err != nil {
			return err
		}
		p.b.WriteString(key + ": ")
		if err := p.print(v, indent+1+utf8.RuneCountInString(key)+2, behind, level+1); err != nil {
			return err
		}
	}
	p.b.WriteByte('}')
	return nil
}

// text breaks a long text into several in a row.
func (p *printer) text(s string, indent, allowance, level int) error {
	if level == 1 {
		indent++
		allowance++
	}
	chunks, last := p.chunks(s, pprintWidth-indent, allowance)
	if len(chunks) == 1 {
		p.b.WriteString(last)
		return nil
	}
	if level == 1 {
		p.b.WriteByte('(')
	}
	for i, chunk := range chunks {
		if i > 0 {
			if err := p.newline(indent); err != nil {
				return err
			}
		}
		p.b.WriteString(chunk)
	}
	if level == 1 {
		p.b.WriteByte(')')
	}
	return nil
}

// chunks cuts a text at line ends and, where lines are too long, at white space. It gives the text of the last line too.
func (p *printer) chunks(s string, width, allowance int) (chunks []string, last string) {
	lines := splitLines(s, true)
	for i, line := range lines {
		last = quoted(line)
		room := width
		if i == len(lines)-1 {
			room -= allowance
		}
		if utf8.RuneCountInString(last) <= room {
			chunks = append(chunks, last)
			continue
		}
		current := ""
		words := splitWords(line)
		for j, word := range words {
			room := width
			if j == len(words)-1 && i == len(lines)-1 {
				room -= allowance
			}
			if utf8.RuneCountInString(quoted(current+word)) > room {
				if current != "" {
					chunks = append(chunks, quoted(current))
				}
				current = word
			} else {
				current += word
			}
		}
		if current != "" {
			chunks = append(chunks, quoted(current))
		}
	}
	return chunks, last
}

// splitWords cuts a line into words with the white space behind them.
func splitWords(line string) []string {
	var out []string
	for line != "" {
		at := strings.IndexFunc(line, value.IsSpace)
		if at < 0 {
			at = len(line)
		}
		rest := strings.TrimLeftFunc(line[at:], value.IsSpace)
		out = append(out, line[:len(line)-len(rest)])
		line = rest
	}
	return out
}
