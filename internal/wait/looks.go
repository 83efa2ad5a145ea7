package wait

import "time"

// Looks are the pauses between two looks at something that others change: short at first, for what takes a moment. The zero value is ready.
type Looks struct{ last time.Duration }

const (
	looksMin = 20 * time.Millisecond
	looksMax = 250 * time.Millisecond
	// looksTold bounds how late somebody hears of a change of which, against what was promised, nobody tells.
	looksTold = 5 * time.Second
)

// Next is the pause before the next look. told says that whoever waits will be told of the change, which makes looks rare:
// otherwise thousands who wait ask thousands of times a second.
func (l *Looks) Next(told bool) time.Duration {
	if told {
		l.last = 0
		return looksTold
	}
	l.last = min(max(looksMin, l.last*3/2), looksMax)
	return l.last
}
