// The picture of a workflow: tasks as boxes with their states, transitions as arrows. Drag to move, wheel to zoom, Tab and the arrows
// to go from task to task.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { VNode } from 'preact'
import type { Graph, GraphEdge, GraphNode, State } from '../api'
import { Button, stateIcon, word } from '../ui'
import { commonErrors, layout, shapeOf, type Box, type Layout, type Line } from './layout'

interface NodeLife {
  state?: State | undefined
  /** Of a task with items or a sub-workflow: how many there are in each state. */
  counts?: Partial<Record<State, number>> | undefined
  total?: number | undefined
  runs?: number | undefined
}

/** From so many tasks on only what is in sight is drawn. */
const largeMin = 150
/** Below this size names can't be read: tasks are drawn as plain boxes. */
const plainBelow = 0.3
/** What is in sight changes in steps of this many units: not with each pixel. */
const tile = 400

export function GraphView(props: {
  graph: Graph
  life?: (n: GraphNode) => NodeLife
  selected?: string
  onSelect?: (name: string) => void
  onOpen?: (n: GraphNode) => void
  down?: boolean
  problems?: ReadonlySet<string>
}) {
  // Of a large graph one picture is enough to wait for.
  const shapes = useMemo(() => (props.down !== undefined ? [props.down] : props.graph.nodes.length > largeMin ? [false] : [false, true]).map((d) => shapeOf(props.graph.nodes, props.graph.edges, d)), [props.graph, props.down])
  const key = useMemo(() => JSON.stringify(shapes), [shapes])
  const [place, setPlace] = useState<Layout>()
  useEffect(() => {
    let alive = true
    // To the right or down: whichever can be shown larger.
    const room = (l: Layout) => Math.min((innerWidth - 280) / l.w, (innerHeight - 220) / l.h, 1)
    void Promise.all(shapes.map(layout)).then(([a, b]) => alive && a && setPlace(b && room(b) > room(a) * 1.1 ? b : a))
    return () => void (alive = false)
  }, [key])
  if (!place) return <div class="graph loading" role="status"><span class="spinner" /> Drawing…</div>
  return <Canvas {...props} place={place} />
}

type View = { x: number; y: number; k: number }

