package deploy

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"cierzo/api/apitype"
	"cierzo/api/client"
	"cierzo/fault"
)

// MemberItem says that a workflow is shared with a project. Only the project itself can accept it, so on another server each has
// to do it again.
type MemberItem struct {
	Workflow, Namespace string
	Project             string
	Accepted            bool // on the server that it comes from
}

// members reads with whom the workflows are shared. A server that authenticates nobody shares nothing.
func (r *reader) members() error {
	if !r.wants(Member) {
		return nil
	}
	var list []apitype.Workflow
	for _, w := range r.out.workflows {
		if w.Scope != "public" {
			list = append(list, w)
		}
	}
	slices.SortFunc(list, func(a, b apitype.Workflow) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	for _, w := range list {
		members, err := r.client.Members(r.ctx, w.ID)
		switch {
		case fault.Is(err, fault.Invalid):
			return nil
		case fault.Is(err, fault.Forbidden) || fault.Is(err, fault.NotFound):
			continue // a workflow that somebody shares with us
		case err != nil:
			if err := r.note(Member, w.Name, err); err != nil {
				return err
			}
			continue
		}
		for _, m := range members {
			if m.ProjectID != w.ProjectID || m.ProjectID == m.MemberID || m.Status == "rejected" {
				continue
			}
			item := &MemberItem{Workflow: w.Name, Namespace: w.Namespace, Project: m.MemberID, Accepted: m.Status == "accepted"}
			name := w.Name + " with " + m.MemberID
			r.out.Items = append(r.out.Items, Item{Kind: Member, Names: []string{name}, Namespace: w.Namespace, Origin: origin(Member, w.Namespace, name), Member: item})
			if item.Accepted {
				r.out.Notes = append(r.out.Notes, Note{
					Level: "warning", Kind: Member, Name: name, Code: "accept-again",
					Text: fmt.Sprintf("the project %s has accepted it there, and has to do so again", m.MemberID), Hint: "`cierzo member update WORKFLOW --status accepted`, in its name",
				})
			}
		}
	}
	return nil
}

// DropMembers leaves sharing out of what was read when a server authenticates nobody, so nothing can be shared there.
func (r *Read) DropMembers(ctx context.Context, c *client.Client) {
	shared := func(i Item) bool { return i.Kind == Member }
	if !slices.ContainsFunc(r.Items, shared) {
		return
	}
	const anyWorkflow = "00000000-0000-4000-8000-000000000000"
	if _, err := c.Members(ctx, anyWorkflow); !fault.Is(err, fault.Invalid) {
		return
	}
	r.Items = slices.DeleteFunc(r.Items, shared)
	for i := range r.Notes {
		if n := &r.Notes[i]; n.Code == "accept-again" {
			n.Text, n.Hint, n.Code = "it is shared there; the target authenticates nobody, so nothing is shared here", "", "not-shared"
		}
	}
}

// member compares with whom a workflow is shared. A workflow that isn't there yet comes before.
func (p *planner) member(item Item) (*Step, error) {
	s := &Step{Verb: Create, Item: item, Diff: "shared: " + item.Names[0] + "\n"}
	w, err := p.client.Workflow(p.ctx, item.Member.Workflow, item.Member.Namespace)
	if fault.Is(err, fault.NotFound) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	list, err := p.client.Members(p.ctx, w.ID)
	if err != nil {
		return nil, err
	}
	// What somebody shares with us is ours on the other server, and needs no sharing there.
	if w.ProjectID == item.Member.Project || slices.ContainsFunc(list, func(m apitype.Member) bool { return m.MemberID == item.Member.Project }) {
		s.Verb, s.Diff = Keep, ""
	}
	return s, nil
}

func putMember(ctx context.Context, c *client.Client, s *Step) error {
	m := s.Item.Member
	w, err := c.Workflow(ctx, m.Workflow, m.Namespace)
	if err != nil {
		return err
	}
	if w.ProjectID == m.Project {
		return nil
	}
	_, err = c.CreateMember(ctx, w.ID, m.Project)
	if fault.Is(err, fault.Conflict) {
		return nil // it is shared already
	}
	return err
}
