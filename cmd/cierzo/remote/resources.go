package remote

import (
	"encoding/json"
	"net/url"

	"github.com/spf13/cobra"

	"cierzo/api/apitype"
	"cierzo/api/client"
	"cierzo/cmd/cierzo/input"
	"cierzo/cmd/cierzo/show"
	"cierzo/fault"
	"cierzo/node"
)

func environmentColumns() []show.Column {
	return []show.Column{
		{Title: "Name", Key: "name"},
		{Title: "Description", Key: "description"},
		{Title: "Scope", Key: "scope"},
		{Title: "Created", Key: "created_at"},
		{Title: "Updated", Key: "updated_at"},
		{Title: "ID", Key: "id", Wide: true},
	}
}

func newEnvironment() *cobra.Command {
	names := func(s *session) ([]string, error) {
		items, err := s.Environments(s.ctx, url.Values{"fields": {"name"}}, namesMax)
		return namesOf(items, err, func(e apitype.Environment) string { return e.Name })
	}
	verbs := []*cobra.Command{
		lister("environments", "List environments", environmentColumns(), func(s *session, q url.Values, most int) ([]apitype.Environment, error) {
			return s.Environments(s.ctx, q, most)
		}),
		completing(environmentGet(), names), environmentUpload(false), environmentUpload(true),
		completing(deleter("delete NAME…", "Delete environments", "environment", func(s *session, name string) error {
			return s.DeleteEnvironment(s.ctx, name)
		}), names),
	}
	return noun("environment", "Environments: named sets of variables", GroupDefinitions, []string{"env"}, append(verbs, revisionVerbs("environment", "environments", names)...)...)
}

func environmentGet() *cobra.Command {
	var export bool
	cmd := verb("get NAME", "Show an environment with its variables", cobra.ExactArgs(1), func(s *session, args []string) error {
		e, err := s.Environment(s.ctx, args[0])
		if err != nil {
			return err
		}
		if !export {
			return s.One(append(environmentColumns(), show.Column{Title: "Variables", Key: "variables"}), e)
		}
		if s.Format == "table" {
			s.Format = "yaml"
		}
		return s.One(nil, map[string]any{"name": e.Name, "description": e.Description.Value, "scope": e.Scope, "variables": e.Variables.Value})
	})
	cmd.Flags().BoolVar(&export, "export", false, "as a file for environment create")
	return cmd
}

func environmentUpload(update bool) *cobra.Command {
	use, short := "create FILE", "Store an environment: name, description, variables, scope in JSON or YAML"
	if update {
		use, short = "update FILE", "Change an environment; its variables are replaced as a whole"
	}
	return verb(use, short, cobra.ExactArgs(1), func(s *session, args []string) error {
		source, err := input.Source(args[0], s.cmd.InOrStdin())
		if err != nil {
			return err
		}
		e, err := parseEnvironment(args[0], source)
		if err != nil {
			return err
		}
		var done *apitype.Environment
		if update {
			done, err = s.UpdateEnvironment(s.ctx, *e)
		} else {
			done, err = s.CreateEnvironment(s.ctx, *e)
			err = hinted(err, fault.Conflict, "`cierzo environment update` changes it")
		}
		if err != nil {
			return err
		}
		return s.One(append(environmentColumns(), show.Column{Title: "Variables", Key: "variables"}), done)
	})
}

// parseEnvironment reads a file with an environment.
func parseEnvironment(file string, source []byte) (*apitype.NewEnvironment, error) {
	raw, err := node.YAMLToJSON(file, source)
	if err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, fault.New(fault.Invalid, "%s is no environment: it begins with `name: …` and has `variables: …`", file)
	}
	known := []string{"name", "description", "variables", "scope"}
	for f := range fields {
		if !contains(known, f) {
			return nil, fault.New(fault.Invalid, "%s: an environment has no field %q%s (it has name, description, variables, scope)", file, f, input.Suggest(f, known))
		}
	}
	var out apitype.NewEnvironment
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "%s", file)
	}
	if out.Name == "" {
		return nil, fault.New(fault.Invalid, "%s: the environment has no name", file)
	}
	return &out, nil
}

func contains(list []string, word string) bool {
	for _, x := range list {
		if x == word {
			return true
		}
	}
	return false
}

func memberColumns() []show.Column {
	return []show.Column{
		{Title: "Resource ID", Key: "resource_id"},
		{Title: "Resource type", Key: "resource_type"},
		{Title: "Owner", Key: "project_id"},
		{Title: "Member ID", Key: "member_id"},
		{Title: "Status", Key: "status"},
		{Title: "Created", Key: "created_at"},
		{Title: "Updated", Key: "updated_at"},
	}
}

// onlyWorkflows is the check of Mistral's argument for the kind of resource.
func onlyWorkflows(args []string) error {
	if len(args) > 1 && args[1] != "workflow" {
		return fault.New(fault.Invalid, "%q can't be shared: only workflows can", args[1])
	}
	return nil
}

