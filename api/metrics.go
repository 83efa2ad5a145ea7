package api

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"
)

// process has what Prometheus' own library says of a process: process_cpu_seconds_total, go_goroutines and so on.
var process = sync.OnceValue(func() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewGoCollector())
	return r
})

// metrics shows the node's counters, and what its process takes, in Prometheus' text form.
func (s *server) metrics(w http.ResponseWriter, _ *http.Request) error {
	var b bytes.Buffer
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
			if help := s.MetricHelp[name]; help != "" {
				fmt.Fprintf(&b, "# HELP %s %s\n", name, help)
			}
			fmt.Fprintf(&b, "# TYPE %s %s\n", name, kind)
			last = name
		}
		fmt.Fprintf(&b, "%s %d\n", key, counters[key])
	}
	families, err := process().Gather()
	if err != nil { // the others are as good without
		s.Logger.Debug("metrics of the process not gathered", "error", err)
	}
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(&b, family); err != nil {
			return fmt.Errorf("metrics of the process: %w", err)
		}
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	if _, err := w.Write(b.Bytes()); err != nil {
		s.Logger.Debug("metrics not written", "error", err)
	}
	return nil
}
