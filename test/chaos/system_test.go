package chaos

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// numbered is the file name of the next version's migration.
func numbered(n int) string { return fmt.Sprintf("%04d_next.sql", n) }

// field reads a number of KiB from a status file of /proc, in bytes.
func field(status, name string) (uint64, error) {
	for line := range strings.Lines(status) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			kib, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("there is no %s", name)
}

// press64 makes an engine need memory: it sends large requests, many at a time, until the context ends.
func press64(ctx context.Context, e *node) {
	body := append(append([]byte(`{"workflow_name": "nowhere", "input": {"x": "`), bytes.Repeat([]byte("x"), 4<<20)...), []byte(`"}}`)...)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for ctx.Err() == nil {
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+e.api+"/v2/executions", bytes.NewReader(body))
				if err != nil {
					return
				}
				req.Header.Set("Content-Type", "application/json")
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					return // it is gone
				}
				_ = resp.Body.Close() // what it answers doesn't matter
			}
		})
	}
	wg.Wait()
}
