package main

import (
	"context"
	"encoding/json"
	"os"
	"time"

	"github.com/spf13/pflag"

	"cierzo/api/apitype"
	"cierzo/api/client"
	"cierzo/cmd/cierzo/connect"
	"cierzo/cmd/cierzo/remote"
	"cierzo/cmd/cierzo/show"
	"cierzo/fault"
	"cierzo/node"
)

// remoteBackend runs workflows on a server, by its REST API.
type remoteBackend struct{ client *client.Client }

// newRemoteBackend opens the server that the command's flags name.
func newRemoteBackend(ctx context.Context, flags *pflag.FlagSet) (backend, error) {
	target, err := connect.Find(flags, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	c, err := target.Open(ctx)
	if err != nil {
		return nil, remote.Hint(err)
	}
	return remoteBackend{c}, nil
}

// upload checks the text here, where diagnostics have their place in the file, and then sends it: as new definitions, or
// as new revisions where the server has them already.
func (b remoteBackend) upload(ctx context.Context, file string, source []byte) ([]string, error) {
	doc, err := node.Check(file, source)
	if err != nil {
		return nil, err
	}
	if doc.Workbook != "" {
		_, err := b.client.CreateWorkbook(ctx, "", source)
		if fault.Is(err, fault.Conflict) {
			_, err = b.client.UpdateWorkbook(ctx, "", source)
		}
		return doc.Workflows, err
	}
	if len(doc.Workflows) == 0 {
		return nil, nil
	}
	_, err = b.client.CreateWorkflows(ctx, "", source)
	if fault.Is(err, fault.Conflict) {
		_, err = b.client.UpdateWorkflows(ctx, "", source)
	}
	return doc.Workflows, err
}

func (b remoteBackend) start(ctx context.Context, r startRequest) (string, error) {
	e := apitype.NewExecution{WorkflowName: r.workflow}
	var err error
	if r.input == nil {
		r.input = map[string]json.RawMessage{}
	}
	if e.Input, err = json.Marshal(r.input); err != nil {
		return "", err
	}
	params := anyMap(r.params)
	if r.env != nil {
		if params == nil {
			params = map[string]any{}
		}
		params["env"] = r.env
	}
	if params != nil {
		if e.Params, err = json.Marshal(params); err != nil {
			return "", err
		}
	}
	done, err := b.client.StartExecution(ctx, e)
	if err != nil {
		return "", err
	}
	return done.ID, nil
}

func (b remoteBackend) snapshot(ctx context.Context, id string) (*snapshot, error) {
	e, err := b.client.Execution(ctx, id)
	if err != nil {
		return nil, err
	}
	tasks, err := b.client.Tasks(ctx, id)
	if err != nil {
		return nil, err
	}
	out := &snapshot{State: e.State, Info: e.StateInfo.Value}
	if show.Final(e.State) {
		out.Output = json.RawMessage(e.Output.Value)
	}
	for _, t := range tasks {
		out.Tasks = append(out.Tasks, taskSnapshot{
			ID: t.ID, Name: t.Name, State: t.State, Info: t.StateInfo.Value, Started: parseTime(t.StartedAt), Ended: parseTime(t.FinishedAt),
		})
	}
	return out, nil
}

// parseTime reads a time of the API; the zero time when it is null.
func parseTime(t apitype.Opt[string]) time.Time {
	out, err := time.Parse(apitype.TimeFormat, t.Value)
	if err != nil {
		return time.Time{}
	}
	return out
}

func (b remoteBackend) close(context.Context) error { return nil }
