package api

import (
	"net/http"
	"slices"

	"cierzo/api/apitype"
	"cierzo/fault"
	"cierzo/persistence"
)

// A private workflow can be shared: its owner names projects, and each of them accepts or rejects.

func memberJSON(r *persistence.Resource) (apitype.Member, error) {
	m, err := persistence.DocOf[persistence.Member](r)
	return apitype.Member{
		ID: r.ID, ResourceID: r.Namespace, ResourceType: "workflow", ProjectID: r.ProjectID, MemberID: r.Name, Status: m.Status,
		CreatedAt: apitype.Time(r.CreatedAt), UpdatedAt: apitype.Time(r.UpdatedAt),
	}, err
}

// sharing prepares a request about members: it needs several projects, and the id of a workflow.
func (s *server) sharing(r *http.Request) (string, error) {
	if !s.authenticates {
		return "", fault.New(fault.Invalid, "Resource sharing feature can only be supported with authentication enabled.")
	}
	id := r.PathValue("name")
	if !isUUID(id) {
		return "", fault.New(fault.Invalid, "Invalid input for field/attribute identifier. Value: '%s'. Value should be UUID format", clipText(id))
	}
	return id, knownOnly(r.URL.Query())
}

// sharedWith reports whether the project has accepted the workflow.
func (s *server) sharedWith(r *http.Request, project, workflowID string) bool {
	list, err := s.acceptedBy(r, project)
	return err == nil && slices.ContainsFunc(list, func(m persistence.Resource) bool { return m.Namespace == workflowID })
}

// acceptedBy lists what is shared with the project and accepted.
func (s *server) acceptedBy(r *http.Request, project string) ([]persistence.Resource, error) {
	if !s.authenticates || project == "" {
		return nil, nil
	}
	list, err := s.allResources(r, persistence.ResourcesQuery{Kind: persistence.MemberResource, Ref: project})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list, func(m persistence.Resource) bool {
		doc, err := persistence.DocOf[persistence.Member](&m)
		return err != nil || doc.Status != "accepted"
	}), nil
}

// sharedDefinitions are the workflows of others that the project has accepted; public ones are in its list anyway.
func (s *server) sharedDefinitions(r *http.Request, project string) ([]persistence.Definition, error) {
	list, err := s.acceptedBy(r, project)
	if err != nil {
		return nil, err
	}
	var out []persistence.Definition
	for _, m := range list {
		d, err := s.Catalog.Newest(r.Context(), persistence.WorkflowDefinition, m.Namespace)
		if err != nil {
			return nil, err
		}
		if d != nil && d.Scope != "public" {
			out = append(out, *d)
		}
	}
	return out, nil
}

// sharedByName finds a workflow that is shared with the caller by its name; nil: there is none.
func (s *server) sharedByName(r *http.Request, key persistence.DefinitionKey) (*persistence.Definition, error) {
	list, err := s.sharedDefinitions(r, key.ProjectID)
	for i := range list {
		if list[i].Name == key.Name && list[i].Namespace == key.Namespace {
			return &list[i], err
		}
	}
	return nil, err
}

