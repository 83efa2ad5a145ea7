// Where tasks and transitions are drawn: computed in a worker, kept by the shape of the graph.
import type { GraphEdge, GraphNode } from '../api'

export interface Box { name: string; x: number; y: number; w: number; h: number }
export interface Line { from: string; to: string; on: string; points: [number, number][] }
export interface Layout { w: number; h: number; boxes: Box[]; lines: Line[] }

export interface Shape {
  nodes: { name: string; w: number; h: number }[]
  edges: { from: string; to: string; on: string }[]
  down: boolean
}

/** As many ways into one handler of errors are drawn only where they matter. */
const handlerMin = 4

/** The transitions into a handler that most tasks share: drawing all of them hides the others. The last one keeps its place. */
export function commonErrors(edges: GraphEdge[]): GraphEdge[] {
  const into = new Map<string, GraphEdge[]>()
  for (const e of edges) if (e.on === 'error') into.set(e.to, [...(into.get(e.to) ?? []), e])
  return [...into.values()].filter((l) => l.length >= handlerMin).flatMap((l) => l.slice(0, -1))
}

export function shapeOf(nodes: GraphNode[], edges: GraphEdge[], down: boolean): Shape {
  const names = new Set(nodes.map((n) => n.name))
  const left = new Set(commonErrors(edges))
  return {
    down,
    nodes: nodes.map((n) => (n.kind === 'command' ? { name: n.name, w: 96, h: 32 } : { name: n.name, w: widthOf(n), h: 56 })),
    edges: edges.filter((e) => names.has(e.from) && names.has(e.to) && !left.has(e)).map((e) => ({ from: e.from, to: e.to, on: e.on })),
  }
}

/** Wide enough for the name, and for what stands below it, within bounds. */
function widthOf(n: GraphNode): number {
  const below = (n.runs ?? '').length + (n.join ? n.join.length + 8 : 0)
  return Math.min(270, Math.max(150, 66 + n.name.length * 7.6, 62 + below * 6.4))
}

// It is started with the page: its script has come by the time that there is something to draw.
const worker = new Worker(new URL('./layout.worker.ts', import.meta.url), { type: 'module' })
let next = 0
const waiting = new Map<number, (l: Layout) => void>()
const kept = new Map<string, Promise<Layout>>()
const keptMax = 30

worker.onmessage = (e: MessageEvent<{ id: number; layout: Layout }>) => {
  waiting.get(e.data.id)?.(e.data.layout)
  waiting.delete(e.data.id)
}

export function layout(shape: Shape): Promise<Layout> {
  const key = JSON.stringify(shape)
  const known = kept.get(key)
  if (known) return known
  const id = ++next
  const made = new Promise<Layout>((done) => waiting.set(id, done))
  worker.postMessage({ id, shape })
  kept.set(key, made)
  const oldest = kept.keys().next().value
  if (kept.size > keptMax && oldest !== undefined) kept.delete(oldest)
  return made
}
