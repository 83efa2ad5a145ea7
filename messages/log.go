package messages

import (
	"fmt"
	"log/slog"
)

// LogValue is what the message is, and for which execution: what it carries may be secret.
func (x *ToExecution) LogValue() slog.Value {
	return slog.StringValue(fmt.Sprintf("%T for execution %s", x.GetMessage(), x.GetExecutionId()))
}

// LogValue is what the message is, and for which runner: what it carries may be secret.
func (x *ToRunner) LogValue() slog.Value {
	return slog.StringValue(fmt.Sprintf("%T for runner %s", x.GetMessage(), x.GetRunnerId()))
}