func newMember() *cobra.Command {
	var member string
	one := func(use, short string, args cobra.PositionalArgs, f func(s *session, args []string) (*apitype.Member, error)) *cobra.Command {
		return verb(use, short, args, func(s *session, args []string) error {
			if err := onlyWorkflows(args); err != nil {
				return err
			}
			m, err := f(s, args)
			if err != nil {
				return err
			}
			return s.One(memberColumns(), m)
		})
	}
	create := one("create WORKFLOW workflow PROJECT", "Offer a workflow to another project", cobra.ExactArgs(3), func(s *session, args []string) (*apitype.Member, error) {
		return s.CreateMember(s.ctx, args[0], args[2])
	})
	get := one("get WORKFLOW workflow", "Show how a workflow is shared with a project", cobra.RangeArgs(1, 2), func(s *session, args []string) (*apitype.Member, error) {
		return s.Member(s.ctx, args[0], member)
	})
	var status string
	update := one("update WORKFLOW workflow", "Accept, reject or postpone what was offered", cobra.RangeArgs(1, 2), func(s *session, args []string) (*apitype.Member, error) {
		return s.UpdateMember(s.ctx, args[0], member, status)
	})
	for _, cmd := range []*cobra.Command{get, update} {
		cmd.Flags().StringVarP(&member, "member-id", "m", "", "id of the project that it is shared with")
		cmd.Flags().SetNormalizeFunc(dashes)
		_ = cmd.MarkFlagRequired("member-id") // it is declared one line above
	}
	update.Flags().StringVarP(&status, "status", "s", "accepted", "accepted, rejected or pending")
	complete(update, "status", "accepted", "rejected", "pending")
	list := verb("list WORKFLOW [workflow]", "List whom a workflow is shared with", cobra.RangeArgs(1, 2), func(s *session, args []string) error {
		if err := onlyWorkflows(args); err != nil {
			return err
		}
		items, err := s.Members(s.ctx, args[0])
		if err != nil {
			return err
		}
		return s.List("members", memberColumns(), items)
	})
	remove := verb("delete WORKFLOW workflow PROJECT", "End the sharing with a project", cobra.ExactArgs(3), func(s *session, args []string) error {
		if err := onlyWorkflows(args); err != nil {
			return err
		}
		return s.each(args[2:], "deleted", "member", func(s *session, project string) error { return s.DeleteMember(s.ctx, args[0], project) })
	})
	return noun("member", "Sharing of private workflows with other projects", GroupDefinitions, nil, create, list, get, update, remove)
}

func codeSourceColumns() []show.Column {
	return []show.Column{
		{Title: "ID", Key: "id"},
		{Title: "Name", Key: "name"},
		{Title: "Namespace", Key: "namespace"},
		{Title: "Version", Key: "version"},
		{Title: "Actions", Key: "actions"},
		{Title: "Project", Key: "project_id", Wide: true},
		{Title: "Scope", Key: "scope"},
		{Title: "Created", Key: "created_at"},
		{Title: "Updated", Key: "updated_at"},
	}
}

func newCodeSource() *cobra.Command {
	var namespace string
	upload := func(use, short string, send func(s *session, name string, u client.Upload) (*apitype.CodeSource, error)) *cobra.Command {
		var public bool
		cmd := verb(use, short, cobra.ExactArgs(2), func(s *session, args []string) error {
			source, err := input.Source(args[1], s.cmd.InOrStdin())
			if err != nil {
				return err
			}
			u := client.Upload{Text: source, Namespace: namespace}
			if public {
				u.Scope = "public"
			}
			c, err := send(s, args[0], u)
			if err != nil {
				return err
			}
			return s.One(codeSourceColumns(), c)
		})
		cmd.Flags().BoolVar(&public, "public", false, "let all projects see it")
		return cmd
	}
	get := func(use, short string, print func(s *session, c *apitype.CodeSource) error) *cobra.Command {
		return verb(use, short, cobra.ExactArgs(1), func(s *session, args []string) error {
			c, err := s.CodeSource(s.ctx, args[0], namespace)
			if err != nil {
				return err
			}
			return print(s, c)
		})
	}
	verbs := []*cobra.Command{
		upload("create NAME FILE", "Store a module of actions", func(s *session, name string, u client.Upload) (*apitype.CodeSource, error) {
			return s.CreateCodeSource(s.ctx, name, u)
		}),
		upload("update NAME FILE", "Replace a module's text", func(s *session, name string, u client.Upload) (*apitype.CodeSource, error) {
			return s.UpdateCodeSource(s.ctx, name, u)
		}),
		get("get NAME", "Show a code source by its name or id", func(s *session, c *apitype.CodeSource) error { return s.One(codeSourceColumns(), c) }),
		get("get-content NAME", "Print the text of a code source", func(s *session, c *apitype.CodeSource) error { return s.Text(c.Content) }),
		deleter("delete NAME…", "Delete code sources", "code source", func(s *session, name string) error { return s.DeleteCodeSource(s.ctx, name, namespace) }),
	}
	for _, v := range verbs {
		namespaced(v, &namespace)
	}
	list := lister("code sources", "List code sources", codeSourceColumns(), func(s *session, q url.Values, most int) ([]apitype.CodeSource, error) {
		return s.CodeSources(s.ctx, q, most)
	})
	return noun("code-source", "Modules of Python actions; runners run them, the server keeps them", GroupDefinitions, nil, append(verbs, list)...)
}

