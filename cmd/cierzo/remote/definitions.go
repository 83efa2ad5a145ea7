package remote

import (
	"fmt"
	"net/url"

	"github.com/spf13/cobra"

	"cierzo/api/apitype"
	"cierzo/api/client"
	"cierzo/cmd/cierzo/input"
	"cierzo/cmd/cierzo/show"
	"cierzo/fault"
	"cierzo/node"
)

// namesMax is how many names are asked for to complete or to suggest one.
const namesMax = 1000

func workflowColumns() []show.Column {
	return []show.Column{
		{Title: "ID", Key: "id"},
		{Title: "Name", Key: "name"},
		{Title: "Namespace", Key: "namespace"},
		{Title: "Project", Key: "project_id", Wide: true},
		{Title: "Tags", Key: "tags"},
		{Title: "Input", Key: "input"},
		{Title: "Scope", Key: "scope"},
		{Title: "Created", Key: "created_at"},
		{Title: "Updated", Key: "updated_at"},
	}
}

func workbookColumns() []show.Column {
	return []show.Column{
		{Title: "Name", Key: "name"},
		{Title: "Namespace", Key: "namespace"},
		{Title: "Tags", Key: "tags"},
		{Title: "Scope", Key: "scope"},
		{Title: "Created", Key: "created_at"},
		{Title: "Updated", Key: "updated_at"},
		{Title: "ID", Key: "id", Wide: true},
	}
}

func actionColumns() []show.Column {
	return []show.Column{
		{Title: "Name", Key: "name"},
		{Title: "Namespace", Key: "namespace"},
		{Title: "Kind", Key: "is_system", Of: actionKind},
		{Title: "Input", Key: "input"},
		{Title: "Description", Key: "description"},
		{Title: "Tags", Key: "tags"},
		{Title: "ID", Key: "id", Wide: true},
		{Title: "Created", Key: "created_at", Wide: true},
		{Title: "Updated", Key: "updated_at", Wide: true},
	}
}

// definitions is what the commands of workflows, workbooks and actions have in common.
type definitions struct {
	what       string // "workflow"
	collection string // "workflows"
	columns    []show.Column
	list       func(s *session, q url.Values, most int) (any, error)
	names      func(s *session) ([]string, error)
	get        func(s *session, name, namespace string) (any, error)
	text       func(s *session, name, namespace string) (string, error)
	upload     func(s *session, id string, u client.Upload) (any, error)
	remove     func(s *session, name, namespace string) error
}

func newWorkflow() *cobra.Command {
	d := definitions{
		what: "workflow", collection: "workflows", columns: workflowColumns(),
		list: func(s *session, q url.Values, most int) (any, error) { return s.Workflows(s.ctx, q, most) },
		names: func(s *session) ([]string, error) {
			items, err := s.Workflows(s.ctx, url.Values{"fields": {"name"}}, namesMax)
			return namesOf(items, err, func(w apitype.Workflow) string { return w.Name })
		},
		get: func(s *session, name, ns string) (any, error) { return s.Workflow(s.ctx, name, ns) },
		text: func(s *session, name, ns string) (string, error) {
			w, err := s.Workflow(s.ctx, name, ns)
			return w.Definition, err
		},
		upload: func(s *session, id string, u client.Upload) (any, error) {
			if id == "" {
				return s.UploadWorkflows(s.ctx, u)
			}
			w, err := s.UpdateWorkflow(s.ctx, id, u)
			return []apitype.Workflow{*w}, err
		},
		remove: func(s *session, name, ns string) error { return s.DeleteWorkflow(s.ctx, name, ns) },
	}
	return noun("workflow", "Definitions of workflows", GroupDefinitions, []string{"wf"}, d.verbs()...)
}

