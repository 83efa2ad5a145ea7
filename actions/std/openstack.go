package std

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"cierzo/actions"
	"cierzo/expr/value"
	"cierzo/fault"
)

// pagesMax bounds the pages that a list is made of.
const pagesMax = 100

// openStackTable is the list of named actions.
//
//go:embed openstack.txt
var openStackTable string

// placeholder is a parameter in a path.
var placeholder = regexp.MustCompile(`\{([a-z0-9_]+)\}`)

// openStack is what the actions for OpenStack share.
type openStack struct {
	keystone *keystone
	cloud    *cloud
}

// endpointOf is where a call goes, with the headers that it must have.
type endpointOf struct {
	types   []string
	version string // appended to an endpoint without one; empty: nothing is
	region  string
}

func newOpenStack(cfg Config) *openStack {
	account := cfg.OpenStack
	if account == (OpenStack{}) {
		account = OpenStackFrom(os.Getenv)
	}
	if account.Interface == "" {
		account.Interface = "public"
	}
	account.Interface = strings.TrimSuffix(account.Interface, "URL") // an older spelling
	c := &cloud{cfg}
	return &openStack{&keystone{account: account, cloud: c, now: time.Now, callers: map[[32]byte]*grant{}}, c}
}

// openStackActions are openstack.call and the named actions. fault.Internal: the table is wrong.
func openStackActions(cfg Config) ([]actions.Action, error) {
	o := newOpenStack(cfg)
	rows, err := parseTable(openStackTable)
	if err != nil {
		return nil, err
	}
	out := []actions.Action{o.callAction()}
	for _, r := range rows {
		out = append(out, o.action(r))
	}
	return out, nil
}

// request sends a request to a service. A token of ours that is refused is replaced once.
func (o *openStack) request(ctx context.Context, auth actions.Auth, to endpointOf, method, path string, header http.Header, body []byte) (*answer, error) {
	region := to.region
	if region == "" {
		region = auth.Region
	}
	if region == "" {
		region = o.keystone.account.Region
	}
	for try := 0; ; try++ {
		g, err := o.keystone.grant(ctx, auth)
		if err != nil {
			return nil, err
		}
		base, err := g.endpoint(to.types, o.keystone.account.Interface, region)
		if err != nil {
			return nil, err
		}
		header.Set("X-Auth-Token", g.token)
		a, err := o.cloud.do(ctx, method, versioned(base, to.version)+path, header, body)
		if err == nil && a.status == http.StatusUnauthorized && try == 0 && auth.Token == "" {
			o.keystone.forget(g)
			continue
		}
		return a, err
	}
}

const openStackClass = "openstack.Call"

// callAction is openstack.call, which Mistral hasn't: any request to any service.
func (o *openStack) callAction() actions.Action {
	return actions.Action{
		Name: "openstack.call", Class: openStackClass,
		Description: "Sends a request to a service of OpenStack with the token of the workflow's user. Succeeds for a status below 400, " +
			"fails otherwise; both with a dict of content, status and headers.",
		Params: []actions.Param{
			{Name: "service", Doc: "its type in the catalogue: compute, image, network, identity, volumev3, orchestration, …"},
			{Name: "path", Doc: "below the service's endpoint: /servers/detail"},
			{Name: "method", Default: value.String("GET"), Doc: "in any case"},
			optional("body", "sent as JSON"),
			optional("query", "a dict (a list gives several values, null none), or a list of pairs"),
			optional("headers", "a dict"),
			{Name: "action_region", Default: value.String(""), Doc: "of the service; empty: the user's"},
			optional("microversion", "of the service's API, as 2.53"),
		},
		Run: func(ctx context.Context, c *actions.Call) actions.Result {
			a, err := o.anyCall(ctx, c)
			switch {
			case ctx.Err() != nil:
				return actions.Cancelled()
			case err != nil:
				return raised(openStackClass, c, "%v", err)
			case a.status >= http.StatusBadRequest:
				return actions.Error(a.dict())
			default:
				return actions.Value(a.dict())
			}
		},
	}
}

