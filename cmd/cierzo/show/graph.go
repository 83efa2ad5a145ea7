package show

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"cierzo/api/apitype"
)

// Draw draws the tasks of an execution from above to below: a row for each, and lines to the left of the names for the
// transitions that have not got to their task yet. A transition that goes back up is said in words.
func (p *Printer) Draw(g *apitype.Graph) string {
	d := &drawing{graph: g, node: map[string]*apitype.GraphNode{}, next: map[string][]string{}, back: map[string][]apitype.GraphEdge{}}
	d.prepare()
	d.draw()
	width, names, runs := 0, 0, 0
	for _, r := range d.rows {
		width = max(width, utf8.RuneCountInString(r.lines))
		if r.node != nil {
			names, runs = max(names, utf8.RuneCountInString(r.node.Name)), max(runs, utf8.RuneCountInString(runsText(r.node)))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n\n", Clean(g.Workflow), p.Paint(g.State, Icon(g.State)+" "+g.State))
	for _, r := range d.rows {
		if r.node == nil {
			b.WriteString(p.faint(r.lines) + "\n")
			continue
		}
		n := r.node
		left := r.lines + strings.Repeat(" ", width-utf8.RuneCountInString(r.lines))
		text := left + gap + pad(Clean(n.Name), names) + gap + pad(Clean(runsText(n)), runs) + gap + pad(n.State, 9)
		if note := d.note(n); note != "" {
			text += gap + Clean(note)
		}
		b.WriteString(p.paintRow(n.State, strings.TrimRight(text, " ")) + "\n")
	}
	return b.String()
}

func (p *Printer) paintRow(state, text string) string {
	if state == "" {
		return p.faint(text)
	}
	return p.Paint(state, text)
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}

// runsText says what a node does.
func runsText(n *apitype.GraphNode) string {
	text := n.Runs
	if n.Kind == "command" {
		text = "(command)"
	}
	if n.Kind == "workflow" {
		text = "workflow " + text
	}
	if n.Items {
		text += " with-items"
	}
	if n.Join != "" {
		text += " join " + n.Join
	}
	return text
}

// row is a line of the drawing; node is nil for one that only has transitions.
type row struct {
	lines string
	node  *apitype.GraphNode
}

type drawing struct {
	graph *apitype.Graph
	node  map[string]*apitype.GraphNode
	next  map[string][]string            // targets further down, in order and once each
	back  map[string][]apitype.GraphEdge // what goes back up
	order []string
	lanes []string // the task that each lane leads to; "" is a free lane
	rows  []row
}

// prepare takes out what goes back up, and orders the nodes so that every other transition goes down.
func (d *drawing) prepare() {
	out := map[string][]apitype.GraphEdge{}
	for _, e := range d.graph.Edges {
		out[e.From] = append(out[e.From], e)
	}
	state := map[string]int{} // 1: on the way, 2: done
	var visit func(name string)
	visit = func(name string) {
		state[name] = 1
		for _, e := range out[name] {
			switch {
			case state[e.To] == 1:
				d.back[name] = append(d.back[name], e)
				continue
			case state[e.To] == 0:
				visit(e.To)
			}
			if !slices.Contains(d.next[name], e.To) {
				d.next[name] = append(d.next[name], e.To)
			}
		}
		state[name] = 2
	}
	for i := range d.graph.Nodes {
		d.node[d.graph.Nodes[i].Name] = &d.graph.Nodes[i]
	}
	entries := map[string]int{}
	for _, e := range d.graph.Edges {
		if e.To != e.From {
			entries[e.To]++
		}
	}
	// From the entries first: then what goes back up is what the reader would call so.
	for _, first := range []bool{true, false} {
		for _, n := range d.graph.Nodes {
			if state[n.Name] == 0 && (entries[n.Name] == 0 || !first) {
				visit(n.Name)
			}
		}
	}
	d.sort()
}

// sort is Kahn's: of the nodes that nothing leads to any more, the one that the workflow has first.
func (d *drawing) sort() {
	waits := map[string]int{}
	for _, targets := range d.next {
		for _, to := range targets {
			waits[to]++
		}
	}
	done := map[string]bool{}
	for len(d.order) < len(d.graph.Nodes) {
		before := len(d.order)
		for _, n := range d.graph.Nodes {
			if done[n.Name] || waits[n.Name] > 0 {
				continue
			}
			done[n.Name] = true
			d.order = append(d.order, n.Name)
			for _, to := range d.next[n.Name] {
				waits[to]--
			}
			break
		}
		if len(d.order) == before {
			return // two nodes of one name; no workflow has them
		}
	}
}

func (d *drawing) draw() {
	for _, name := range d.order {
		at, others := d.arrivals(name)
		if len(others) > 0 {
			d.rows = append(d.rows, row{lines: d.connect(at, others, '╯', '┴')})
			for _, lane := range others {
				d.lanes[lane] = ""
			}
		}
		d.lanes[at] = name
		d.rows = append(d.rows, row{lines: d.nodeLine(at, d.node[name]), node: d.node[name]})
		d.lanes[at] = ""
		var opened []int
		for i, to := range d.next[name] {
			lane := at
			if i > 0 {
				lane = d.free(at)
				opened = append(opened, lane)
			}
			d.lanes[lane] = to
		}
		if len(opened) > 0 {
			d.rows = append(d.rows, row{lines: d.connect(at, opened, '╮', '┬')})
		}
		d.trim()
	}
}

// arrivals is the lane of a node, and the other lanes that lead to it: they are all to the right.
func (d *drawing) arrivals(name string) (int, []int) {
	var lanes []int
	for i, to := range d.lanes {
		if to == name {
			lanes = append(lanes, i)
		}
	}
	if len(lanes) == 0 {
		return d.free(-1), nil
	}
	return lanes[0], lanes[1:]
}

// free is a lane that leads nowhere, to the right of another.
func (d *drawing) free(after int) int {
	for i := after + 1; i < len(d.lanes); i++ {
		if d.lanes[i] == "" {
			return i
		}
	}
	d.lanes = append(d.lanes, "")
	return len(d.lanes) - 1
}

func (d *drawing) trim() {
	for len(d.lanes) > 0 && d.lanes[len(d.lanes)-1] == "" {
		d.lanes = d.lanes[:len(d.lanes)-1]
	}
}

// nodeLine has the node's state in its lane.
func (d *drawing) nodeLine(at int, n *apitype.GraphNode) string {
	return d.line(func(lane int) string {
		switch {
		case lane == at && n.Kind == "command":
			return "◆ "
		case lane == at && n.State == "":
			return "○ "
		case lane == at:
			return Icon(n.State) + " "
		case d.lanes[lane] != "":
			return "│ "
		}
		return "  "
	})
}

// connect draws from a lane to others right of it; last and middle are the characters where those are met.
func (d *drawing) connect(at int, others []int, last, middle rune) string {
	end := others[len(others)-1]
	return d.line(func(lane int) string {
		dash := " "
		if lane >= at && lane < end {
			dash = "─"
		}
		switch {
		case lane == at:
			return "├" + dash
		case lane == end:
			return string(last) + dash
		case slices.Contains(others, lane):
			return string(middle) + dash
		case lane > at && lane < end && d.lanes[lane] != "":
			return "┼" + dash
		case lane > at && lane < end:
			return "─" + dash
		case d.lanes[lane] != "":
			return "│" + dash
		}
		return " " + dash
	})
}

func (d *drawing) line(of func(lane int) string) string {
	var b strings.Builder
	for lane := range d.lanes {
		b.WriteString(of(lane))
	}
	return strings.TrimRight(b.String(), " ")
}

// note says of a node's transitions what the lines don't: which go back up, and which need more than a success.
func (d *drawing) note(n *apitype.GraphNode) string {
	var words []string
	for _, e := range d.graph.Edges {
		if e.From != n.Name || e.On == "requires" {
			continue
		}
		back := slices.Contains(d.back[n.Name], e)
		if e.On == "success" && !e.Conditional && !back {
			continue
		}
		text := e.On
		if e.Conditional {
			text += "?"
		}
		arrow := " → "
		if back {
			arrow = " ↺ "
		}
		words = append(words, text+arrow+e.To)
	}
	return strings.Join(words, ", ")
}
