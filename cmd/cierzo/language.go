package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"cierzo/cmd/cierzo/input"
	"cierzo/cmd/cierzo/show"
	"cierzo/fault"
	"cierzo/node"
)

func newLint() *cobra.Command {
	var format string
	var strict bool
	cmd := &cobra.Command{
		Use:   "lint FILE…",
		Short: "Look at definitions as an upload would: errors, and warnings about traps",
		Long: `Look at definitions as an upload would, without a server.

Errors are what an upload refuses. Warnings are what Mistral accepts and then does something else with than it seems: they
say what to write instead. An action that is neither a standard one nor in one of the files is a warning. Folders are searched for *.yaml and *.yml; "-" is standard input. The exit code is 1 when there
are errors, with --strict also when there are warnings.`,
		Example: `  cierzo lint examples/
  cierzo lint --format sarif workflows/ > lint.sarif`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return lint(args, format, strict, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text, json or sarif")
	cmd.Flags().BoolVar(&strict, "strict", false, "warnings count as errors")
	return cmd
}

func lint(args []string, format string, strict bool, stdin io.Reader, stdout, stderr io.Writer) error {
	write, ok := map[string]func(io.Writer, []node.Findings) error{"text": lintText, "json": lintJSON, "sarif": lintSARIF}[format]
	if !ok {
		return fault.New(fault.Invalid, "--format: %q is none of text, json, sarif", format)
	}
	files, err := input.Files(args)
	if err != nil {
		return err
	}
	var all []node.Findings
	failures, warnings := 0, 0
	sources := make([][]byte, len(files))
	var defined []string // ad-hoc actions, which the other files may use
	for i, f := range files {
		if sources[i], err = input.Source(f, stdin); err != nil {
			return err
		}
		defined = append(defined, node.DefinedActions(f, sources[i])...)
	}
	for i, f := range files {
		found := node.Lint(f, sources[i], defined...)
		all = append(all, found)
		for _, x := range found.List {
			if x.Severity == "error" {
				failures++
			} else {
				warnings++
			}
		}
	}
	if err := write(stdout, all); err != nil {
		return err
	}
	fmt.Fprintf(stderr, "%s, %s, %s\n", count(len(files), "file"), count(failures, "error"), count(warnings, "warning"))
	if failures > 0 || strict && warnings > 0 {
		return show.Exit{Code: show.Failed}
	}
	return nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func lintText(w io.Writer, all []node.Findings) error {
	colour := show.Colours(w)
	for _, f := range all {
		text := f.Text
		if colour {
			text = f.Color
		}
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
	}
	return nil
}

func flatten(all []node.Findings) []node.Finding {
	list := []node.Finding{}
	for _, f := range all {
		list = append(list, f.List...)
	}
	return list
}

func lintJSON(w io.Writer, all []node.Findings) error { return show.JSON(w, flatten(all)) }

// lintSARIF writes the Static Analysis Results Interchange Format 2.1.0, which code hosts show beside the lines.
func lintSARIF(w io.Writer, all []node.Findings) error {
	type object = map[string]any
	results, rules, seen := []object{}, []object{}, map[string]bool{}
	for _, f := range flatten(all) {
		if !seen[f.Code] {
			seen[f.Code] = true
			rules = append(rules, object{"id": f.Code})
		}
		region := object{"startLine": max(f.Line, 1), "startColumn": max(f.Column, 1)}
		if f.EndColumn > f.Column {
			region["endColumn"] = f.EndColumn
		}
		text := f.Message
		if f.Hint != "" {
			text += "\n" + f.Hint
		}
		results = append(results, object{
			"ruleId": f.Code, "level": f.Severity, "message": object{"text": text},
			"locations": []object{{"physicalLocation": object{"artifactLocation": object{"uri": filepath.ToSlash(f.File)}, "region": region}}},
		})
	}
	return show.JSON(w, object{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
		"runs": []object{{"tool": object{"driver": object{"name": "cierzo", "version": version(), "rules": rules}}, "columnKind": "unicodeCodePoints", "results": results}},
	})
}

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the workflow language as JSON Schema, for editors",
		Long: `Print the workflow language as JSON Schema 2020-12. In editors with a YAML language server, put this on a file's first line:

  # yaml-language-server: $schema=cierzo.schema.json`,
		Example: `  cierzo schema > cierzo.schema.json`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			schema, err := node.LanguageSchema()
			if err != nil {
				return err
			}
			return printIndented(cmd.OutOrStdout(), schema)
		},
	}
}

func printIndented(w io.Writer, text json.RawMessage) error {
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, b.String())
	return err
}

func newEval() *cobra.Command {
	var lang, data string
	cmd := &cobra.Command{
		Use:   "eval EXPRESSION",
		Short: "Evaluate a YAQL or Jinja expression on data, as a workflow would",
		Long: `Evaluate an expression, and print the result as JSON. The data is $ in YAQL and _ in Jinja: a file in JSON or YAML, "-" for
standard input, or a JSON text. Without --lang the delimiters tell: <% … %> or {{ … }}.`,
		Example: `  cierzo eval '<% $.servers.where($.up).name %>' --data servers.yaml
  cierzo eval --lang jinja '_.name | upper' --data '{"name": "web"}'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := evalData(data, cmd.InOrStdin())
			if err != nil {
				return err
			}
			out, err := node.Evaluate(lang, args[0], raw)
			if err != nil {
				return err
			}
			return printIndented(cmd.OutOrStdout(), out)
		},
	}
	cmd.Flags().StringVarP(&lang, "lang", "l", "", "yaql or jinja")
	cmd.Flags().StringVarP(&data, "data", "d", "", "the data: a file, - or a JSON text")
	return cmd
}

func evalData(from string, stdin io.Reader) (json.RawMessage, error) {
	if from == "" {
		return nil, nil
	}
	if text := strings.TrimSpace(from); strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
		if !json.Valid([]byte(text)) {
			return nil, fault.New(fault.Invalid, "--data %s: not JSON", from)
		}
		return json.RawMessage(text), nil
	}
	source, err := input.Source(from, stdin)
	if err != nil {
		return nil, fmt.Errorf("--data: %w", err)
	}
	return node.YAMLToJSON(from, source) // JSON is YAML
}
