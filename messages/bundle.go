package messages

// A bundle costs the network, the mailboxes and who reads them what one message does. It stays far below what the network takes,
// so that what waits behind it doesn't wait long; what is larger by itself goes by itself.
const (
	bundleMax      = 256
	bundleBytesMax = 64 << 10
)

// part is a message that can go in a bundle: *ToExecution or *ToRunner.
type part interface{ payload() int }

func (m *ToExecution) payload() int { return len(m.GetActionFinished().GetValue()) }
func (m *ToRunner) payload() int    { return len(m.GetRun().GetInput()) }

// Bundles collects messages by whom they go to. The zero value is ready to use.
type Bundles[To comparable, M part] struct {
	list []bundle[To, M]
}

// lookBack is how many bundles are looked at for one that a message can join: of many recipients some get a message more.
const lookBack = 32

type bundle[To comparable, M part] struct {
	to    To
	parts []M
	bytes int
}

// Add puts a message in line.
func (b *Bundles[To, M]) Add(to To, m M) {
	n := m.payload()
	for i := len(b.list) - 1; i >= max(0, len(b.list)-lookBack); i-- {
		x := &b.list[i]
		if x.to != to {
			continue
		}
		if len(x.parts) < bundleMax && x.bytes+n <= bundleBytesMax {
			x.parts, x.bytes = append(x.parts, m), x.bytes+n
			return
		}
		break
	}
	b.list = append(b.list, bundle[To, M]{to, []M{m}, n})
}

// Empty reports whether nothing is in line.
func (b *Bundles[To, M]) Empty() bool { return len(b.list) == 0 }

// Take gives what is in line to send: the messages that go together, those first that were begun first. Nothing is left.
func (b *Bundles[To, M]) Take(send func(To, []M)) {
	for _, x := range b.list {
		send(x.to, x.parts)
	}
	b.list = nil
}

// BundleForExecution is one message for some to the same execution, which say nothing of it themselves; of one it is that.
func BundleForExecution(id string, parts []*ToExecution) *ToExecution {
	m := &ToExecution{Message: &ToExecution_Bundle{Bundle: &ExecutionBundle{Messages: parts}}}
	if len(parts) == 1 {
		m = parts[0]
	}
	m.ExecutionId = id
	return m
}

// BundleForRunner is one message for some to the same runner; of one it is that.
func BundleForRunner(parts []*ToRunner) *ToRunner {
	if len(parts) == 1 {
		return parts[0]
	}
	return &ToRunner{Message: &ToRunner_Bundle{Bundle: &RunnerBundle{Messages: parts}}}
}

// Parts are the messages that a message stands for: those of a bundle, or it alone. A bundle in a bundle is none.
func (m *ToExecution) Parts() []*ToExecution {
	if b := m.GetBundle(); b != nil {
		return b.Messages
	}
	return []*ToExecution{m}
}

// Parts are the messages that a message stands for: those of a bundle, or it alone. A bundle in a bundle is none.
func (m *ToRunner) Parts() []*ToRunner {
	if b := m.GetBundle(); b != nil {
		return b.Messages
	}
	return []*ToRunner{m}
}