func (o *openStack) anyCall(ctx context.Context, c *actions.Call) (*answer, error) {
	kind, path := text(c, "service"), text(c, "path")
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	u, err := url.Parse(path)
	if err != nil {
		return nil, errors.New("path is no path of a URL")
	}
	if query := given(c, "query"); value.Truthy(query) {
		if err := addQuery(u, query); err != nil {
			return nil, fmt.Errorf("query: %w", err)
		}
	}
	path = u.EscapedPath()
	if u.RawQuery != "" {
		path += "?" + quote(u.RawQuery)
	}
	var body []byte
	req := &http.Request{Header: http.Header{}}
	if v := given(c, "body"); v.Kind() != value.KindNull {
		if body, err = value.AppendJSON(nil, v); err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/json")
	}
	if v := text(c, "microversion"); v != "" {
		req.Header.Set("OpenStack-API-Version", strings.TrimRight(kind, "v23")+" "+v)
		if kind == "compute" {
			req.Header.Set("X-OpenStack-Nova-API-Version", v)
		}
	}
	if err := addHeaders(req, given(c, "headers")); err != nil {
		return nil, err
	}
	method := strings.ToUpper(value.Str(given(c, "method")))
	return o.request(ctx, c.Auth, endpointOf{types: []string{kind}, region: text(c, "action_region")}, method, path, req.Header, body)
}

func (a *answer) dict() value.Value {
	headers := value.NewDict(len(a.names))
	for _, name := range a.names {
		headers.SetString(name, value.String(latin1(strings.Join(a.header.Values(name), ", "))))
	}
	d := value.NewDict(3)
	d.SetString("content", content(a.data, "utf-8"))
	d.SetString("status", value.Int(a.status))
	d.SetString("headers", headers)
	return d
}

// row is a named action of the table.
type row struct {
	module, class string
	to            endpointOf
	method        string // of the Python client: servers.list
	path          string // with placeholders
	key           string // of the answer; ".": all of it
}

func (r row) name() string { return r.module + "." + strings.ReplaceAll(r.method, ".", "_") }

// parseTable reads openstack.txt.
func parseTable(table string) ([]row, error) {
	var rows []row
	var head row
	for i, line := range strings.Split(table, "\n") {
		f := strings.Fields(line)
		switch {
		case len(f) == 0 || strings.HasPrefix(line, "#"):
		case f[0] == "service" && len(f) == 5:
			head = row{module: f[1], class: f[2], to: endpointOf{types: strings.Split(f[3], ","), version: strings.Trim(f[4], "-")}}
		case len(f) == 3 && head.module != "" && strings.HasPrefix(f[1], "/"):
			r := head
			r.method, r.path, r.key = f[0], f[1], f[2]
			rows = append(rows, r)
		default:
			return nil, fault.New(fault.Internal, "openstack.txt:%d: %q", i+1, line)
		}
	}
	return rows, nil
}

// action makes an action of a row.
func (o *openStack) action(r row) actions.Action {
	var params []actions.Param
	var inPath []string
	for _, m := range placeholder.FindAllStringSubmatch(r.path, -1) {
		params = append(params, actions.Param{Name: m[1], Doc: "its id, or name where the service takes one"})
		inPath = append(inPath, m[1])
	}
	params = append(params, actions.Param{Name: "action_region", Default: value.String(""), Doc: "of the service; empty: the user's"})
	class := "mistral_extra.actions.openstack.actions." + r.class
	return actions.Action{
		Name: r.name(), Class: class, Params: params, AcceptsExtra: true, SafeRerun: true,
		Description: fmt.Sprintf("%s of OpenStack's %s (GET %s). Further inputs are sent as the query; search_opts and filters are taken apart.",
			r.method, r.module, r.path),
		Run: func(ctx context.Context, c *actions.Call) actions.Result {
			v, err := o.named(ctx, c, r, inPath)
			switch {
			case ctx.Err() != nil:
				return actions.Cancelled()
			case err != nil:
				return raised(class, c, "%s.%s failed: %v", r.class, r.method, err)
			default:
				return actions.Value(v)
			}
		},
	}
}

