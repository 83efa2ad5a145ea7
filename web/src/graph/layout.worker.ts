import { Graph, layout } from '@dagrejs/dagre'
import type { Layout, Shape } from './layout'

self.onmessage = (e: MessageEvent<{ id: number; shape: Shape }>) => {
  self.postMessage({ id: e.data.id, layout: place(e.data.shape) })
}

function place(s: Shape): Layout {
  const g = new Graph({ multigraph: true })
  // A large graph takes the faster ranker: the tidier one needs minutes for thousands of tasks.
  g.setGraph({ rankdir: s.down ? 'TB' : 'LR', nodesep: s.down ? 28 : 18, ranksep: s.down ? 42 : 56, marginx: 24, marginy: 24, ranker: s.nodes.length > 300 ? 'longest-path' : 'network-simplex' })
  g.setDefaultEdgeLabel(() => ({}))
  for (const n of s.nodes) g.setNode(n.name, { width: n.w, height: n.h })
  s.edges.forEach((x, i) => g.setEdge(x.from, x.to, {}, String(i)))
  layout(g)
  const size = g.graph() as { width?: number; height?: number }
  return {
    w: size.width ?? 0,
    h: size.height ?? 0,
    boxes: s.nodes.map((n) => {
      const p = g.node(n.name) as { x: number; y: number }
      return { name: n.name, x: p.x - n.w / 2, y: p.y - n.h / 2, w: n.w, h: n.h }
    }),
    lines: s.edges.map((x, i) => {
      const p = g.edge(x.from, x.to, String(i)) as { points?: { x: number; y: number }[] } | undefined
      return { from: x.from, to: x.to, on: x.on, points: (p?.points ?? []).map((q) => [q.x, q.y] as [number, number]) }
    }),
  }
}
