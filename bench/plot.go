package bench

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

const block = "█"

// Histogram draws how often which latency came: a line for each power of the square root of two in milliseconds, width
// characters at most.
func Histogram(ms []float64, width int) string {
	if len(ms) == 0 {
		return ""
	}
	counts, low, high := map[int]int{}, math.MaxInt, math.MinInt
	for _, v := range ms {
		i := int(math.Floor(2 * math.Log2(max(v, 1e-3))))
		counts[i]++
		low, high = min(low, i), max(high, i)
	}
	most := 0
	for _, n := range counts {
		most = max(most, n)
	}
	var b strings.Builder
	for i := low; i <= high; i++ {
		bar := counts[i] * width / most
		if counts[i] > 0 {
			bar = max(bar, 1)
		}
		fmt.Fprintf(&b, "%9.2f ms  %-*s %d\n", math.Exp2(float64(i)/2), width, strings.Repeat(block, bar), counts[i])
	}
	return b.String()
}

// Plot draws a curve as lines of text, with its slope.
func (c Curve) Plot(width int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s by %s\n", c.Name, c.Y, c.X)
	if c.Skipped != "" {
		fmt.Fprintf(&b, "  not measured: %s\n", c.Skipped)
		return b.String()
	}
	most := 0.0
	for _, p := range c.Points {
		most = max(most, p.Y)
	}
	for _, p := range c.Points {
		fmt.Fprintf(&b, "%10s  %-*s %.3f", number(p.X), width, strings.Repeat(block, max(1, int(p.Y/most*float64(width)))), p.Y)
		if p.Cost.WAL > 0 {
			fmt.Fprintf(&b, "  %.0f B of WAL", p.Cost.WAL)
		} else if p.Cost.Written > 0 {
			fmt.Fprintf(&b, "  %.0f B to the disk", p.Cost.Written)
		}
		if p.MiB > 0 {
			fmt.Fprintf(&b, "  +%.0f MiB", p.MiB)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "  slope %.2f (0: the cost of each stays, 1: it grows in proportion)\n", c.Slope)
	return b.String()
}

func number(x float64) string {
	s := strconv.FormatFloat(x, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// The picture's measures.
const (
	svgWidth, svgHeight = 480, 260
	svgLeft, svgRight   = 64, 16
	svgTop, svgBottom   = 32, 44
)

// SVG draws a curve as a picture with logarithmic axes, readable on light and on dark ground.
func (c Curve) SVG() string {
	if len(c.Points) == 0 {
		return ""
	}
	low, high := axis(c.Points, func(p Point) float64 { return p.X })
	floor, ceiling := axis(c.Points, func(p Point) float64 { return p.Y })
	at := func(p Point) (x, y float64) {
		x = svgLeft + (math.Log10(p.X)-low)/(high-low)*(svgWidth-svgLeft-svgRight)
		y = svgHeight - svgBottom - (math.Log10(p.Y)-floor)/(ceiling-floor)*(svgHeight-svgTop-svgBottom)
		return x, y
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" role="img">`+"\n", svgWidth, svgHeight)
	fmt.Fprintf(&b, `<title>%s by %s, slope %.2f</title>`+"\n", c.Y, c.X, c.Slope)
	b.WriteString("<style>text{fill:#57606a}.g{stroke:#8c959f;stroke-opacity:.35}.c{stroke:#0969da;fill:none;stroke-width:2}.d{fill:#0969da}" +
		"@media(prefers-color-scheme:dark){text{fill:#9198a1}.c{stroke:#4493f8}.d{fill:#4493f8}}</style>\n")
	for v := math.Ceil(floor); v <= ceiling; v++ {
		_, y := at(Point{1, math.Pow(10, v), Cost{}, 0})
		fmt.Fprintf(&b, `<line class="g" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text x="%d" y="%.1f" text-anchor="end">%g</text>`+"\n",
			svgLeft, svgWidth-svgRight, y, y, svgLeft-6, y+4, math.Pow(10, v))
	}
	var line []string
	for _, p := range c.Points {
		x, y := at(p)
		line = append(line, fmt.Sprintf("%.1f,%.1f", x, y))
		fmt.Fprintf(&b, `<circle class="d" cx="%.1f" cy="%.1f" r="3"><title>%s: %.3g</title></circle><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n",
			x, y, number(p.X), p.Y, x, svgHeight-svgBottom+18, number(p.X))
	}
	fmt.Fprintf(&b, `<polyline class="c" points="%s"/>`+"\n", strings.Join(line, " "))
	fmt.Fprintf(&b, `<text x="%d" y="18">%s</text><text x="%d" y="%d" text-anchor="end">%s · slope %.2f</text>`+"\n</svg>\n",
		svgLeft, c.Y, svgWidth-svgRight, svgHeight-8, c.X, c.Slope)
	return b.String()
}

// axis gives the logarithms between which all values are, at least a decade apart.
func axis(points []Point, of func(Point) float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, p := range points {
		v := math.Log10(max(of(p), 1e-6))
		low, high = min(low, v), max(high, v)
	}
	if high-low < 1 {
		middle := (low + high) / 2
		return middle - 0.6, middle + 0.6
	}
	return low - 0.05, high + 0.05
}
