// Command embedded runs a durable workflow inside a Go program: a Go function is an action of it, and a signal from
// outside lets it go on.
package main

import (
	"context"
	"fmt"
	"log"

	"cierzo/actions"
	"cierzo/actions/std"
	"cierzo/node"
)

const source = `
version: '2.0'
order:
  input: [item, price]
  output: {receipt: <% $.receipt %>}
  tasks:
    total:
      action: shop.total item=<% $.item %> price=<% $.price %>
      publish: {total: <% task().result.total %>}
      on-success: approve
    approve:
      action: std.async_noop
      publish: {by: <% task().result %>}
      on-success: receipt
    receipt:
      action: std.echo
      input: {output: "<% $.item %> for <% $.total %>, approved by <% $.by %>"}
      publish: {receipt: <% task().result %>}
`

type order struct {
	Item  string `json:"item"`
	Price int    `json:"price"`
}

type total struct {
	Total int `json:"total"`
}

func run(ctx context.Context) (string, error) {
	registry := actions.NewRegistry()
	if err := std.Register(registry, std.Config{}); err != nil {
		return "", err
	}
	if err := registry.Register(actions.Typed("shop.total", func(_ context.Context, o order) (total, error) {
		return total{o.Price + o.Price/5}, nil
	})); err != nil {
		return "", err
	}
	n, err := node.New(ctx, node.Config{Actions: registry})
	if err != nil {
		return "", err
	}
	defer n.Stop(context.WithoutCancel(ctx))
	if _, err := n.Upload(ctx, "order.yaml", []byte(source)); err != nil {
		return "", err
	}
	begun, err := n.Begin(ctx, node.StartRequest{Workflow: "order", Input: map[string]any{"item": "kite", "price": 50}})
	if err != nil {
		return "", err
	}
	if err := n.Signal(ctx, begun.ID(), "approve", "kim"); err != nil {
		return "", err
	}
	done, err := begun.Wait(ctx)
	if err != nil {
		return "", err
	}
	var out struct{ Receipt string }
	err = done.Decode(&out)
	return out.Receipt, err
}

func main() {
	receipt, err := run(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt)
}
