package std

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"cierzo/actions"
	"cierzo/expr/value"
)

// responseMax bounds a response's body, in bytes; httpTimeout is what a request may take when the input doesn't say.
const (
	responseMax = 5 << 20
	httpTimeout = 60 * time.Second
)

func httpAction() actions.Action {
	null := value.Null{}
	return actions.Action{
		Name: "std.http", Class: class + "HTTPAction", Description: "Sends an HTTP request.",
		Params: []actions.Param{
			{Name: "url"},
			{Name: "method", Default: value.String("GET")},
			{Name: "params", Default: null},
			{Name: "body", Default: null},
			{Name: "json", Default: null},
			{Name: "headers", Default: null},
			{Name: "cookies", Default: null},
			{Name: "auth", Default: null},
			{Name: "timeout", Default: null},
			{Name: "allow_redirects", Default: null},
			{Name: "proxies", Default: null},
			{Name: "verify", Default: null},
		},
		Run: runHTTP,
	}
}

func runHTTP(ctx context.Context, c *actions.Call) actions.Result {
	limit := httpTimeout
	if d := seconds(c.Input, "timeout"); d > 0 {
		limit = d
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	url, _ := c.Input.GetString("url")
	method, _ := c.Input.GetString("method")
	body, contentType := "", ""
	if v, ok := c.Input.GetString("json"); ok && value.Truthy(v) {
		raw, err := value.AppendJSON(nil, v)
		if err != nil {
			return actions.Errorf("json: %v", err)
		}
		body, contentType = string(raw), "application/json"
	} else if v, ok := c.Input.GetString("body"); ok && value.Truthy(v) {
		body = value.Str(v)
	}
	req, err := http.NewRequestWithContext(ctx, value.Str(method), value.Str(url), strings.NewReader(body))
	if err != nil {
		return actions.Errorf("Failed to send HTTP request: %v", err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	req.Header.Set("Idempotency-Key", c.IdempotencyKey)
	if h, ok := c.Input.GetString("headers"); ok {
		if m, ok := h.(value.Mapping); ok {
			for k, v := range m.All() {
				req.Header.Set(value.Str(k), value.Str(v))
			}
		}
	}
	began := time.Now()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return actions.Errorf("The action raised an exception [action=std.http, action_ex_id=%s, msg='Failed to send HTTP request: %v']", c.ActionID, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, responseMax+1))
	if err != nil {
		return actions.Errorf("Failed to read the HTTP response: %v", err)
	}
	if len(data) > responseMax {
		return actions.Errorf("HTTP response is too large (limit=%d bytes).", responseMax)
	}
	return response(resp, data, time.Since(began))
}

func response(resp *http.Response, data []byte, elapsed time.Duration) actions.Result {
	content, err := value.ParseJSON(data)
	if err != nil {
		content = value.String(string(data))
	}
	headers := value.NewDict(len(resp.Header))
	for k := range resp.Header {
		headers.SetString(k, value.String(resp.Header.Get(k)))
	}
	out := value.NewDict(9)
	out.SetString("content", content)
	out.SetString("status", value.Int(resp.StatusCode))
	out.SetString("headers", headers)
	out.SetString("url", value.String(resp.Request.URL.String()))
	out.SetString("history", value.NewList(nil))
	out.SetString("encoding", value.Null{})
	out.SetString("reason", value.String(http.StatusText(resp.StatusCode)))
	out.SetString("cookies", value.NewDict(0))
	out.SetString("elapsed", value.Float(elapsed.Seconds()))
	if resp.StatusCode < 200 || resp.StatusCode > 306 {
		return actions.Error(out)
	}
	return actions.Value(out)
}
