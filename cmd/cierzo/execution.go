package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"cierzo/api/apitype"
	"cierzo/api/client"
	"cierzo/fault"
)

// serverFlag declares --server for the commands that talk to a running server.
func serverFlag(cmd *cobra.Command) {
	address := "http://127.0.0.1:8989"
	if v := os.Getenv("CIERZO_SERVER"); v != "" {
		address = v
	}
	cmd.PersistentFlags().String("server", address, "address of the server's API [CIERZO_SERVER]")
}

func clientOf(cmd *cobra.Command) (*client.Client, error) {
	address, err := cmd.Flags().GetString("server")
	if err != nil {
		return nil, err
	}
	return client.New(address)
}

func newExecution() *cobra.Command {
	cmd := &cobra.Command{Use: "execution", Short: "Look at executions of a server and control them", Aliases: []string{"exec"}}
	serverFlag(cmd)
	cmd.AddCommand(
		executionList(), executionGet(), executionTasks(),
		executionState("pause", "Let running actions end and begin no new ones", "PAUSED"),
		executionState("resume", "Continue a paused execution", "RUNNING"),
		executionState("cancel", "End an execution and all its sub-workflows", "CANCELLED"),
	)
	return cmd
}

func executionList() *cobra.Command {
	var state string
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List executions, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := clientOf(cmd)
			if err != nil {
				return err
			}
			q := url.Values{"sort_keys": {"created_at"}, "sort_dirs": {"desc"}, "limit": {fmt.Sprint(limit)}}
			if state != "" {
				q.Set("state", state)
			}
			list, err := c.Executions(cmd.Context(), q)
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tWORKFLOW\tSTATE\tCREATED\tUPDATED")
			for _, e := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", e.ID, e.WorkflowName, e.State, e.CreatedAt.Value, e.UpdatedAt.Value)
			}
			return w.Flush()
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "only executions in this state")
	cmd.Flags().IntVar(&limit, "limit", 50, "at most so many")
	return cmd
}

func executionGet() *cobra.Command {
	return &cobra.Command{
		Use: "get ID", Short: "Show an execution as JSON", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := clientOf(cmd)
			if err != nil {
				return err
			}
			e, err := c.Execution(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return printExecution(cmd.OutOrStdout(), e)
		},
	}
}

// printExecution shows an execution with its structured fields as JSON instead of as JSON inside of texts.
func printExecution(w io.Writer, e *apitype.Execution) error {
	return printJSON(w, map[string]any{
		"id": e.ID, "workflow": e.WorkflowName, "state": e.State, "state_info": e.StateInfo, "input": json.RawMessage(e.Input),
		"output": json.RawMessage(orNull(e.Output.Value)), "created_at": e.CreatedAt, "updated_at": e.UpdatedAt,
	})
}

func orNull(text string) string {
	if text == "" {
		return "null"
	}
	return text
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func executionTasks() *cobra.Command {
	return &cobra.Command{
		Use: "tasks ID", Short: "List an execution's tasks with their actions", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := clientOf(cmd)
			if err != nil {
				return err
			}
			tasks, err := c.Tasks(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
			fmt.Fprintln(w, "TASK\tSTATE\tACTION\tACTION STATE\tACTION ID")
			for _, t := range tasks {
				list, err := c.TaskActions(cmd.Context(), t.ID)
				if err != nil {
					return err
				}
				if len(list) == 0 {
					fmt.Fprintf(w, "%s\t%s\t-\t-\t-\n", t.Name, t.State)
				}
				for _, a := range list {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", t.Name, t.State, a.Name, a.State, a.ID)
				}
			}
			return w.Flush()
		},
	}
}

func executionState(use, short, state string) *cobra.Command {
	var message string
	cmd := &cobra.Command{
		Use: use + " ID", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := clientOf(cmd)
			if err != nil {
				return err
			}
			e, err := c.SetState(cmd.Context(), args[0], state, message)
			if err != nil {
				return err
			}
			return printExecution(cmd.OutOrStdout(), e)
		},
	}
	if state == "CANCELLED" {
		cmd.Flags().StringVarP(&message, "message", "m", "", "why; becomes the execution's state info")
	}
	return cmd
}

func newAction() *cobra.Command {
	cmd := &cobra.Command{Use: "action", Short: "Give asynchronous actions their results"}
	serverFlag(cmd)
	cmd.AddCommand(
		actionFinish("complete", "End an action in SUCCESS", "SUCCESS"),
		actionFinish("fail", "End an action in ERROR", "ERROR"),
	)
	return cmd
}

func actionFinish(use, short, state string) *cobra.Command {
	return &cobra.Command{
		Use: use + " ID [RESULT]", Short: short + "; RESULT is JSON or a text", Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := clientOf(cmd)
			if err != nil {
				return err
			}
			var result json.RawMessage
			if len(args) == 2 {
				result = assignedValue(args[1])
			}
			a, err := c.CompleteAction(cmd.Context(), args[0], state, result)
			if fault.Is(err, fault.NotFound) {
				return fault.New(fault.NotFound, "%w (`cierzo execution tasks ID` lists the actions of an execution)", err)
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", a.ID, a.State)
			return err
		},
	}
}
