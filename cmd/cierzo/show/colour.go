package show

const reset = "\x1b[0m"

// Icon is a state as one character, so that it is seen without colours.
func Icon(state string) string {
	switch state {
	case "SUCCESS":
		return "✓"
	case "ERROR":
		return "✗"
	case "CANCELLED":
		return "⊘"
	case "PAUSED":
		return "‖"
	case "SKIPPED":
		return "»"
	case "RUNNING":
		return "▶"
	default:
		return "…"
	}
}

// Paint gives a text the colour of a state, if there are colours.
func (p *Printer) Paint(state, text string) string {
	if !p.Colour {
		return text
	}
	return "\x1b[" + code(state) + "m" + text + reset
}

func code(state string) string {
	switch state {
	case "SUCCESS":
		return "32"
	case "ERROR":
		return "31"
	case "RUNNING":
		return "36"
	case "CANCELLED", "PAUSED", "SKIPPED":
		return "33"
	}
	return "2"
}

func (p *Printer) faint(text string) string {
	if !p.Colour {
		return text
	}
	return "\x1b[2m" + text + reset
}

// Diff gives the lines of a difference their colours: what goes is red, what comes is green.
func (p *Printer) Diff(line string) string {
	switch {
	case len(line) > 0 && line[0] == '+':
		return p.Paint("SUCCESS", line)
	case len(line) > 0 && line[0] == '-':
		return p.Paint("ERROR", line)
	case len(line) > 1 && line[:2] == "@@":
		return p.Paint("RUNNING", line)
	}
	return line
}
