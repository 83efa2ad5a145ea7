package api

import (
	"fmt"
	"net/http"
	"strings"
)

// metrics shows the node's counters in Prometheus' text form.
func (s *server) metrics(w http.ResponseWriter, _ *http.Request) error {
	var b strings.Builder
	counters := map[string]uint64{}
	if s.Metrics != nil {
		counters = s.Metrics()
	}
	last := ""
	for _, key := range sortedKeys(counters) {
		name, _, _ := strings.Cut(key, "{") // the labels are in the key
		kind := "gauge"
		if strings.HasSuffix(name, "_total") {
			kind = "counter"
		}
		if name != last {
			fmt.Fprintf(&b, "# TYPE %s %s\n", name, kind)
		}
		last = name
		fmt.Fprintf(&b, "%s %d\n", key, counters[key])
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	if _, err := w.Write([]byte(b.String())); err != nil {
		s.Logger.Debug("metrics not written", "error", err)
	}
	return nil
}