function Canvas({ graph, life, selected, onSelect, onOpen, place, problems }: Parameters<typeof GraphView>[0] & { place: Layout }) {
  const svg = useRef<SVGSVGElement>(null)
  const [view, setView] = useState<View | null>(null)
  const drag = useRef<{ x: number; y: number; view: View; moved: boolean } | null>(null)
  const touched = useRef(false)
  const fit = () => {
    const el = svg.current
    if (!el) return
    const k = Math.min(1.15, el.clientWidth / (place.w || 1), el.clientHeight / (place.h || 1))
    const least = Math.max(k, Math.min(0.45, k * 3))
    touched.current = false
    // What does not fit is shown from its beginning on.
    const at = (room: number, size: number) => (size * least > room ? 8 : (room - size * least) / 2)
    setView({ k: least, x: at(el.clientWidth, place.w), y: at(el.clientHeight, place.h) })
  }
  useEffect(() => {
    fit()
    const watch = new ResizeObserver(() => !touched.current && fit())
    watch.observe(svg.current!)
    return () => watch.disconnect()
  }, [place])
  const zoom = (f: number, cx?: number, cy?: number) => {
    touched.current = true
    setView((v) => {
      if (!v) return v
      const el = svg.current!
      const x = cx ?? el.clientWidth / 2
      const y = cy ?? el.clientHeight / 2
      const k = Math.min(3, Math.max(0.05, v.k * f))
      return { k, x: x - ((x - v.x) / v.k) * k, y: y - ((y - v.y) / v.k) * k }
    })
  }
  useEffect(() => {
    const el = svg.current!
    const wheel = (e: WheelEvent) => {
      if (!e.ctrlKey && !e.metaKey && !e.altKey && Math.abs(e.deltaY) < 1) return
      e.preventDefault()
      const r = el.getBoundingClientRect()
      zoom(Math.exp(-e.deltaY * 0.0015), e.clientX - r.left, e.clientY - r.top)
    }
    el.addEventListener('wheel', wheel, { passive: false })
    return () => el.removeEventListener('wheel', wheel)
  }, [])
  // What is selected is brought into sight.
  useEffect(() => {
    const b = place.boxes.find((x) => x.name === selected)
    const el = svg.current
    if (!b || !el) return
    setView((v) => {
      if (!v) return v
      const x = v.x + b.x * v.k
      const y = v.y + b.y * v.k
      if (x >= 0 && y >= 0 && x + b.w * v.k <= el.clientWidth && y + b.h * v.k <= el.clientHeight) return v
      return { ...v, x: el.clientWidth / 2 - (b.x + b.w / 2) * v.k, y: el.clientHeight / 2 - (b.y + b.h / 2) * v.k }
    })
  }, [selected, place])
  const nodes = useMemo(() => new Map(graph.nodes.map((n) => [n.name, n])), [graph])
  const edges = useMemo(() => new Map(graph.edges.map((e) => [`${e.from} ${e.to} ${e.on}`, e])), [graph])
  const boxes = useMemo(() => new Map(place.boxes.map((b) => [b.name, b])), [place])
  const common = useMemo(() => commonErrors(graph.edges), [graph])
  const latest = useRef({ onSelect, onOpen })
  latest.current = { onSelect, onOpen }
  // What has not changed is not drawn again: neither when the picture is moved, nor when another task has changed.
  const drawn = useRef(new Map<string, { is: string; n: GraphNode; b: Box; vnode: VNode }>())
  const large = place.boxes.length > largeMin
  const plain = large && !!view && view.k < plainBelow
  const el = svg.current
  const sight = large && view && el ? [(-view.x / view.k), (-view.y / view.k), ((el.clientWidth - view.x) / view.k), ((el.clientHeight - view.y) / view.k)].map((v, i) => (i < 2 ? Math.floor(v / tile) * tile : Math.ceil(v / tile) * tile)) as [number, number, number, number] : null
  const inSight = (b: Box) => !large || (sight !== null && b.x + b.w > sight[0] && b.y + b.h > sight[1] && b.x < sight[2] && b.y < sight[3])
  const bounds = useMemo(() => place.lines.map((l): Box => {
    const xs = l.points.map((q) => q[0])
    const ys = l.points.map((q) => q[1])
    return { name: '', x: Math.min(...xs), y: Math.min(...ys), w: Math.max(...xs) - Math.min(...xs), h: Math.max(...ys) - Math.min(...ys) }
  }), [place])
  const arrows = useMemo(() => [
    ...place.lines.map((l, i) => inSight(bounds[i]!) && <Arrow key={i} line={l} edge={edges.get(`${l.from} ${l.to} ${l.on}`)} live={!!life} />),
    ...common.filter((e) => e.taken || e.from === selected || e.to === selected).map((e) => {
      const [a, b] = [boxes.get(e.from), boxes.get(e.to)]
      return a && b && <Arrow key={`${e.from} ${e.to}`} line={{ from: e.from, to: e.to, on: e.on, points: between(a, b) }} edge={e} live={!!life} />
    }),
  ], [place, edges, selected, !!life, sight?.join(' ')])
  return (
    <div class="graph">
      <svg
        ref={svg} role="group" aria-label={`Graph of ${graph.workflow}`}
        onPointerDown={(e) => {
          if (!view || e.button !== 0) return
          drag.current = { x: e.clientX, y: e.clientY, view, moved: false }
        }}
        onPointerMove={(e) => {
          const d = drag.current
          if (!d) return
          if (!d.moved && Math.hypot(e.clientX - d.x, e.clientY - d.y) < 4) return
          if (!d.moved) svg.current!.setPointerCapture(e.pointerId)
          d.moved = touched.current = true
          setView({ ...d.view, x: d.view.x + e.clientX - d.x, y: d.view.y + e.clientY - d.y })
        }}
        onPointerUp={() => (drag.current = null)}
        onPointerCancel={() => (drag.current = null)}
      >
        <defs>
          {['', 'success', 'error', 'complete', 'skip', 'requires'].map((k) => (
            <marker key={k} id={`arrow-${k}`} class={`arrow on-${k}`} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 .8L7 4 0 7.2z" /></marker>
          ))}
        </defs>
        <g transform={view ? `translate(${view.x} ${view.y}) scale(${view.k})` : undefined} class={view ? '' : 'hidden'}>
          {arrows}
          {place.boxes.map((b) => {
            const n = nodes.get(b.name)
            if (!n || !inSight(b)) {
              drawn.current.delete(b.name)
              return null
            }
            const l = life?.(n)
            const is = `${l ? [l.state, l.total, l.runs, l.counts && Object.entries(l.counts)] : ''} ${selected === b.name} ${problems?.has(b.name)} ${plain}`
            const had = drawn.current.get(b.name)
            if (had?.is === is && had.n === n && had.b === b) return had.vnode
            const vnode = <NodeBox key={b.name} n={n} x={b.x} y={b.y} w={b.w} h={b.h} life={l} selected={selected === b.name} bad={problems?.has(b.name)} plain={plain} onSelect={(name) => latest.current.onSelect?.(name)} onOpen={(x) => latest.current.onOpen?.(x)} selectable={!!onSelect} />
            drawn.current.set(b.name, { is, n, b, vnode })
            return vnode
          })}
        </g>
      </svg>
      <div class="zoom">
        <Button kind="ghost" small icon="plus" label="Larger" onClick={() => zoom(1.3)} />
        <Button kind="ghost" small icon="minus" label="Smaller" onClick={() => zoom(1 / 1.3)} />
        <Button kind="ghost" small icon="fit" label="Fit" onClick={fit} />
      </div>
    </div>
  )
}

