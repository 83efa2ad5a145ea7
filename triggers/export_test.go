package triggers

import (
	"strconv"
	"time"

	"cierzo/workflow"
)

// ExecutionID is the id of what a cron trigger starts for a tick.
func ExecutionID(triggerID string, tick time.Time) workflow.ExecutionID {
	return executionID(triggerID, strconv.FormatInt(tick.UnixMicro(), 10))
}
