package arch

import "slices"

// Rule is the line of one folder in the table: what of this module it may import.
type Rule struct {
	// Folder is the package's path from the root.
	Folder string
	// May lists the folders of this module that all its files may import; "x/..." stands for x and all below.
	May []string
	// TestsMay lists what its tests may import besides.
	TestsMay []string
	// NeverReaches lists folders of this module, and outside packages imported by it, that shipped code of this
	// folder must not get to by any chain of imports.
	NeverReaches []string
}

// everybody is what each folder may import.
func everybody() []string {
	return []string{"fault", "internal/cache", "internal/invariant", "internal/planted", "internal/pool", "internal/shortid", "internal/suggest", "internal/traceparent", "internal/wait"}
}

// tests is what each folder's tests may import.
func tests() []string { return []string{"internal/slogtest", "internal/dbtest"} }

// Rules is the table, bottom floor first. An arrow that isn't here doesn't exist.
func Rules() []Rule {
	return slices.Concat(ground(), language(), actionRules(), storage(), engine(), outside(), programs())
}

// ground is what everybody stands on, and what tests do.
func ground() []Rule {
	return []Rule{
		{Folder: "fault"},
		{Folder: "internal/cache"},
		{Folder: "internal/invariant"},
		{Folder: "internal/planted"},
		{Folder: "internal/pool"},
		{Folder: "internal/shortid"},
		{Folder: "internal/suggest"},
		{Folder: "internal/traceparent"},
		{Folder: "internal/wait"},
		{Folder: "internal/arch"},
		{Folder: "internal/slogtest"},
		{Folder: "internal/dbtest"},
		{Folder: "internal/proctest", May: []string{"node"}},
	}
}

// language is the language, the state machine and the reading of cron patterns: pure, see Bans.
func language() []Rule {
	return []Rule{
		{Folder: "expr/value"},
		{Folder: "expr/scope", May: []string{"expr/value"}},
		// A package of tests: it reads what was recorded, of expressions and of workflows.
		{Folder: "expr/goldentest", May: []string{"expr/value"}},
		// dsl/yaml is YAML and nothing of the DSL; the functions yaml_parse and yaml_dump are made of it.
		{Folder: "expr/yaql", May: []string{"dsl/yaml", "expr/scope", "expr/value"}, TestsMay: []string{"expr/goldentest"}},
		{Folder: "expr/jinja", May: []string{"dsl/yaml", "expr/scope", "expr/value"}, TestsMay: []string{"expr/goldentest"}},
		{Folder: "expr", May: []string{"expr/jinja", "expr/scope", "expr/value", "expr/yaql"}, TestsMay: []string{"expr/goldentest"}},
		{Folder: "dsl/yaml", May: []string{"expr/value"}},
		{Folder: "dsl", May: []string{"dsl/yaml", "expr", "expr/value"}, TestsMay: []string{"expr/goldentest"}},
		{Folder: "workflow", May: []string{"dsl", "expr", "expr/value"}, TestsMay: []string{"dsl/yaml", "expr/goldentest"}},
		{Folder: "cron"},
	}
}

// actionRules are about what actions are: known to runners, which have no store and no engine.
func actionRules() []Rule {
	return []Rule{
		{Folder: "messages"},
		{Folder: "messages/messagestest", May: []string{"messages"}},
		{
			Folder: "actions", May: []string{"expr/value"},
			NeverReaches: []string{"persistence/...", "actors/...", "messages"},
		},
		{
			Folder: "actions/std", May: []string{"actions", "expr/value"},
			NeverReaches: []string{"persistence/...", "actors/...", "messages"},
		},
	}
}

// storage is the store's contract, its implementations and the suite that all of them pass.
func storage() []Rule {
	contract := []string{"persistence", "workflow", "expr/value"}
	return []Rule{
		{Folder: "persistence", May: []string{"workflow", "expr/value"}},
		{Folder: "persistence/memstore", May: contract, TestsMay: []string{"persistence/storetest"}},
		{Folder: "persistence/sqlstore", May: contract, TestsMay: []string{"persistence/storetest"}},
		{Folder: "persistence/storetest", May: append(contract, "dsl")},
	}
}

// engine is the actors and what they stand on. A runner works with no store configured, and can't get to one.
func engine() []Rule {
	return []Rule{
		{Folder: "catalog", May: []string{"actions", "dsl", "expr/value", "persistence", "workflow"}, TestsMay: []string{"persistence/memstore"}},
		{
			Folder: "actors/runner", May: []string{"actions", "expr/value", "messages"},
			TestsMay:     []string{"actions/std", "messages/messagestest"},
			NeverReaches: []string{"persistence/...", "workflow", "database/sql", "actors", "catalog"},
		},
		{
			Folder:   "actors",
			May:      []string{"actions", "actors/runner", "cluster", "dsl", "expr/value", "messages", "persistence", "workflow"},
			TestsMay: []string{"actions/std", "catalog", "messages/messagestest", "persistence/memstore", "persistence/sqlstore"},
		},
		{
			Folder: "triggers", May: []string{"catalog", "cron", "dsl/yaml", "expr", "expr/value", "persistence", "workflow"},
			TestsMay:     []string{"actions", "actions/std", "persistence/memstore", "persistence/sqlstore"},
			NeverReaches: []string{"actors/...", "api/..."},
		},
		{Folder: "triggers/amqp", May: []string{"expr/value", "triggers"}, NeverReaches: []string{"actors/...", "api/..."}},
		{
			Folder: "notifier", May: []string{"expr/value", "persistence", "workflow"},
			TestsMay:     []string{"persistence/memstore"},
			NeverReaches: []string{"actors/...", "api/..."},
		},
		{Folder: "housekeeping", May: []string{"persistence", "workflow"}, TestsMay: []string{"expr/value", "persistence/memstore"}},
		// Who owns what is asked with workflow.ExecutionID: an id has its type everywhere.
		{Folder: "cluster", May: []string{"messages", "persistence", "workflow"}, TestsMay: []string{"persistence/memstore"}},
	}
}