function Arrow({ line, edge, live }: { line: Line; edge: GraphEdge | undefined; live: boolean }) {
  return (
    <path class={`edge on-${line.on} ${edge?.taken ? 'taken' : live ? 'untaken' : ''} ${edge?.conditional ? 'conditional' : ''}`} d={smooth(line.points)} marker-end={`url(#arrow-${line.on})`}>
      <title>{`${line.from} → ${line.to}, on ${line.on}${edge?.conditional ? ', under a condition' : ''}${edge?.taken ? ', taken' : ''}`}</title>
    </path>
  )
}

/** From the edge of a box to that of another, with a bend. */
function between(a: Box, b: Box): [number, number][] {
  const down = b.y > a.y + a.h
  const from: [number, number] = down ? [a.x + a.w / 2, a.y + a.h] : [a.x + a.w, a.y + a.h / 2]
  const to: [number, number] = down ? [b.x + b.w / 2, b.y] : [b.x, b.y + b.h / 2]
  return [from, down ? [from[0], (from[1] + to[1]) / 2] : [(from[0] + to[0]) / 2, from[1]], down ? [to[0], (from[1] + to[1]) / 2] : [(from[0] + to[0]) / 2, to[1]], to]
}

function smooth(p: [number, number][]): string {
  if (p.length < 2) return ''
  const r = (n: number) => Math.round(n * 10) / 10
  let d = `M${r(p[0]![0])} ${r(p[0]![1])}`
  for (let i = 1; i < p.length - 1; i++) {
    const [x, y] = p[i]!
    const [nx, ny] = p[i + 1]!
    const last = i === p.length - 2
    d += ` Q${r(x)} ${r(y)} ${r(last ? nx : (x + nx) / 2)} ${r(last ? ny : (y + ny) / 2)}`
  }
  if (p.length === 2) d += ` L${r(p[1]![0])} ${r(p[1]![1])}`
  return d
}

const glyphs: Record<string, string> = {
  check: 'M4 8.5l2.8 2.8L12 5.5', cross: 'M4.7 4.7l6.6 6.6M11.3 4.7l-6.6 6.6', pause: 'M5.7 4.5v7M10.3 4.5v7', slash: 'M4.5 11.5l7-7',
  bolt: 'M8.6 2.5L4.4 8.6h3.3l-.5 4.9 4.4-6.2H8.2z', flow: 'M3.5 3.5h3.4v2.6H3.5zM9.1 9.9h3.4v2.6H9.1zM5.2 6.1v5.1h3.9', items: 'M4 4.5h8M4 8h8M4 11.5h8',
  clock: 'M8 4.2V8l2.6 1.7', dots: 'M4.2 8h.01M8 8h.01M11.8 8h.01', skip: 'M4 4.5L8.5 8 4 11.5M11.5 4.5v7', spin: 'M8 2.5a5.5 5.5 0 0 1 5.5 5.5',
}

