package remote

import (
	"github.com/spf13/cobra"

	"cierzo/cmd/cierzo/show"
)

// revisionVerbs are the commands about what a definition said before.
func revisionVerbs(what, collection string, names func(s *session) ([]string, error)) []*cobra.Command {
	var namespace string
	columns := []show.Column{
		{Title: "Revision", Key: "revision"},
		{Title: "Created", Key: "created_at"},
		{Title: "By", Key: "created_by"},
		{Title: "Scope", Key: "scope"},
		{Title: "Hash", Key: "hash", Of: shortHash},
		{Title: "ID", Key: "id", Wide: true},
	}
	list := verb("revisions NAME", "List the texts that a "+what+" has had", cobra.ExactArgs(1), func(s *session, args []string) error {
		items, err := s.Revisions(s.ctx, collection, args[0], namespace)
		if err != nil {
			return err
		}
		return s.List("revisions", columns, items)
	})
	var from, to string
	diff := verb("diff NAME", "Show what changed between two revisions of a "+what, cobra.ExactArgs(1), func(s *session, args []string) error {
		d, err := s.RevisionDiff(s.ctx, collection, args[0], namespace, from, to)
		if err != nil {
			return err
		}
		return s.diffText(d.Diff)
	})
	diff.Flags().StringVar(&from, "from", "", "the older revision (default: the one before)")
	diff.Flags().StringVar(&to, "to", "", "the newer revision (default: the newest)")
	restore := verb("restore NAME REVISION", "Make an old text of a "+what+" the newest revision", cobra.ExactArgs(2), func(s *session, args []string) error {
		item, err := s.RestoreRevision(s.ctx, collection, args[0], namespace, args[1])
		if err != nil {
			return err
		}
		return s.One([]show.Column{
			{Title: "ID", Key: "id"}, {Title: "Name", Key: "name"}, {Title: "Scope", Key: "scope"}, {Title: "Updated", Key: "updated_at"},
		}, item)
	})
	verbs := []*cobra.Command{list, diff, restore}
	for _, v := range verbs {
		if collection != "environments" {
			namespaced(v, &namespace)
		}
		completing(v, names)
	}
	return verbs
}

func shortHash(o map[string]any) string {
	text, _ := o["hash"].(string)
	return text[:min(12, len(text))]
}