func newWorkbook() *cobra.Command {
	d := definitions{
		what: "workbook", collection: "workbooks", columns: workbookColumns(),
		list: func(s *session, q url.Values, most int) (any, error) { return s.Workbooks(s.ctx, q, most) },
		names: func(s *session) ([]string, error) {
			items, err := s.Workbooks(s.ctx, url.Values{"fields": {"name"}}, namesMax)
			return namesOf(items, err, func(w apitype.Workbook) string { return w.Name })
		},
		get: func(s *session, name, ns string) (any, error) { return s.Workbook(s.ctx, name, ns) },
		text: func(s *session, name, ns string) (string, error) {
			w, err := s.Workbook(s.ctx, name, ns)
			return w.Definition, err
		},
		upload: func(s *session, _ string, u client.Upload) (any, error) {
			w, err := s.UploadWorkbook(s.ctx, u)
			return []apitype.Workbook{*w}, err
		},
		remove: func(s *session, name, ns string) error { return s.DeleteWorkbook(s.ctx, name, ns) },
	}
	return noun("workbook", "Definitions of workbooks: workflows and actions in one text", GroupDefinitions, []string{"wb"}, d.verbs()...)
}

func newAction() *cobra.Command {
	d := definitions{
		what: "action", collection: "actions", columns: actionColumns(),
		list: func(s *session, q url.Values, most int) (any, error) { return s.Actions(s.ctx, q, most) },
		names: func(s *session) ([]string, error) {
			items, err := s.Actions(s.ctx, nil, namesMax)
			return namesOf(items, err, func(a apitype.Action) string { return a.Name })
		},
		get: func(s *session, name, ns string) (any, error) { return s.Action(s.ctx, name, ns) },
		text: func(s *session, name, ns string) (string, error) {
			a, err := s.Action(s.ctx, name, ns)
			if err == nil && a.Definition.Value == "" {
				return "", fault.New(fault.Invalid, "%s is an action of the runners: it has no definition", name)
			}
			return a.Definition.Value, err
		},
		upload: func(s *session, id string, u client.Upload) (any, error) {
			if id == "" {
				return s.UploadActions(s.ctx, u)
			}
			return s.UpdateAction(s.ctx, id, u)
		},
		remove: func(s *session, name, ns string) error { return s.DeleteAction(s.ctx, name, ns) },
	}
	cmd := noun("action", "Definitions of actions, and running one by itself", GroupDefinitions, nil, append(d.verbs(), actionRun())...)
	// These are about executions of actions, and easier to find here.
	for _, finish := range finishers() {
		finish.Hidden = true
		cmd.AddCommand(finish)
	}
	return cmd
}

// verbs are the commands below the noun.
func (d definitions) verbs() []*cobra.Command {
	verbs := []*cobra.Command{d.lister(), d.getter(), d.definition(), d.uploader(false), d.uploader(true), d.deleter(), d.validator()}
	return append(verbs, revisionVerbs(d.what, d.collection, d.names)...)
}

// namespaced declares --namespace.
func namespaced(cmd *cobra.Command, namespace *string) *cobra.Command {
	cmd.Flags().StringVar(namespace, "namespace", "", "namespace of the definition")
	return cmd
}

func (d definitions) lister() *cobra.Command {
	var o listOptions
	var namespace string
	cmd := verb("list", "List "+d.collection, cobra.NoArgs, func(s *session, _ []string) error {
		q, err := o.query()
		if err != nil {
			return err
		}
		if namespace != "" {
			q.Set("namespace", namespace)
		}
		items, err := d.list(s, q, o.limit)
		if err != nil {
			return err
		}
		return s.List(d.collection, d.columns, items)
	})
	o.flags(cmd.Flags())
	return namespaced(cmd, &namespace)
}

func (d definitions) getter() *cobra.Command {
	var namespace string
	cmd := verb("get NAME", "Show a "+d.what+" by its name or id", cobra.ExactArgs(1), func(s *session, args []string) error {
		item, err := d.get(s, args[0], namespace)
		if err != nil {
			return meant(err, args[0], func() ([]string, error) { return d.names(s) })
		}
		return s.One(d.columns, item)
	})
	return completing(namespaced(cmd, &namespace), d.names)
}

