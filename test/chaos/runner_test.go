package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"cierzo/actions"
	"cierzo/actors/runner"
	"cierzo/cluster"
	"cierzo/expr/value"
	"cierzo/internal/proctest"
	"cierzo/messages"
	"cierzo/messages/messagestest"
	"cierzo/verify/check"
)

// Beside the runners of the command there are runners that keep a ledger: processes of this test's own binary, with the
// runner's library in them. The engines take them for any others. They carry out std.http, but what they do is to write into
// a file that they have begun, to let time pass, and to write what they return.

// runnerEnv makes a process of the test's binary a runner; it holds a runnerConfig.
const runnerEnv = "CHAOS_RUNNER"

type runnerConfig struct {
	Name            string
	Bind, Advertise string
	Join            []string
	Folder          string // of ledgers
	Slots           int
	Lies            bool // it sends outcomes that are not so
}

func TestMain(m *testing.M) {
	if text := os.Getenv(runnerEnv); text != "" {
		if err := beRunner(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	proctest.Main(m)
}

func (cfg runnerConfig) id(pid int) string { return fmt.Sprintf("%s-%d", cfg.Name, pid) }

// beRunner is the runner's process, until SIGTERM.
func beRunner(text string) error {
	var cfg runnerConfig
	if err := json.Unmarshal([]byte(text), &cfg); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	l, err := openBook(cfg)
	if err != nil {
		return err
	}
	reg := actions.NewRegistry()
	if err := reg.Register(actions.Action{Name: "std.http", Params: []actions.Param{{Name: "url"}}, AcceptsExtra: true, Run: l.work}); err != nil {
		return err
	}
	sys, err := cluster.NewSystem(cluster.SystemConfig{Bind: cfg.Bind, Advertise: cfg.Advertise, Logger: log})
	if err != nil {
		return err
	}
	var network runner.Network = sys
	if cfg.Lies {
		network = &liar{System: sys, book: l}
	}
	r, err := runner.Start(runner.Config{
		Actors: sys.Actors(), Network: network, Actions: reg, Engines: cfg.Join, ID: cfg.id(os.Getpid()), Slots: cfg.Slots,
		Targets: []string{"ledger"}, Version: "chaos", Logger: log,
	})
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	<-stop
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = r.Drain(ctx) // what isn't finished by then is cancelled
	ctx, cancel = context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := r.Stop(ctx); err != nil {
		return err
	}
	return sys.Stop(ctx)
}

// book is the ledger of one incarnation of a runner. Each line is a run as it is then; the last of a run counts.
type book struct {
	mu   sync.Mutex
	file *os.File
	id   string
	n    map[string]int // runs of each attempt
	last map[string]*check.Run
}

func openBook(cfg runnerConfig) (*book, error) {
	id := cfg.id(os.Getpid())
	f, err := os.OpenFile(filepath.Join(cfg.Folder, id+".jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &book{file: f, id: id, n: map[string]int{}, last: map[string]*check.Run{}}, nil
}

// since is a moment as checkers want it.
func since() time.Duration { return time.Duration(time.Now().UnixNano()) }

func attemptKey(action string, attempt int) string { return fmt.Sprint(action, "/", attempt) }

// write makes a line durable before anybody hears of it.
func (b *book) write(r *check.Run) {
	line, err := json.Marshal(r)
	if err == nil {
		if _, err = b.file.Write(append(line, '\n')); err == nil {
			err = b.file.Sync()
		}
	}
	if err != nil {
		panic(err)
	}
}

func (b *book) begin(r check.Run) *check.Run {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := attemptKey(r.Action, r.Attempt)
	b.n[key]++
	r.No, r.Runner, r.Began = b.n[key], b.id, since()
	b.last[key] = &r
	b.write(&r)
	return &r
}

func (b *book) end(r *check.Run, kind, result string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r.Ended, r.Kind, r.Result = since(), kind, result
	b.write(r)
}

// work takes the time that the URL says, and fails as often as it says. Its result is its run's token.
func (b *book) work(ctx context.Context, c *actions.Call) actions.Result {
	run := b.begin(check.Run{Execution: c.ExecutionID, Action: c.ActionID, Attempt: c.Attempt, Task: c.Task, Index: c.Index})
	text, _ := c.Input.GetString("url")
	ms, fails := 100, 0
	if u, err := url.Parse(value.Str(text)); err == nil {
		ms, _ = strconv.Atoi(u.Query().Get("ms"))
		fails, _ = strconv.Atoi(u.Query().Get("fails"))
	}
	timer := time.NewTimer(time.Duration(ms)*time.Millisecond + rand.N(50*time.Millisecond))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		b.end(run, check.Cancelled, "")
		return actions.Cancelled()
	}
	token := run.Token()
	if rand.IntN(100) < fails {
		b.end(run, check.Failed, token)
		return actions.Errorf("%s", token)
	}
	b.end(run, check.Succeeded, token)
	return actions.Value(value.String(token))
}

// runs reads all ledgers of a folder. A line that was being written when its process was killed is none.
func runs(t *testing.T, folder string) []*check.Run {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var out []*check.Run
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		byToken := map[string]*check.Run{}
		for dec := json.NewDecoder(f); ; {
			r := &check.Run{}
			if dec.Decode(r) != nil {
				break
			}
			if old := byToken[r.Token()]; old != nil {
				*old = *r
				continue
			}
			byToken[r.Token()] = r
			out = append(out, r)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// liar is a runner's network that sends, after each outcome, others that are not so: of attempts that it doesn't have, in
// another runner's name, and, of what was cancelled, that it succeeded after all.
type liar struct {
	*cluster.System
	book *book
}

// Send implements runner.Network.
func (l *liar) Send(address, actor string, m proto.Message) {
	l.System.Send(address, actor, m)
	if _, ok := m.(*messages.ToExecution); !ok {
		return
	}
	l.System.Send(address, actor, m) // twice
	for _, part := range messagestest.Apart(m) {
		if to := part.(*messages.ToExecution); to.GetActionFinished() != nil {
			l.lie(address, actor, to)
		}
	}
}

// lie says of an outcome's attempt what isn't so.
func (l *liar) lie(address, actor string, to *messages.ToExecution) {
	f := to.GetActionFinished()
	say := func(change func(f *messages.ActionFinished)) {
		lie := proto.Clone(to).(*messages.ToExecution)
		change(lie.GetActionFinished())
		l.System.Send(address, actor, lie)
	}
	invented := func(f *messages.ActionFinished) {
		f.Kind, f.Value = messages.OutcomeKind_OUTCOME_VALUE, []byte(`"a lie"`)
	}
	say(func(f *messages.ActionFinished) { f.Attempt.Attempt += 100; invented(f) }) // the next one may become its own, and the lie its word
	say(func(f *messages.ActionFinished) { f.Attempt.Attempt--; invented(f) })
	say(func(f *messages.ActionFinished) { f.RunnerId = "nobody"; invented(f) })
	if f.GetKind() == messages.OutcomeKind_OUTCOME_CANCELLED {
		// Who has an attempt may say of it what it likes: this goes into its ledger. An end doesn't change by it.
		run := l.book.recant(f.GetAttempt())
		if run == nil {
			return
		}
		say(func(f *messages.ActionFinished) {
			f.Kind, f.Value = messages.OutcomeKind_OUTCOME_VALUE, []byte(strconv.Quote(run.Result))
		})
	}
}

// recant notes that a run which has ended otherwise has succeeded, once for each attempt.
func (b *book) recant(a *messages.Attempt) *check.Run {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := attemptKey(a.GetActionId(), int(a.GetAttempt()))
	last := b.last[key]
	if last == nil {
		return nil
	}
	if last.Kind == check.Succeeded {
		return last
	}
	b.n[key]++
	r := *last
	r.No, r.Began, r.Ended, r.Kind = b.n[key], since(), since(), check.Succeeded
	r.Result = r.Token()
	b.last[key] = &r
	b.write(&r)
	return &r
}
