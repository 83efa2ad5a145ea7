package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"cierzo/fault"
)

// pageSize is how many items are asked for at once when somebody wants a part of a list. A whole list comes in pages of the
// server's own size.
const pageSize = 1000

// list reads a list page after page, at most `most` items (0: all); q holds filters and sorting as the API takes them.
//
// Markers are the ids of last items, as Mistral's are, unless the address of the next page names another one. Mistral shows
// the marker's own item of actions again: what was there before is left out, and a page with nothing new ends the list.
func list[T any](ctx context.Context, c *Client, path, name string, q url.Values, most int) ([]T, error) {
	own := url.Values{}
	for k, v := range q {
		own[k] = v
	}
	out, seen := []T{}, map[string]bool{}
	for {
		if most > 0 {
			own.Set("limit", strconv.Itoa(min(most-len(out), pageSize)))
		}
		page, err := readPage[T](ctx, c, path+suffix(own), name)
		if err != nil {
			return nil, err
		}
		fresh := 0
		for i, id := range page.ids {
			if id != "" && seen[id] {
				continue
			}
			fresh++
			seen[id] = true
			out = append(out, page.items[i])
		}
		if most > 0 && len(out) >= most {
			return out[:most], nil
		}
		// A page can be empty and go on: the server looks at so many rows for each.
		if page.next == "" || fresh == 0 && len(page.items) > 0 || page.marker() == own.Get("marker") {
			return out, nil
		}
		own.Set("marker", page.marker())
	}
}

// pageOf is one page.
type pageOf[T any] struct {
	items []T
	ids   []string
	next  string
}

func readPage[T any](ctx context.Context, c *Client, path, name string) (*pageOf[T], error) {
	var body map[string]json.RawMessage
	if err := c.get(ctx, path, &body); err != nil {
		return nil, err
	}
	var raw []json.RawMessage
	out := &pageOf[T]{}
	if next, ok := body["next"]; ok {
		if err := json.Unmarshal(next, &out.next); err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "next page of %s", name)
		}
	}
	if err := json.Unmarshal(body[name], &raw); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "%s %s%s: no list of %s", http.MethodGet, c.base, path, name)
	}
	for _, one := range raw {
		var item T
		var key struct{ ID, Name string }
		if err := json.Unmarshal(one, &item); err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "list of %s", name)
		}
		if err := json.Unmarshal(one, &key); err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "list of %s", name)
		}
		if key.ID == "" {
			key.ID = key.Name // what some of Mistral's system actions have
		}
		out.items, out.ids = append(out.items, item), append(out.ids, key.ID)
	}
	return out, nil
}

// marker is where the next page begins.
func (p *pageOf[T]) marker() string {
	if u, err := url.Parse(p.next); err == nil {
		if m := u.Query().Get("marker"); m != "" {
			return m
		}
	}
	if len(p.ids) == 0 {
		return ""
	}
	return p.ids[len(p.ids)-1]
}
