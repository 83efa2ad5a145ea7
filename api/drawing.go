package api

import (
	"fmt"
	"strings"

	"cierzo/api/apitype"
)

// stateColor is the colour of a node; every node also shows its state in words.
func stateColor(state string) string {
	switch state {
	case "SUCCESS":
		return "#c8e6c9"
	case "ERROR":
		return "#ffcdd2"
	case "RUNNING":
		return "#bbdefb"
	case "PAUSED", "DELAYED", "WAITING", "IDLE":
		return "#fff9c4"
	case "CANCELLED", "SKIPPED":
		return "#d7ccc8"
	}
	return "#ffffff"
}

// dotText draws a graph for Graphviz.
func dotText(g *apitype.Graph) string {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %s {\n  label=%s;\n  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\"];\n",
		dotQuote(g.Workflow), dotQuote(g.Workflow+" "+g.State))
	for i := range g.Nodes {
		n := &g.Nodes[i]
		shape := ""
		if n.Kind == "command" {
			shape = ", shape=oval"
		}
		fmt.Fprintf(&b, "  %s [label=%s, fillcolor=%s%s];\n", dotQuote(n.Name), dotQuote(strings.Join(nodeLines(n), "\n")), dotQuote(stateColor(n.State)), shape)
	}
	for _, e := range g.Edges {
		style := "dashed"
		if e.Taken {
			style = "bold"
		}
		fmt.Fprintf(&b, "  %s -> %s [label=%s, style=%s];\n", dotQuote(e.From), dotQuote(e.To), dotQuote(edgeLabel(e)), style)
	}
	b.WriteString("}\n")
	return b.String()
}

func dotQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", "").Replace(s) + `"`
}

// nodeLines is what a node shows.
func nodeLines(n *apitype.GraphNode) []string {
	lines := []string{n.Name}
	if n.Runs != "" {
		lines = append(lines, n.Runs)
	}
	if n.Join != "" {
		lines = append(lines, "join "+n.Join)
	}
	if n.State != "" {
		lines = append(lines, n.State)
	}
	return lines
}

func edgeLabel(e apitype.GraphEdge) string {
	if e.Conditional {
		return e.On + "?"
	}
	return e.On
}

// mermaidText draws a graph for Mermaid. Its ids are numbers, for names of tasks may be anything.
func mermaidText(g *apitype.Graph) string {
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	ids := map[string]string{}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		id := fmt.Sprintf("n%d", i)
		ids[n.Name] = id
		left, right := "[", "]"
		if n.Kind == "command" {
			left, right = "([", "])"
		}
		fmt.Fprintf(&b, "  %s%s%s%s\n", id, left, mermaidQuote(strings.Join(nodeLines(n), "\n")), right)
		if n.State != "" {
			fmt.Fprintf(&b, "  style %s fill:%s\n", id, stateColor(n.State))
		}
	}
	for _, e := range g.Edges {
		arrow := "-.->"
		if e.Taken {
			arrow = "==>"
		}
		fmt.Fprintf(&b, "  %s %s|%s| %s\n", ids[e.From], arrow, mermaidQuote(edgeLabel(e)), ids[e.To])
	}
	return b.String()
}

// mermaidQuote writes a text with its special characters as entities.
func mermaidQuote(s string) string {
	return `"` + strings.NewReplacer("#", "#35;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "&", "#amp;", "\n", "<br/>", "\r", "").Replace(s) + `"`
}
