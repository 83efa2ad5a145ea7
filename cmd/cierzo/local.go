package main

import (
	"context"
	"encoding/json"
	"os"

	"github.com/spf13/pflag"

	"cierzo/actions/std"
	"cierzo/node"
)

// standard configures the standard actions. main began with the same call, so that here it only gives the interpreter.
func standard() std.Config { return std.Config{JavaScript: std.RunJavaScriptChild()} }

// localBackend runs workflows on an engine inside this process.
type localBackend struct{ node *node.Node }

// newLocalBackend takes the settings that concern actions and expressions from the environment and the configuration file, as
// a server does.
func newLocalBackend(ctx context.Context, store string, slots int) (backend, error) {
	s, err := loadSettings(pflag.NewFlagSet("run", pflag.ContinueOnError), os.LookupEnv)
	if err != nil {
		return nil, err
	}
	v := values{settings: s}
	cfg := node.Config{Store: store, Slots: slots, Version: version(), Standard: v.standard(), LegacyFunctions: v.onOff("legacy-functions")}
	if v.err != nil {
		return nil, v.err
	}
	n, err := node.New(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return localBackend{n}, nil
}

func (b localBackend) upload(ctx context.Context, file string, source []byte) ([]string, error) {
	return b.node.Upload(ctx, file, source)
}

func (b localBackend) start(ctx context.Context, r startRequest) (string, error) {
	return b.node.Start(ctx, node.StartRequest{Workflow: r.workflow, Input: anyMap(r.input), Env: anyMap(r.env), Params: anyMap(r.params)})
}

func anyMap(m map[string]json.RawMessage) map[string]any {
	if m == nil {
		return nil
	}
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

func (b localBackend) snapshot(ctx context.Context, id string) (*snapshot, error) {
	e, err := b.node.Execution(ctx, id)
	if err != nil {
		return nil, err
	}
	tasks, err := b.node.Tasks(ctx, id)
	if err != nil {
		return nil, err
	}
	out := &snapshot{State: e.State, Info: e.StateInfo, Output: e.Output}
	for _, t := range tasks {
		out.Tasks = append(out.Tasks, taskSnapshot{ID: t.ID, Name: t.Name, State: t.State, Info: t.StateInfo, Started: t.Started, Ended: t.Ended})
	}
	return out, nil
}

func (b localBackend) close(ctx context.Context) error { return b.node.Stop(ctx) }
