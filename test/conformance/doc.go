// Package conformance replays whole workflows that were recorded from OpenStack Mistral, through the REST API, and compares
// what is answered: uploads, states, outputs, tasks, actions, sub-workflows.
//
// The corpus is the folder dsl of what CIERZO_GOLDEN names; a case is a YAML file with definitions and steps, and beside it
// what Mistral answered. Cases are judged at the semantic level: free texts aren't compared. Where our answer is a better
// one on purpose, testdata/better.json has it with the reason, and it is compared with that.
//
// `make conformance` shows the report, together with those of the expression languages.
package conformance
