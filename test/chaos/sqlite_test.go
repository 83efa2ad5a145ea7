package chaos

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"cierzo/internal/proctest"
	"cierzo/persistence/sqlstore"
)

// TestChaosKillLoopOnSQLite kills a node that is everything in one process, again and again, while it works: nothing
// that it has acknowledged is lost.
func TestChaosKillLoopOnSQLite(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	address := proctest.FreeAddress(t)
	dsn := "sqlite://" + filepath.Join(t.TempDir(), "cierzo.db")
	p := proctest.Start(t, "node", "server", "--store", dsn, "--listen", address, "--drain-timeout", "2s", "--lease", leaseTTL.String())
	c := &cluster{t: t, dsn: dsn, apis: []string{address}, engines: []*proctest.Process{p}, ledger: newLedger(t)}
	p.AwaitHealth(ctx, address)
	c.upload(ctx)
	n := *executions / 2
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		c.load(ctx, n, time.Duration(*kills)*600*time.Millisecond)
	}()
	for k := range *kills {
		proctest.Pass(ctx, time.Duration(400+150*k)*time.Millisecond)
		p.Kill()
		p.Restart()
		p.AwaitHealth(ctx, address)
	}
	<-loaded
	c.awaitFinal(ctx, n)
	stopCtx, stopCancel := context.WithTimeout(ctx, 20*time.Second)
	defer stopCancel()
	if err := p.Stop(stopCtx); err != nil {
		t.Fatal(err)
	}
	store, err := sqlstore.Open(ctx, dsn, sqlstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	late, attempts := 0, 0
	for i := range n {
		l, a := judgeRun(ctx, t, store, c.ledger, i)
		late, attempts = late+l, attempts+a
	}
	t.Logf("%d executions, %d kills, %d attempts of actions, %d late results refused", n, *kills, attempts, late)
}
