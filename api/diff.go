package api

import (
	"fmt"
	"strings"

	"cierzo/fault"
)

const (
	// diffEditsMax bounds the changes of a diff, in lines; the time and the memory grow with its square.
	diffEditsMax = 2000
	// diffContext is how many lines around a change are shown.
	diffContext = 3
)

// edit is a line of a diff: ' ' is in both texts, '-' only in the old one, '+' only in the new one.
type edit struct {
	kind byte
	line string
}

// unifiedDiff is the difference of two texts as `diff -u` shows it, without names of files; "" when they are the same.
func unifiedDiff(from, to string) (string, error) {
	if from == to {
		return "", nil
	}
	a, b := splitLines(from), splitLines(to)
	edits, ok := shortestEdit(a, b)
	if !ok {
		return "", fault.New(fault.Invalid, "The texts differ in more than %d lines", diffEditsMax)
	}
	var out strings.Builder
	for _, h := range hunks(edits) {
		h.write(&out, edits)
	}
	return out.String(), nil
}

// splitLines parts a text into lines. A last line without its end says so, as in diff.
func splitLines(text string) []string {
	if text == "" {
		return nil
	}
	lines := strings.SplitAfter(text, "\n")
	if last := len(lines) - 1; lines[last] == "" {
		lines = lines[:last]
	} else {
		lines[last] += "\n\\ No newline at end of file\n"
	}
	return lines
}

// shortestEdit is Myers' algorithm: the shortest way from a to b by taking lines away and putting lines in. false: it is
// longer than diffEditsMax.
func shortestEdit(a, b []string) ([]edit, bool) {
	limit := min(len(a)+len(b), diffEditsMax)
	// reach[k] is how far in a one gets on diagonal k (lines of a minus lines of b) with d changes.
	reach := make([]int, 2*limit+3)
	mid := limit + 1
	var trace [][]int
	for d := 0; d <= limit; d++ {
		trace = append(trace, append([]int(nil), reach[mid-d:mid+d+1]...))
		for k := -d; k <= d; k += 2 {
			x := reach[mid+k-1] + 1
			if k == -d || k != d && reach[mid+k-1] < reach[mid+k+1] {
				x = reach[mid+k+1]
			}
			for x < len(a) && x-k < len(b) && a[x] == b[x-k] {
				x++
			}
			reach[mid+k] = x
			if x >= len(a) && x-k >= len(b) {
				return wayBack(a, b, trace), true
			}
		}
	}
	return nil, false
}

// wayBack goes the way that trace has found from its end to its beginning. trace[d] holds the diagonals -d…d before step d.
func wayBack(a, b []string, trace [][]int) []edit {
	var back []edit
	x, y := len(a), len(b)
	for d := len(trace) - 1; d > 0; d-- {
		at := func(k int) int {
			if i := k + d; i >= 0 && i < len(trace[d]) {
				return trace[d][i]
			}
			return -1
		}
		k := x - y
		before := k - 1
		if k == -d || k != d && at(k-1) < at(k+1) {
			before = k + 1
		}
		fromX := at(before)
		for x > fromX && y > fromX-before && x > 0 && y > 0 && a[x-1] == b[y-1] {
			x, y = x-1, y-1
			back = append(back, edit{' ', a[x]})
		}
		if before == k+1 {
			y--
			back = append(back, edit{'+', b[y]})
		} else {
			x--
			back = append(back, edit{'-', a[x]})
		}
	}
	for x > 0 {
		x--
		back = append(back, edit{' ', a[x]})
	}
	for i, j := 0, len(back)-1; i < j; i, j = i+1, j-1 {
		back[i], back[j] = back[j], back[i]
	}
	return back
}

// hunk is a part of a diff: edits first…last-1, which begin at lines a and b (from 1).
type hunk struct{ first, last, a, b int }

// hunks groups changes with the lines around them; groups that touch are one.
func hunks(edits []edit) []hunk {
	var out []hunk
	a, b := 1, 1
	var atA, atB []int
	for _, e := range edits {
		atA, atB = append(atA, a), append(atB, b)
		if e.kind != '+' {
			a++
		}
		if e.kind != '-' {
			b++
		}
	}
	for i, e := range edits {
		if e.kind == ' ' {
			continue
		}
		first, last := max(i-diffContext, 0), min(i+diffContext+1, len(edits))
		if n := len(out); n > 0 && first <= out[n-1].last {
			out[n-1].last = last
			continue
		}
		out = append(out, hunk{first, last, atA[first], atB[first]})
	}
	return out
}

func (h hunk) write(out *strings.Builder, edits []edit) {
	var a, b int
	for _, e := range edits[h.first:h.last] {
		if e.kind != '+' {
			a++
		}
		if e.kind != '-' {
			b++
		}
	}
	fmt.Fprintf(out, "@@ -%s +%s @@\n", span(h.a, a), span(h.b, b))
	for _, e := range edits[h.first:h.last] {
		out.WriteByte(e.kind)
		out.WriteString(e.line)
	}
}

// span is a place in a text as diff writes it. A place without lines is named by the line before it.
func span(first, count int) string {
	switch count {
	case 0:
		return fmt.Sprintf("%d,0", first-1)
	case 1:
		return fmt.Sprint(first)
	}
	return fmt.Sprintf("%d,%d", first, count)
}
