package remote

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"cierzo/cmd/cierzo/connect"
	"cierzo/cmd/cierzo/show"
	"cierzo/fault"
)

func newProfile() *cobra.Command {
	cmd := &cobra.Command{
		Use: "profile", Short: "Profiles: servers with who we are there", GroupID: GroupServer, Args: cobra.NoArgs, RunE: help,
		Long: `Profiles say where a server is and who we are there. They are in ~/.config/cierzo/config.yaml (CIERZO_CLIENT_CONFIG names
another file), which only its owner may read:

  current: prod
  profiles:
    prod:
      server: https://workflows.example.org
      token-file: ~/.config/cierzo/prod.token
    cloud:
      keystone:
        url: https://keystone.example.org:5000/v3
        user: kim
        password-file: ~/.config/cierzo/cloud.password
        project: ops
      cacert: /etc/ssl/example.pem

Flags come first, then the profile of --profile or CIERZO_PROFILE, then CIERZO_SERVER with CIERZO_TOKEN, then OS_MISTRAL_URL or
MISTRAL_URL and OpenStack's variables (OS_AUTH_URL, OS_USERNAME, … or OS_CLOUD of clouds.yaml), then the current profile.`,
	}
	outputFlags(cmd.PersistentFlags())
	cmd.AddCommand(profileList(), profileShow(), profileUse(), profileSet(), profileDelete())
	return cmd
}

func readProfiles() (*connect.File, error) { return connect.ReadFile(connect.Path(os.LookupEnv)) }

func profileNames(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	f, err := readProfiles()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return f.Names(), cobra.ShellCompDirectiveNoFileComp
}

func profileList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the profiles", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := readProfiles()
			if err != nil {
				return err
			}
			p, err := printer(cmd)
			if err != nil {
				return err
			}
			rows := []map[string]any{}
			for _, name := range f.Names() {
				t := f.Profiles[name]
				rows = append(rows, map[string]any{"name": name, "current": name == f.Current, "server": t.Server, "auth": credentials(&t)})
			}
			return p.List("profiles", profileColumns(), rows)
		},
	}
}

func profileColumns() []show.Column {
	return []show.Column{{Title: "Name", Key: "name"}, {Title: "Current", Key: "current"}, {Title: "Server", Key: "server"}, {Title: "Credentials", Key: "auth"}}
}

// credentials says what kind they are, and nothing of them.
func credentials(t *connect.Target) string {
	switch {
	case t.Token != "" || t.TokenFile != "":
		return "token"
	case t.Keystone.URL != "" && (t.Keystone.CredentialID != "" || t.Keystone.Credential != ""):
		return "Keystone " + t.Keystone.URL + ", application credential"
	case t.Keystone.URL != "":
		return "Keystone " + t.Keystone.URL + ", user " + t.Keystone.User + t.Keystone.UserID
	}
	return "none"
}

func profileShow() *cobra.Command {
	cmd := &cobra.Command{
		Use: "show", Short: "Show which server a command would talk to, and why", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := connect.Find(cmd.Flags(), os.LookupEnv)
			if err != nil {
				return err
			}
			p, err := printer(cmd)
			if err != nil {
				return err
			}
			return p.One([]show.Column{{Title: "Server", Key: "server"}, {Title: "Credentials", Key: "auth"}, {Title: "From", Key: "origin"}},
				map[string]any{"server": t.Server, "auth": credentials(t), "origin": t.Origin})
		},
	}
	connect.Flags(cmd.Flags())
	return cmd
}

func profileUse() *cobra.Command {
	return &cobra.Command{
		Use: "use NAME", Short: "Make a profile the current one", Args: cobra.ExactArgs(1), ValidArgsFunction: profileNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := readProfiles()
			if err != nil {
				return err
			}
			if _, err := f.Get(args[0]); err != nil {
				return err
			}
			f.Current = args[0]
			if err := f.Write(); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "profile %s is the current one\n", args[0])
			return nil
		},
	}
}

func profileSet() *cobra.Command {
	var t connect.Target
	cmd := &cobra.Command{
		Use: "set NAME", Short: "Make a profile, or change what is given of it", Args: cobra.ExactArgs(1), ValidArgsFunction: profileNames,
		Example: `  cierzo profile set prod --server https://workflows.example.org --token-file ~/prod.token
  cierzo profile set cloud --keystone-url https://keystone:5000/v3 --user kim --password-file ~/cloud.password --project ops`,
	}
	fields := map[string]struct {
		help string
		of   func(*connect.Target) *string
	}{
		"server":            {"address of the server's API", func(t *connect.Target) *string { return &t.Server }},
		"token-file":        {"file with a token", func(t *connect.Target) *string { return &t.TokenFile }},
		"cacert":            {"file with the CA's certificate", func(t *connect.Target) *string { return &t.CACert }},
		"cert":              {"file with the client's certificate", func(t *connect.Target) *string { return &t.Cert }},
		"key":               {"file with its key", func(t *connect.Target) *string { return &t.Key }},
		"keystone-url":      {"Keystone's address", func(t *connect.Target) *string { return &t.Keystone.URL }},
		"user":              {"user in Keystone", func(t *connect.Target) *string { return &t.Keystone.User }},
		"password-file":     {"file with the user's password", func(t *connect.Target) *string { return &t.Keystone.PasswordFile }},
		"project":           {"project in Keystone", func(t *connect.Target) *string { return &t.Keystone.Project }},
		"user-domain":       {"domain of the user (default: Default)", func(t *connect.Target) *string { return &t.Keystone.UserDomain }},
		"project-domain":    {"domain of the project (default: Default)", func(t *connect.Target) *string { return &t.Keystone.ProjectDomain }},
		"region":            {"region of the workflow service", func(t *connect.Target) *string { return &t.Keystone.Region }},
		"credential-id":     {"id of an application credential; its secret goes into the file by hand", func(t *connect.Target) *string { return &t.Keystone.CredentialID }},
		"keystone-endpoint": {"which endpoint of the catalogue: public, internal or admin", func(t *connect.Target) *string { return &t.Keystone.EndpointType }},
	}
	for name, field := range fields {
		cmd.Flags().StringVar(field.of(&t), name, "", field.help)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f, err := readProfiles()
		if err != nil {
			return err
		}
		now := f.Profiles[args[0]]
		changed := false
		for name, field := range fields {
			if cmd.Flags().Changed(name) {
				*field.of(&now) = *field.of(&t)
				changed = true
			}
		}
		if !changed {
			return fault.New(fault.Invalid, "nothing to set (see `%s --help`)", cmd.CommandPath())
		}
		if f.Profiles == nil {
			f.Profiles = map[string]connect.Target{}
		}
		f.Profiles[args[0]] = now
		if f.Current == "" {
			f.Current = args[0]
		}
		if err := f.Write(); err != nil {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "profile %s is set\n", args[0])
		return nil
	}
	return cmd
}

func profileDelete() *cobra.Command {
	return &cobra.Command{
		Use: "delete NAME", Short: "Delete a profile", Args: cobra.ExactArgs(1), ValidArgsFunction: profileNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := readProfiles()
			if err != nil {
				return err
			}
			if _, err := f.Get(args[0]); err != nil {
				return err
			}
			delete(f.Profiles, args[0])
			if f.Current == args[0] {
				f.Current = ""
			}
			if err := f.Write(); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "profile %s deleted\n", args[0])
			return nil
		},
	}
}
