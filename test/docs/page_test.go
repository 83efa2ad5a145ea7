package docs

import (
	"fmt"
	"regexp"
	"strings"
)

// page is what a Markdown file asks to be checked.
type page struct {
	steps []step
	links []string
}

// step is a file to write or a command to run.
type step struct {
	line    int
	file    string // its name; empty for a command
	text    string // the file's text
	command string
	want    []string // lines that the command prints; none: whatever it prints
}

var (
	fence    = regexp.MustCompile("^(```+)\\s*([a-z]*)")
	fileName = regexp.MustCompile(`^(?:#|//) ([A-Za-z0-9_-]+\.[a-z]+)$`)
	link     = regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)]*)?\)`)
)

// parsePage reads Markdown as far as its fences and links go.
func parsePage(text string) (page, error) {
	var out page
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		open := fence.FindStringSubmatch(lines[i])
		if open == nil {
			for _, found := range link.FindAllStringSubmatch(lines[i], -1) {
				out.links = append(out.links, found[1])
			}
			continue
		}
		end := i + 1
		for end < len(lines) && strings.TrimSpace(lines[end]) != open[1] {
			end++
		}
		if end == len(lines) {
			return page{}, fmt.Errorf("line %d: the block has no end", i+1)
		}
		steps, err := parseBlock(open[2], lines[i+1:end], i+2)
		if err != nil {
			return page{}, err
		}
		out.steps = append(out.steps, steps...)
		i = end
	}
	return out, nil
}

func parseBlock(language string, lines []string, first int) ([]step, error) {
	switch language {
	case "console":
		return parseConsole(lines, first)
	case "yaml", "go":
		if len(lines) == 0 {
			return nil, nil
		}
		if name := fileName.FindStringSubmatch(lines[0]); name != nil {
			return []step{{line: first, file: name[1], text: strings.Join(lines, "\n") + "\n"}}, nil
		}
	}
	return nil, nil
}

func parseConsole(lines []string, first int) ([]step, error) {
	var steps []step
	for i, line := range lines {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			steps = append(steps, step{line: first + i, command: strings.TrimSpace(command)})
			continue
		}
		if len(steps) == 0 {
			return nil, fmt.Errorf("line %d: a console block begins with a command after \"$ \"", first+i)
		}
		last := &steps[len(steps)-1]
		if before, ok := strings.CutSuffix(last.command, "\\"); ok {
			last.command = before + strings.TrimSpace(line)
			continue
		}
		last.want = append(last.want, line)
	}
	return steps, nil
}

// matches compares printed lines with the wanted ones, in which "…" stands for any number of lines.
func matches(want, got []string) bool {
	if len(want) == 0 {
		return len(got) == 0
	}
	if strings.TrimSpace(want[0]) == "…" {
		for skip := 0; skip <= len(got); skip++ {
			if matches(want[1:], got[skip:]) {
				return true
			}
		}
		return false
	}
	return len(got) > 0 && strings.TrimRight(want[0], " ") == strings.TrimRight(got[0], " ") && matches(want[1:], got[1:])
}
