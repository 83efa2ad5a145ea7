package bench

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"cierzo/fault"
)

// idleFor is how long a new server is left alone before its memory is looked at.
const idleFor = 3 * time.Second

// startup starts a server on an empty SQLite file and waits for its first answer.
func (b *Bench) startup(ctx context.Context) (r Result, err error) {
	if len(b.cfg.Server) == 0 {
		return r, fault.New(fault.Invalid, "workload W0 needs the command of a server")
	}
	folder, err := os.MkdirTemp("", "cierzo-bench-")
	if err != nil {
		return r, fault.Wrap(fault.Unavailable, err, "a temporary folder")
	}
	defer func() { _ = os.RemoveAll(folder) }()
	at, err := freeAddress()
	if err != nil {
		return r, err
	}
	began := time.Now()
	c, err := command(b.cfg.Server, "sqlite://"+filepath.Join(folder, "start.db"), at)
	if err != nil {
		return r, fault.Wrap(fault.Unavailable, err, "start a server")
	}
	defer func() {
		_ = c.Process.Kill()
		_ = c.Wait() // killed: its exit status says so
	}()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for !answers(ctx, "http://"+at+"/v2/workflows") {
		if err := pass(ctx, time.Millisecond); err != nil {
			return r, err
		}
	}
	r.FirstAnswer = time.Since(began).Seconds() * 1000
	if err := pass(ctx, idleFor); err != nil {
		return r, err
	}
	r.IdleRSS = resident(c.Process.Pid)
	if info, err := os.Stat(b.cfg.Server[0]); err == nil {
		r.Binary = info.Size()
	}
	return r, nil
}

func answers(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
}
