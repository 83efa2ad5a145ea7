package client

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"cierzo/fault"
)

// Health is what a server says of itself and its database, with the time that it has and how long the answer took.
type Health struct {
	Store  string `json:"store"`
	Schema int    `json:"schema"`
	// Clock is the server's time, from the answer's header, in whole seconds; zero: it didn't say.
	Clock time.Time `json:"-"`
	// Took is the time from the request to the answer.
	Took time.Duration `json:"-"`
}

// Health asks a server whether it and its database are well. Servers of Mistral may have no such path: fault.NotFound.
func (c *Client) Health(ctx context.Context) (*Health, error) {
	req, err := c.beside(ctx, "/healthcheck")
	if err != nil {
		return nil, err
	}
	began := time.Now()
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(err)
	}
	out := &Health{Took: time.Since(began)}
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		out.Clock = at
	}
	data, err := c.read(resp)
	if err != nil {
		return out, err
	}
	// Mistral's healthcheck answers a text.
	_ = json.Unmarshal(data, out)
	return out, nil
}

// Metrics are the counters and gauges of the node that answers, by name; those with labels are added up. Histograms are left out.
// Servers of Mistral have no such path: fault.NotFound.
func (c *Client) Metrics(ctx context.Context) (map[string]float64, error) {
	req, err := c.beside(ctx, "/metrics")
	if err != nil {
		return nil, err
	}
	data, err := c.exchange(req)
	if err != nil {
		return nil, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(data))
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "GET %s: this is not what Prometheus reads", req.URL)
	}
	out := make(map[string]float64, len(families))
	for name, family := range families {
		for _, m := range family.Metric {
			out[name] += m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue()
		}
	}
	return out, nil
}

// beside is a request for what a server has beside its API.
func (c *Client) beside(ctx context.Context, path string) (*http.Request, error) {
	base, err := url.Parse(c.base)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "address of the server")
	}
	base.Path = strings.TrimSuffix(strings.TrimSuffix(base.Path, "/v2"), "/workflowv2") + path
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base.String(), nil)
	return req, fault.Wrap(fault.Invalid, err, "address of the server")
}