func dynamicActionColumns() []show.Column {
	return []show.Column{
		{Title: "ID", Key: "id"},
		{Title: "Name", Key: "name"},
		{Title: "Namespace", Key: "namespace"},
		{Title: "Class", Key: "class_name"},
		{Title: "Code source", Key: "code_source_name"},
		{Title: "Code source ID", Key: "code_source_id", Wide: true},
		{Title: "Project", Key: "project_id", Wide: true},
		{Title: "Scope", Key: "scope"},
		{Title: "Created", Key: "created_at"},
		{Title: "Updated", Key: "updated_at"},
	}
}

func newDynamicAction() *cobra.Command {
	var namespace string
	create := dynamicActionCreate()
	update := dynamicActionUpdate()
	get := namespaced(verb("get NAME", "Show a dynamic action by its name or id", cobra.ExactArgs(1), func(s *session, args []string) error {
		a, err := s.DynamicAction(s.ctx, args[0], namespace)
		if err != nil {
			return err
		}
		return s.One(dynamicActionColumns(), a)
	}), &namespace)
	remove := namespaced(deleter("delete NAME…", "Delete dynamic actions", "dynamic action", func(s *session, name string) error {
		return s.DeleteDynamicAction(s.ctx, name, namespace)
	}), &namespace)
	list := lister("dynamic actions", "List dynamic actions", dynamicActionColumns(), func(s *session, q url.Values, most int) ([]apitype.DynamicAction, error) {
		return s.DynamicActions(s.ctx, q, most)
	})
	return noun("dynamic-action", "Actions in code sources", GroupDefinitions, nil, create, list, get, update, remove)
}

// sourceOf puts a code source's id or name where it belongs.
func sourceOf(a *apitype.NewDynamicAction, source string) {
	if uuidLike.MatchString(source) {
		a.CodeSourceID = source
	} else {
		a.CodeSourceName = source
	}
}

func dynamicActionCreate() *cobra.Command {
	var namespace string
	var public bool
	cmd := verb("create NAME CLASS CODE_SOURCE", "Name a class of a code source as an action", cobra.ExactArgs(3), func(s *session, args []string) error {
		a := apitype.NewDynamicAction{Name: args[0], ClassName: args[1], Namespace: namespace}
		if sourceOf(&a, args[2]); public {
			a.Scope = "public"
		}
		done, err := s.CreateDynamicAction(s.ctx, a)
		if err != nil {
			return err
		}
		return s.One(dynamicActionColumns(), done)
	})
	cmd.Flags().BoolVar(&public, "public", false, "let all projects use it")
	return namespaced(cmd, &namespace)
}

func dynamicActionUpdate() *cobra.Command {
	var namespace, class, source string
	cmd := verb("update NAME", "Change the class or the code source of a dynamic action", cobra.ExactArgs(1), func(s *session, args []string) error {
		a := apitype.NewDynamicAction{Name: args[0], ClassName: class, Namespace: namespace}
		if uuidLike.MatchString(args[0]) {
			a.ID, a.Name = args[0], ""
		}
		if source != "" {
			sourceOf(&a, source)
		}
		done, err := s.UpdateDynamicAction(s.ctx, a)
		if err != nil {
			return err
		}
		return s.One(dynamicActionColumns(), done)
	})
	cmd.Flags().StringVar(&class, "class-name", "", "the new class")
	cmd.Flags().StringVar(&source, "code-source", "", "name or id of the new code source")
	return namespaced(cmd, &namespace)
}

func newMaintenance() *cobra.Command {
	columns := []show.Column{{Title: "Status", Key: "status"}}
	set := func(use, short, status string) *cobra.Command {
		return verb(use, short, cobra.NoArgs, func(s *session, _ []string) error {
			m, err := s.SetMaintenance(s.ctx, status)
			if err != nil {
				return err
			}
			return s.One(columns, m)
		})
	}
	get := verb("get", "Show whether the service is in maintenance", cobra.NoArgs, func(s *session, _ []string) error {
		m, err := s.Maintenance(s.ctx)
		if err != nil {
			return err
		}
		return s.One(columns, m)
	})
	return noun("maintenance", "Maintenance of the whole service", GroupServer, nil, get,
		set("pause", "Pause all executions and refuse changes; for administrators", "PAUSED"),
		set("resume", "Go on with what maintenance has paused", "RUNNING"))
}

func newService() *cobra.Command {
	list := verb("list", "Ask for Mistral's list of processes, which newer servers don't have; see `cierzo doctor`", cobra.NoArgs, func(s *session, _ []string) error {
		items, err := s.Services(s.ctx)
		if err != nil {
			return err
		}
		return s.List("services", []show.Column{{Title: "Name", Key: "name"}, {Title: "Type", Key: "type"}}, items)
	})
	cmd := noun("service", "Processes of a Mistral installation", GroupServer, nil, list)
	cmd.Hidden = true
	return cmd
}
