package load

import (
	"context"
	"testing"
	"time"

	"cierzo/internal/dbtest"
	"cierzo/internal/proctest"
)

func TestMain(m *testing.M) { proctest.Main(m) }

// server is a process with the address of its REST API.
type server struct {
	*proctest.Process
	api string // host:port
}

// startServer starts a server and waits until it answers.
func startServer(ctx context.Context, t *testing.T, args ...string) *server {
	t.Helper()
	api := proctest.FreeAddress(t)
	s := &server{proctest.Start(t, "server on "+api, append([]string{"server", "--listen", api, "--log-level", "warn"}, args...)...), api}
	s.AwaitHealth(ctx, api)
	return s
}

// cluster is some servers on one PostgreSQL.
type cluster struct {
	dsn     string
	servers []*server
}

// lease of the engines: short, so that a takeover is seen in a test.
const lease = 3 * time.Second

// startCluster starts a server with each of the given roles.
func startCluster(ctx context.Context, t *testing.T, roles ...string) *cluster {
	t.Helper()
	db, err := dbtest.StartPostgres(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Stop(); err != nil {
			t.Errorf("stop PostgreSQL: %v", err)
		}
	})
	c := &cluster{dsn: db.DSN("postgres")}
	for _, role := range roles {
		// One after the other: the first one migrates the database.
		c.servers = append(c.servers, startServer(ctx, t, "--roles", role, "--store", c.dsn, "--bind", proctest.FreeAddress(t), "--lease", lease.String(), "--drain-timeout", "2s"))
	}
	return c
}
