package node

import (
	"strings"

	"cierzo/actors"
	"cierzo/actors/runner"
)

// Metrics are the node's counters by their Prometheus names: of its engine and its runner, and of triggers, notifications and
// housekeeping. MetricHelp says what each is.
func (n *Node) Metrics() map[string]uint64 {
	out := map[string]uint64{}
	if e := n.cluster.engine; e != nil {
		engineMetrics(out, e.Metrics())
	}
	if r := n.cluster.runner; r != nil {
		runnerMetrics(out, r.Metrics())
	}
	if n.duties != nil {
		n.duties.metrics(out)
	}
	return out
}

func engineMetrics(into map[string]uint64, m actors.Metrics) {
	for name, n := range map[string]uint64{
		"turns_total": m.Turns, "turns_committed_total": m.Commits, "transactions_total": m.Batches, "executions_ended_total": m.Ended, "turns_fenced_total": m.Fenced,
		"turns_unsure_total": m.Unsure, "executions_loaded_total": m.Loads, "executions_reloaded_total": m.Reloads,
		"results_late_total": m.LateResults, "attempts_sent_total": m.Dispatched, "runners_lost_total": m.RunnersLost,
		"messages_forwarded_total": m.Forwarded, "messages_dropped_total": m.Dropped, "leases_lost_total": m.Parked,
		"panics_total": m.Panics, "executions_active": m.ExecutionsNow, "executions_folded": m.FoldedNow, "executions_unfolded_total": m.Unfolded, "actions_queued": m.QueuedNow, "runners": m.RunnersNow,
		"slots": m.SlotsNow, "slots_used": m.HeldNow, "watchdog_stalled": m.StalledNow,
	} {
		into["cierzo_"+name] = n
	}
	for cause, n := range m.Repairs {
		into[`cierzo_watchdog_repairs_total{cause="`+strings.ReplaceAll(string(cause), " ", "_")+`"}`] = n
	}
}

func runnerMetrics(into map[string]uint64, m runner.Metrics) {
	for name, n := range map[string]uint64{
		"attempts_started_total": m.Started, "outcomes_total": m.Finished, "outcomes_resent_total": m.Resent, "outcomes_refused_total": m.Refused,
		"questions_total": m.Asked, "attempts_denied_total": m.Denied, "attempts_dropped_total": m.Dropped,
		"attempts_isolated_total": m.Isolated, "actions": m.RunningNow, "attempts": m.KnownNow,
	} {
		into["cierzo_runner_"+name] = n
	}
}

// MetricHelp says of each metric of Metrics, by its name without labels, what it is. docs/metrics.md has the same words.
func MetricHelp() map[string]string {
	return map[string]string{
		"cierzo_turns_total":               "Turns of executions that were computed.",
		"cierzo_turns_committed_total":     "Turns that were committed.",
		"cierzo_transactions_total":        "Transactions that held these turns; many turns share one.",
		"cierzo_turns_fenced_total":        "Turns that the store refused, because another engine has taken the execution over.",
		"cierzo_turns_unsure_total":        "Turns of whose commit nobody knows; their executions were loaded again.",
		"cierzo_executions_ended_total":    "Executions that came to a final state, each time that they did.",
		"cierzo_executions_active":         "Executions in memory.",
		"cierzo_executions_folded":         "Of the executions in memory, those that wait for somebody outside and are kept as a few hundred bytes.",
		"cierzo_executions_unfolded_total": "Executions that went on from these bytes.",
		"cierzo_executions_loaded_total":   "Executions read from the store.",
		"cierzo_executions_reloaded_total": "Executions read again after an error.",
		"cierzo_executions_expired_total":  "Executions removed by the expiration policy; only with one.",
		"cierzo_attempts_sent_total":       "Attempts at actions given to runners, repetitions included.",
		"cierzo_results_late_total":        "Outcomes of actions that came when nobody waited for them any more.",
		"cierzo_actions_queued":            "Actions that wait for a slot of a runner.",
		"cierzo_runners":                   "Runners that this engine hears.",
		"cierzo_runners_lost_total":        "Runners that this engine has given up because it heard nothing of them.",
		"cierzo_slots":                     "Slots of runners that this engine may use.",
		"cierzo_slots_used":                "Slots that it uses.",
		"cierzo_messages_forwarded_total":  "Messages that were passed on to the engine that owns the execution.",
		"cierzo_messages_dropped_total":    "Messages that could not be delivered or understood.",
		"cierzo_leases_lost_total":         "Times that the engine lost its place in the cluster, because it could not renew it.",
		"cierzo_panics_total":              "Panics that were caught; each is a defect to report.",
		"cierzo_watchdog_repairs_total":    "What the watchdog had to set going, by its cause; without faults there is nothing.",
		"cierzo_watchdog_stalled":          "Executions that wait for nothing, as the last look at all of them has found.",

		"cierzo_runner_attempts_started_total":  "Attempts that this node's runner has begun.",
		"cierzo_runner_attempts_denied_total":   "Attempts that were not wanted any more when their turn came.",
		"cierzo_runner_attempts_dropped_total":  "Attempts that found the runner's queue full; they come again.",
		"cierzo_runner_attempts_isolated_total": "Attempts stopped because no engine was heard.",
		"cierzo_runner_questions_total":         "Questions about attempts whose lease ran out while they waited.",
		"cierzo_runner_outcomes_total":          "Outcomes of actions that the runner has got.",
		"cierzo_runner_outcomes_resent_total":   "Outcomes that were sent again, for want of an acknowledgement.",
		"cierzo_runner_outcomes_refused_total":  "Outcomes that no engine wanted.",
		"cierzo_runner_actions":                 "Actions that run.",
		"cierzo_runner_attempts":                "Attempts that run, wait, or are not yet acknowledged.",

		"cierzo_cron_ticks_started_total":     "Executions started by cron triggers.",
		"cierzo_cron_ticks_failed_total":      "Moments of cron triggers whose start failed.",
		"cierzo_cron_ticks_skipped_total":     "Moments of cron triggers that were skipped, as the trigger wants it.",
		"cierzo_events_total":                 "Events that came in.",
		"cierzo_events_unmatched_total":       "Events that no event trigger was for.",
		"cierzo_event_triggers_started_total": "Executions started by event triggers.",
		"cierzo_event_triggers_failed_total":  "Starts by event triggers that failed.",
		"cierzo_amqp_connected":               "Connections to message brokers; only with `amqp` configured, as the four below.",
		"cierzo_amqp_notifications_total":     "Notifications taken from brokers.",
		"cierzo_amqp_refused_total":           "Notifications that can't be read.",
		"cierzo_amqp_returned_total":          "Notifications given back to the broker, to come again.",
		"cierzo_amqp_reconnects_total":        "Connections to brokers that were lost.",
		"cierzo_notifications_sent_total":     "Notifications of executions' events that were taken.",
		"cierzo_notifications_failed_total":   "Tries to send one that failed.",
		"cierzo_notifications_dropped_total":  "Notifications that were given up.",
	}
}
