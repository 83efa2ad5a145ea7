package show

import (
	"fmt"
	"strings"
	"time"

	"cierzo/api/apitype"
)

// Branch is a line of an execution's tree: an execution or a task.
type Branch struct {
	ID    string
	Path  string // names from the root: "deploy/check/probe"
	State string
	Info  string // the state info's first line, if it says more than the state
	lines string // of the tree, in front
	name  string
	took  string
	note  string
}

// Tree is what an execution consists of, line by line, as its report has it. now ends what is still running.
func Tree(r *apitype.Report, now time.Time) []Branch {
	if r.Root == nil {
		return nil
	}
	return executionBranches(nil, r.Root, r.Root.Name, "", "", now)
}

func executionBranches(out []Branch, e *apitype.ReportExecution, path, first, rest string, now time.Time) []Branch {
	out = append(out, Branch{
		ID: e.ID, Path: path, State: e.State, Info: firstLine(e.State, e.StateInfo.Value), lines: first, name: e.Name,
		took: took(e.State, e.CreatedAt, e.UpdatedAt, now), note: e.ID,
	})
	for i := range e.Tasks {
		t := &e.Tasks[i]
		branch, below := rest+"├─ ", rest+"│  "
		if i == len(e.Tasks)-1 {
			branch, below = rest+"└─ ", rest+"   "
		}
		at := path + "/" + t.Name
		out = append(out, Branch{
			ID: t.ID, Path: at, State: t.State, Info: firstLine(t.State, t.StateInfo.Value), lines: branch, name: t.Name,
			took: took(t.State, t.CreatedAt, t.UpdatedAt, now), note: actionsNote(t),
		})
		for j := range t.Workflows {
			w := &t.Workflows[j]
			inner, more := below+"├─ ", below+"│  "
			if j == len(t.Workflows)-1 {
				inner, more = below+"└─ ", below+"   "
			}
			name := at + "/" + w.Name
			if len(t.Workflows) > 1 {
				name += fmt.Sprintf("[%d]", j)
			}
			out = executionBranches(out, w, name, inner, more, now)
		}
	}
	return out
}

// actionsNote says what a task's actions are doing.
func actionsNote(t *apitype.ReportTask) string {
	var words []string
	if n := len(t.Actions); n > 0 {
		done := 0
		for _, a := range t.Actions {
			if Final(a.State) {
				done++
			}
		}
		name := t.Actions[0].Name
		switch {
		case n > 1 && done < n:
			words = append(words, fmt.Sprintf("%s %d/%d", name, done, n))
		case n > 1:
			words = append(words, fmt.Sprintf("%s ×%d", name, n))
		default:
			words = append(words, name)
		}
	}
	if t.RetryCount > 0 {
		words = append(words, fmt.Sprintf("retry %d", t.RetryCount))
	}
	return strings.Join(words, ", ")
}

func firstLine(state, info string) string {
	if state == "SUCCESS" {
		return ""
	}
	text, _, _ := strings.Cut(strings.TrimSpace(info), "\n")
	return Clean(text)
}

// took is how long something has lasted, in whole seconds, which is what the API's times have.
func took(state string, begin, end apitype.Opt[string], now time.Time) string {
	from, err := time.Parse(apitype.TimeFormat, begin.Value)
	if err != nil {
		return ""
	}
	if to, err := time.Parse(apitype.TimeFormat, end.Value); err == nil && (Final(state) || state == "SKIPPED") {
		now = to
	}
	return max(0, now.Sub(from)).Truncate(time.Second).String()
}

// TreeLine is a branch as a line of at most width characters (0: any).
func (p *Printer) TreeLine(b Branch, width int) string {
	text := Icon(b.State) + " " + Clean(b.name)
	head := pad(b.lines+text, 34) + gap + pad(b.State, 9) + gap + pad(b.took, 7)
	if b.note != "" {
		head += gap + Clean(b.note)
	}
	if b.Info != "" {
		head += gap + b.Info
	}
	head = strings.TrimRight(head, " ")
	if width > 0 {
		head = Clip(head, width)
	}
	if rest, ok := strings.CutPrefix(head, b.lines); ok {
		return p.faint(b.lines) + p.Paint(b.State, rest)
	}
	return head
}