func (d definitions) definition() *cobra.Command {
	var namespace string
	cmd := verb("get-definition NAME", "Print the text of a "+d.what, cobra.ExactArgs(1), func(s *session, args []string) error {
		text, err := d.text(s, args[0], namespace)
		if err != nil {
			return meant(err, args[0], func() ([]string, error) { return d.names(s) })
		}
		return s.Text(text)
	})
	cmd.Aliases = []string{"definition"}
	return completing(namespaced(cmd, &namespace), d.names)
}

func (d definitions) uploader(update bool) *cobra.Command {
	var namespace, id string
	var public bool
	use, short := "create FILE", "Store the "+d.collection+" of a file; \"-\" is standard input"
	if update {
		use, short = "update FILE", "Make new revisions of the "+d.collection+" of a file"
	}
	cmd := verb(use, short, cobra.ExactArgs(1), func(s *session, args []string) error {
		source, err := input.Source(args[0], s.cmd.InOrStdin())
		if err != nil {
			return err
		}
		if err := d.check(args[0], source); err != nil {
			return err
		}
		u := client.Upload{Text: source, Namespace: namespace, Update: update}
		if public {
			u.Scope = "public"
		}
		items, err := d.upload(s, id, u)
		if update {
			err = hinted(err, fault.NotFound, fmt.Sprintf("`cierzo %s create` stores what is new, `cierzo apply` does what is needed", d.what))
		} else {
			err = hinted(err, fault.Conflict, fmt.Sprintf("`cierzo %s update` makes a new revision, `cierzo apply` does what is needed", d.what))
		}
		if err != nil {
			return err
		}
		return s.List(d.collection, d.columns, items)
	})
	cmd.Flags().BoolVar(&public, "public", false, "let all projects see it; for administrators")
	if update && d.what != "workbook" {
		cmd.Flags().StringVar(&id, "id", "", "replace the "+d.what+" of this id, whatever its name is in the file")
	}
	return namespaced(cmd, &namespace)
}

// check looks at the text here, where problems have their place in the file.
func (d definitions) check(file string, source []byte) error {
	doc, err := node.Check(file, source)
	if err != nil {
		return err
	}
	is := "workflow"
	switch {
	case doc.Workbook != "":
		is = "workbook"
	case len(doc.Actions) > 0:
		is = "action"
	}
	if is != d.what && (doc.Workbook != "" || len(doc.Workflows)+len(doc.Actions) > 0) {
		return fault.New(fault.Invalid, "%s holds %ss\n  hint: `cierzo %s create` stores it, `cierzo apply` tells by itself", file, is, is)
	}
	return nil
}

func (d definitions) deleter() *cobra.Command {
	var namespace string
	cmd := deleter("delete NAME…", "Delete "+d.collection+" by their names or ids", d.what, func(s *session, name string) error {
		return d.remove(s, name, namespace)
	})
	return completing(namespaced(cmd, &namespace), d.names)
}

func (d definitions) validator() *cobra.Command {
	return verb("validate FILE", "Let the server look at a file without storing it; `cierzo lint` does it here", cobra.ExactArgs(1), func(s *session, args []string) error {
		source, err := input.Source(args[0], s.cmd.InOrStdin())
		if err != nil {
			return err
		}
		v, err := s.Validate(s.ctx, d.collection, source)
		if err != nil {
			return err
		}
		if err := s.One([]show.Column{{Title: "Valid", Key: "valid"}, {Title: "Error", Key: "error"}}, v); err != nil {
			return err
		}
		if !v.Valid {
			return show.Exit{Code: show.Failed}
		}
		return nil
	})
}

// actionKind says where an action comes from: is_system says it only on some of Mistral's versions.
func actionKind(o map[string]any) string {
	if text, _ := o["definition"].(string); text != "" {
		return "ad-hoc"
	}
	return "runners"
}
