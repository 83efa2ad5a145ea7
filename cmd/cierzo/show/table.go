package show

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// cellMax cuts the cells of lists, in characters; the format wide shows them whole.
	cellMax = 60
	gap     = "  "
)

// table lays out objects below their columns' titles.
func (p *Printer) table(columns []Column, objects []map[string]any) string {
	rows := make([][]string, 0, len(objects)+1)
	titles := make([]string, len(columns))
	for i, c := range columns {
		titles[i] = strings.ToUpper(c.Title)
	}
	rows = append(rows, titles)
	for _, o := range objects {
		row := make([]string, len(columns))
		for i, c := range columns {
			row[i] = line(cell(c, o))
			if p.Format != "wide" {
				row[i] = Clip(row[i], cellMax)
			}
		}
		rows = append(rows, row)
	}
	widths := widthsOf(rows)
	if p.Width > 0 && p.Format != "wide" {
		fit(widths, columns, p.Width)
	}
	var b strings.Builder
	for n, row := range rows {
		for i, text := range row {
			text = Clip(text, widths[i])
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text))
			if n == 0 {
				text = p.faint(text)
			} else if columns[i].Key == "state" {
				text = p.Paint(row[i], text)
			}
			b.WriteString(text)
			if i < len(row)-1 {
				b.WriteString(pad + gap)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func widthsOf(rows [][]string) []int {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, text := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	return widths
}

// fit makes the widest columns narrower until the table fits the terminal; ids stay whole, for they are copied.
func fit(widths []int, columns []Column, width int) {
	const least = 8
	total := func() int {
		sum := len(gap) * (len(widths) - 1)
		for _, w := range widths {
			sum += w
		}
		return sum
	}
	for total() > width {
		widest := -1
		for i, w := range widths {
			if w > least && !strings.HasSuffix(columns[i].Key, "id") && columns[i].Key != "state" && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

// record lays out one object, a line for each field.
func (p *Printer) record(columns []Column, o map[string]any) string {
	width := 0
	for _, c := range columns {
		width = max(width, utf8.RuneCountInString(c.Title))
	}
	var b strings.Builder
	for _, c := range columns {
		text := cell(c, o)
		b.WriteString(p.faint(c.Title) + strings.Repeat(" ", width-utf8.RuneCountInString(c.Title)) + gap)
		lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
		for i, l := range lines {
			if i > 0 {
				b.WriteString(strings.Repeat(" ", width) + gap)
			}
			if l = Clean(l); c.Key == "state" {
				l = p.Paint(text, l)
			}
			b.WriteString(l + "\n")
		}
	}
	return b.String()
}

// cell is a column's text of an object; what is absent or empty is a dash.
func cell(c Column, o map[string]any) string {
	text := ""
	if c.Of != nil {
		text = c.Of(o)
	} else {
		text = plain(o[c.Key])
	}
	if text == "" {
		return "-"
	}
	return text
}

func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []any:
		var words []string
		for _, x := range v {
			words = append(words, plain(x))
		}
		return strings.Join(words, ", ")
	case bool:
		if v {
			return "yes"
		}
		return "no"
	}
	text, err := compact(v)
	if err != nil {
		return ""
	}
	return text
}

// line makes one line of a text.
func line(s string) string {
	return Clean(strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), " "))
}

// Clean replaces control characters: what a workflow calls its things must not steer the reader's terminal.
func Clean(s string) string {
	if !strings.ContainsFunc(s, unicode.IsControl) {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsControl(r):
			return '�'
		}
		return r
	}, s)
}

// Clip cuts a text to so many characters, with a … at the cut.
func Clip(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	if width < 1 {
		return ""
	}
	return string([]rune(s)[:width-1]) + "…"
}
