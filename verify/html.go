package verify

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"
)

//go:embed report.html
var reportPage string

// HTML is the report as one page that needs nothing else: no script, no other file.
func (rep *Report) HTML() ([]byte, error) {
	page, err := template.New("report").Funcs(template.FuncMap{
		"fixed": func(v float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") },
		"count": func(v Verdict) int { return len(v.Violations) + v.More },
	}).Parse(reportPage)
	if err != nil {
		return nil, fmt.Errorf("page of the report: %w", err)
	}
	var b bytes.Buffer
	err = page.Execute(&b, struct {
		*Report
		Verdict string
		Chart   chart
		Broken  int
	}{rep, rep.verdict(), newChart(rep), rep.broken()})
	return b.Bytes(), err
}

// broken is how often the nemesis was run.
func (rep *Report) broken() (n int) {
	for _, f := range rep.Faults {
		if f.Phase == "fault" {
			n++
		}
	}
	return n
}

// chart is the course of the run, a column for each second or for several.
type chart struct {
	Width, Height int
	Columns       []column
	Faults        []mark
	Ticks         []mark
	Top           int // the highest column stands for so many
}

// column is one step of time. Y and H are of the three bars: started, ended, unanswered.
type column struct {
	X, W   float64
	Bars   [3]bar
	Legend string
}

type bar struct{ X, Y, W, H float64 }

type mark struct {
	X, W float64
	Y    int // of the text
	Text string
}

// The size of the chart, in pixels, and how many columns it has at most.
const (
	chartWidth, chartHeight = 960, 180
	columnsMax              = 120
)

func newChart(rep *Report) chart {
	c := chart{Width: chartWidth, Height: chartHeight}
	step := max((len(rep.Timeline)+columnsMax-1)/columnsMax, 1)
	n := max((len(rep.Timeline)+step-1)/step, 1)
	wide := float64(chartWidth) / float64(n)
	sums := make([][3]int, n)
	for i, m := range rep.Timeline {
		s := &sums[i/step]
		s[0], s[1], s[2] = s[0]+m.Started, s[1]+m.Ended, s[2]+m.Missed
		c.Top = max(c.Top, s[0], s[1], s[2])
	}
	for i, s := range sums {
		col := column{X: float64(i) * wide, W: wide}
		col.Legend = fmt.Sprintf("%d s: %d started, %d ended, %d requests unanswered", i*step, s[0], s[1], s[2])
		for k, v := range s {
			h := float64(chartHeight) * float64(v) / float64(max(c.Top, 1))
			col.Bars[k] = bar{X: col.X + wide*(.08+.28*float64(k)), W: wide * .26, Y: chartHeight - h, H: h}
		}
		c.Columns = append(c.Columns, col)
	}
	at := func(s Seconds) float64 { return float64(s) / float64(step) * wide }
	for i, f := range rep.Faults { // neighbours don't write over each other
		c.Faults = append(c.Faults, mark{X: at(f.At), W: max(at(f.Took), 2), Y: -4 + 13*(i%2), Text: fmt.Sprintf("%s %d", f.Phase, f.Round)})
	}
	for s := 0; s < n*step; s += max(n*step/10, 1) {
		c.Ticks = append(c.Ticks, mark{X: at(Seconds(s)), Text: fmt.Sprintf("%d s", s)})
	}
	return c
}