function NodeBox({ n, x, y, w, h, life, selected, bad, plain, selectable, onSelect, onOpen }: {
  n: GraphNode; x: number; y: number; w: number; h: number; life: NodeLife | undefined; selected: boolean; bad: boolean | undefined; plain: boolean
  selectable: boolean; onSelect: (name: string) => void; onOpen: (n: GraphNode) => void
}) {
  if (n.kind === 'command') {
    return (
      <g transform={`translate(${x} ${y})`} class={`node command ${life?.state ? 's-' + life.state : ''}`}>
        <rect width={w} height={h} rx={h / 2} />
        <text x={w / 2} y={h / 2 + 4} text-anchor="middle">{n.name}</text>
      </g>
    )
  }
  const state = life?.state ?? n.state
  const name = fit(n.name, '600 13px', w - 54)
  const notes = [n.runs ?? '', n.join ? `join ${n.join}` : '', life?.runs && life.runs > 1 ? `${life.runs} runs` : '', n.retries ? `retry ${n.retries}` : ''].filter(Boolean).join(' · ')
  const total = life?.total ?? 0
  const counts = life?.counts ?? {}
  const ended = (counts.SUCCESS ?? 0) + (counts.ERROR ?? 0) + (counts.CANCELLED ?? 0)
  const folded = (n.items || n.kind === 'workflow') && total > 0
  const sub = folded && n.items ? `${ended} of ${total}${n.runs ? ' · ' + n.runs : ''}` : notes
  const subText = fit(sub, '11.5px', w - 54)
  const select = () => onSelect(n.name)
  return (
    <g
      transform={`translate(${x} ${y})`} class={`node ${state ? 's-' + state : life ? 'unrun' : 'plain'} ${selected ? 'selected' : ''} ${bad ? 'bad' : ''}`}
      tabindex={selectable ? 0 : undefined} role={selectable ? 'button' : 'img'} aria-pressed={selectable ? selected : undefined} data-task={n.name} data-state={state ?? ''}
      onClick={select}
      onDblClick={() => onOpen(n)}
      onKeyDown={(e) => {
        if (e.key === 'Enter' || e.key === ' ') {
          e.preventDefault()
          e.stopPropagation()
          select()
        }
      }}
    >
      <title>{['Task ' + n.name, state || life ? word(state) : '', folded && n.items ? `${ended} of ${total} ended` : '', notes].filter(Boolean).join(', ')}</title>
      {plain ? <rect class="card plainly" width={w} height={h} rx={10} /> : <NodeFace {...{ n, w, h, state, name, folded, subText, counts, total, life: !!life }} />}
    </g>
  )
}

/** What a box shows when it is large enough to be read. */
function NodeFace({ n, w, h, state, name, folded, subText, counts, total, life }: {
  n: GraphNode; w: number; h: number; state: State | undefined; name: string; folded: boolean; subText: string; counts: Partial<Record<State, number>>; total: number; life: boolean
}) {
  return (
    <>
      {(n.items || n.kind === 'workflow') && <rect class="stack" x={5} y={-5} width={w - 2} height={h} rx={10} />}
      <rect class="card" width={w} height={h} rx={10} />
      <rect class="stripe" width={4} height={h - 16} x={0} y={8} rx={2} />
      <g transform={`translate(14 ${h / 2 - 11})`} class={state ? `g-${stateIcon[state]}` : ''}>
        <circle class="disc" cx={11} cy={11} r={11} />
        {(state || !life) && <path class="glyph" transform="translate(3 3)" d={glyphs[state ? stateIcon[state] : n.kind === 'workflow' ? 'flow' : n.items ? 'items' : 'bolt'] ?? ''} />}
      </g>
      <text class="name" x={44} y={folded ? 21 : h / 2 - 2}>{name}</text>
      <text class="sub" x={44} y={folded ? 35 : h / 2 + 14}>{subText}</text>
      {folded && (
        <g transform={`translate(44 ${h - 13})`}>
          <rect class="track" width={w - 58} height={5} rx={2.5} />
          {bars(counts, total, w - 58).map((b) => <rect key={b.s} class={`fill s-${b.s}`} x={b.x} width={b.w} height={5} rx={2.5} />)}
        </g>
      )}
    </>
  )
}

function bars(counts: Partial<Record<State, number>>, total: number, w: number): { s: State; x: number; w: number }[] {
  let x = 0
  return (['SUCCESS', 'ERROR', 'CANCELLED', 'RUNNING'] as State[]).flatMap((s) => {
    const n = counts[s] ?? 0
    if (n <= 0) return []
    const b = { s, x, w: Math.max(2, (n / Math.max(total, 1)) * w) }
    x += b.w
    return [b]
  })
}

let pen: CanvasRenderingContext2D | null | undefined
let family = ''
const widths = new Map<string, number>()

/** The text, or as much of it as has room. */
function fit(text: string, font: string, room: number): string {
  if (pen === undefined) {
    pen = document.createElement('canvas').getContext('2d')
    family = getComputedStyle(document.body).fontFamily
  }
  if (!pen || text.length < room / 14) return text
  const key = font + text
  let width = widths.get(key)
  if (width === undefined) {
    pen.font = `${font} ${family}`
    width = pen.measureText(text).width
    if (widths.size > 5000) widths.clear()
    widths.set(key, width)
  }
  return width <= room ? text : text.slice(0, Math.max(1, Math.floor((text.length * (room - 12)) / width))) + '…'
}