// named runs a row: it gets the answer, all pages of it when it is a list and the input has no limit.
func (o *openStack) named(ctx context.Context, c *actions.Call, r row, inPath []string) (value.Value, error) {
	for _, name := range inPath {
		if slices.Contains([]string{"", ".", ".."}, text(c, name)) {
			return nil, fmt.Errorf("%s is %s", name, value.Repr(given(c, name))) // it would be another path
		}
	}
	path := placeholder.ReplaceAllStringFunc(r.path, func(m string) string { return url.PathEscape(text(c, strings.Trim(m, "{}"))) })
	query, limited, err := queryOf(c, inPath)
	if err != nil {
		return nil, err
	}
	if query != "" {
		path += "?" + query
	}
	to := r.to
	to.region = text(c, "action_region")
	var all []value.Value
	size := 0
	for range pagesMax {
		a, err := o.request(ctx, c.Auth, to, http.MethodGet, path, http.Header{}, nil)
		if err != nil {
			return nil, err
		}
		if a.status >= http.StatusMultipleChoices {
			return nil, a.failure()
		}
		if size += len(a.data); size > o.cloud.cfg.ResponseBytesMax {
			return nil, &tooLargeError{-1, int64(o.cloud.cfg.ResponseBytesMax)}
		}
		body := content(a.data, "utf-8")
		part, items := pick(body, r.key)
		if items == nil {
			return part, nil
		}
		all = append(all, items...)
		next := nextPage(body, r.key)
		if next == "" || limited || len(items) == 0 {
			return value.NewList(all), nil
		}
		// Only the query of the link counts: its host may be the service's own, behind the endpoint.
		base, _, _ := strings.Cut(path, "?")
		path = base + "?" + next
	}
	return nil, fmt.Errorf("the list has more than %d pages", pagesMax)
}

// pick takes the result out of an answer; items is not nil when it is a list.
func pick(body value.Value, key string) (v value.Value, items []value.Value) {
	m, ok := body.(value.Mapping)
	if key == "." || !ok {
		return body, nil
	}
	v, ok = m.GetString(key)
	if !ok {
		return body, nil
	}
	if list, ok := v.(*value.List); ok {
		return v, append([]value.Value{}, list.Items()...)
	}
	return v, nil
}

// nextPage is the query of the next page: of "servers_links" (compute, volumes), "next" (images) or "links" (identity).
func nextPage(body value.Value, key string) string {
	m, ok := body.(value.Mapping)
	if !ok {
		return ""
	}
	link := ""
	if v, ok := m.GetString("next"); ok {
		link = value.Str(v)
	}
	if v, ok := m.GetString("links"); ok {
		for k, target := range entries(v) {
			if k == "next" && value.Truthy(target) {
				link = value.Str(target)
			}
		}
	}
	if v, ok := m.GetString(key + "_links"); ok {
		list, _ := elements(v)
		for _, one := range list {
			if l, ok := one.(value.Mapping); ok {
				rel, _ := l.GetString("rel")
				href, found := l.GetString("href")
				if found && rel == value.String("next") {
					link = value.Str(href)
				}
			}
		}
	}
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	return u.RawQuery
}

// queryOf makes a query of the inputs that aren't in the path. What only means something to a Python client is left out.
func queryOf(c *actions.Call, inPath []string) (query string, limited bool, err error) {
	flat := value.NewDict(c.Input.Len())
	add := func(k string, v value.Value) {
		if value.Equal(v, value.Int(-1)) && k == "limit" {
			return // novaclient's word for "all"
		}
		limited = limited || k == "limit" && v.Kind() != value.KindNull
		flat.SetString(k, v)
	}
	for k, v := range entries(c.Input) {
		switch {
		case slices.Contains(inPath, k), slices.Contains([]string{"action_region", "detailed", "retrieve_all"}, k):
		case k == "search_opts" || k == "filters":
			for name, one := range entries(v) {
				add(name, one)
			}
		default:
			add(k, v)
		}
	}
	query, err = encodePairs(flat)
	return query, limited, err
}