// outside is what faces the user, and the node that puts everything together.
func outside() []Rule {
	return []Rule{
		{Folder: "api/apitype"},
		{Folder: "api/openapi", May: []string{"api/apitype"}, NeverReaches: []string{"persistence/...", "workflow", "actors/..."}},
		{
			Folder: "api/client", May: []string{"api/apitype"},
			NeverReaches: []string{"persistence/...", "workflow", "actors/..."},
		},
		{
			Folder: "api/auth", May: []string{"dsl/yaml", "expr/value"}, // of policy and token files
			NeverReaches: []string{"persistence/...", "workflow", "actors/..."},
		},
		{
			Folder:   "api",
			May:      []string{"actions", "api/apitype", "api/auth", "api/openapi", "catalog", "dsl", "expr/value", "persistence", "triggers", "workflow"},
			TestsMay: []string{"actions/std", "api/client", "node", "persistence/memstore"},
		},
		{Folder: "web"},
		{Folder: "bench", May: []string{"actions", "actions/std", "api/apitype", "api/client", "expr/value", "node", "persistence", "workflow"}, TestsMay: []string{"internal/dbtest"}},
		// The promises as code: of use to whoever has a cluster, and to the large tests.
		{Folder: "verify/check", May: []string{"dsl", "expr", "expr/value", "persistence", "workflow"}},
		{
			// It looks at a cluster from outside, as its users do.
			Folder: "verify", May: []string{"api/apitype", "api/client", "dsl", "expr/value", "verify/check", "workflow"},
			TestsMay:     []string{"internal/proctest"},
			NeverReaches: []string{"persistence/sqlstore", "actors/...", "node"},
		},
		{
			Folder: "node",
			May: []string{
				"actions/...", "actors/...", "api", "api/apitype", "api/auth", "catalog", "cluster", "cron", "dsl", "dsl/yaml", "expr", "expr/value",
				"housekeeping", "messages", "notifier", "persistence", "persistence/memstore", "persistence/sqlstore", "triggers",
				"triggers/amqp", "web", "workflow",
			},
		},
		{
			// actions/std: main is also the process that runs scripts, and the standard actions have settings.
			Folder: "cmd/cierzo",
			May: []string{
				"actions/std", "api/apitype", "api/client", "bench", "cmd/cierzo/connect", "cmd/cierzo/input", "cmd/cierzo/remote", "cmd/cierzo/show", "node", "verify",
			},
			TestsMay: []string{"expr/value"},
		},
		// The command line's parts. node is there for looking at definitions without a server.
		{Folder: "cmd/cierzo/show", May: []string{"api/apitype"}},
		{Folder: "cmd/cierzo/input", May: []string{"node"}},
		{Folder: "cmd/cierzo/connect", May: []string{"api/client", "cmd/cierzo/input"}},
		{Folder: "cmd/cierzo/deploy", May: []string{"api/apitype", "api/client", "cmd/cierzo/input", "node"}},
		{
			Folder: "cmd/cierzo/remote",
			May: []string{
				"api/apitype", "api/client", "cmd/cierzo/connect", "cmd/cierzo/deploy", "cmd/cierzo/input", "cmd/cierzo/show", "node",
			},
		},
	}
}

// programs use the module from outside: examples, and the large tests.
func programs() []Rule {
	return []Rule{
		{Folder: "examples/embedded", May: []string{"actions/...", "node"}},
		{Folder: "test/docs"},
		{Folder: "test/conformance", May: []string{"actions/std", "dsl/yaml", "expr/goldentest", "expr/value", "node"}},
		{Folder: "test/mistralclient", TestsMay: []string{"internal/proctest"}},
		{
			Folder: "test/sim",
			TestsMay: []string{
				"actions/...", "actors/...", "catalog", "dsl", "expr/value", "internal/planted", "messages/...", "persistence/...", "verify/check",
				"workflow",
			},
		},
		{
			Folder: "test/chaos",
			TestsMay: []string{
				"actions", "actors/runner", "api/...", "cluster", "dsl", "expr/value", "internal/proctest", "messages/...", "persistence/...",
				"verify/check", "workflow",
			},
		},
		{Folder: "test/verify", TestsMay: []string{"internal/proctest", "verify"}},
		{Folder: "test/hostile", TestsMay: []string{"dsl", "expr", "expr/value", "node", "workflow"}},
		{
			Folder:   "test/load",
			TestsMay: []string{"api/...", "expr/value", "internal/proctest", "persistence/...", "workflow"},
		},
		{
			Folder: "test/bench", May: []string{"node", "workflow"},
			TestsMay: []string{"actions/...", "api/...", "expr/...", "persistence/...", "workflow"},
		},
	}
}