// endSharing forgets whom a workflow was shared with.
func (s *server) endSharing(r *http.Request, d *persistence.Definition) error {
	list, err := s.allResources(r, persistence.ResourcesQuery{Kind: persistence.MemberResource, Namespace: d.FirstID})
	if err != nil {
		return err
	}
	for _, m := range list {
		if err := s.Store.DeleteResource(r.Context(), m.Kind, m.ID, 0); err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	return nil
}

// listMembers shows the owner all members, and a member itself.
func (s *server) listMembers(r *http.Request) (int, any, error) {
	id, err := s.sharing(r)
	if err != nil {
		return 0, nil, err
	}
	list, err := s.allResources(r, persistence.ResourcesQuery{Kind: persistence.MemberResource, Namespace: id})
	if err != nil {
		return 0, nil, err
	}
	c := callerOf(r)
	out := apitype.Members{Members: []apitype.Member{}}
	for i := range list {
		if list[i].ProjectID != c.ProjectID && list[i].Name != c.ProjectID && !c.Admin {
			continue
		}
		item, err := memberJSON(&list[i])
		if err != nil {
			return 0, nil, err
		}
		out.Members = append(out.Members, item)
	}
	return http.StatusOK, out, nil
}

func (s *server) createMember(r *http.Request) (int, any, error) {
	id, err := s.sharing(r)
	if err != nil {
		return 0, nil, err
	}
	f, err := readFields(r, "member_info", "member_id", "status", "id", "resource_id", "resource_type", "project_id", "created_at", "updated_at")
	if err != nil {
		return 0, nil, err
	}
	member, err := f.text("member_id")
	if err != nil {
		return 0, nil, err
	}
	if member == "" {
		return 0, nil, fault.New(fault.Invalid, "Member id must be provided.")
	}
	if err := checkName("member_id", member); err != nil {
		return 0, nil, err
	}
	d, err := s.Catalog.Newest(r.Context(), persistence.WorkflowDefinition, id)
	if err != nil {
		return 0, nil, err
	}
	c := callerOf(r)
	if d == nil || d.ProjectID != c.ProjectID && !c.Admin {
		return 0, nil, fault.New(fault.NotFound, "Workflow not found [workflow_identifier=%s]", id)
	}
	if d.Scope != "private" {
		return 0, nil, fault.New(fault.Invalid, "Only private resource could be shared.")
	}
	res := persistence.Resource{
		Kind: persistence.MemberResource, ProjectID: d.ProjectID, Namespace: d.FirstID, Name: member, Ref: member, Scope: "private",
	}
	if err := persistence.SetDoc(&res, persistence.Member{Status: "pending"}); err != nil {
		return 0, nil, err
	}
	made, err := s.createResource(r, res, "Duplicate entry for ResourceMember ['resource_id', 'resource_type', 'member_id']: "+id+", workflow, "+member)
	if err != nil {
		return 0, nil, err
	}
	item, err := memberJSON(made)
	forgetUpdate(true, &item.UpdatedAt)
	return http.StatusCreated, item, err
}

// findMember finds a member of a workflow that the caller may see: as the owner or as the member.
func (s *server) findMember(r *http.Request) (*persistence.Resource, error) {
	id, err := s.sharing(r)
	if err != nil {
		return nil, err
	}
	list, err := s.allResources(r, persistence.ResourcesQuery{Kind: persistence.MemberResource, Namespace: id})
	if err != nil {
		return nil, err
	}
	c, member := callerOf(r), r.PathValue("member")
	for i := range list {
		if m := &list[i]; m.Name == member && (m.ProjectID == c.ProjectID || m.Name == c.ProjectID || c.Admin) {
			return m, nil
		}
	}
	return nil, noMember(id, member)
}

func noMember(id, member string) error {
	return fault.New(fault.NotFound, "Resource member not found [resource_id=%s, member_id=%s]", id, clipText(member))
}

func (s *server) getMember(r *http.Request) (int, any, error) {
	m, err := s.findMember(r)
	if err != nil {
		return 0, nil, err
	}
	item, err := memberJSON(m)
	return http.StatusOK, item, err
}

// updateMember is the member's own word about what is shared with it.
func (s *server) updateMember(r *http.Request) (int, any, error) {
	m, err := s.findMember(r)
	if err != nil {
		return 0, nil, err
	}
	f, err := readFields(r, "member_info", "member_id", "status", "id", "resource_id", "resource_type", "project_id", "created_at", "updated_at")
	if err != nil {
		return 0, nil, err
	}
	status, err := f.text("status")
	if err != nil {
		return 0, nil, err
	}
	if status == "" {
		return 0, nil, fault.New(fault.Invalid, "Status must be provided.")
	}
	if !slices.Contains([]string{"pending", "accepted", "rejected"}, status) {
		return 0, nil, fault.New(fault.Invalid, "Invalid input for field/attribute status. Value: '%s'. Value should be one of: accepted, pending, rejected", clipText(status))
	}
	if m.Name != callerOf(r).ProjectID {
		return 0, nil, noMember(m.Namespace, m.Name) // as Mistral says it to everybody but the member
	}
	if err := persistence.SetDoc(m, persistence.Member{Status: status}); err != nil {
		return 0, nil, err
	}
	changed, err := s.Store.UpdateResource(r.Context(), *m)
	if err != nil {
		return 0, nil, err
	}
	item, err := memberJSON(changed)
	return http.StatusOK, item, err
}

func (s *server) deleteMember(r *http.Request) (int, any, error) {
	m, err := s.findMember(r)
	if err != nil {
		return 0, nil, err
	}
	if c := callerOf(r); m.ProjectID != c.ProjectID && !c.Admin {
		return 0, nil, noMember(m.Namespace, m.Name) // only the owner takes a share back
	}
	return http.StatusNoContent, nil, s.removeResource(r, m)
}
