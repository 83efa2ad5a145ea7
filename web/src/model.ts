// An execution as its history tells: tasks, their actions, the attempts of those. It grows with each event and never has to be
// loaded again.
import { final, type HistoryEvent, type State } from './api'

export interface Attempt {
  n: number
  runner: string
  from: number
  to: number // NaN: it runs
  lost: boolean
}

interface ActionModel {
  id: string
  state: State
  from: number
  to: number // NaN: it runs
  attempts: Attempt[]
  late: number
}

export interface TaskModel {
  id: string
  name: string
  state: State
  info: string
  created: number
  from: number // NaN: it has not begun
  to: number // NaN: it has not ended
  actions: Map<string, ActionModel>
  counts: Partial<Record<State, number>> // of its actions
  reruns: number
}

const eventsMax = 2000

export class ExecutionModel {
  tasks = new Map<string, TaskModel>()
  /** The newest task of each name. */
  byName = new Map<string, TaskModel>()
  state: State | undefined
  info = ''
  from = NaN
  to = NaN
  seq = 0
  /** The newest events, at most eventsMax. */
  events: HistoryEvent[] = []
  /** Grows when tasks begin or end: the picture has to be asked for again. */
  shape = 0

  add(list: HistoryEvent[]): void {
    for (const e of list) {
      if (e.seq <= this.seq) continue
      this.seq = e.seq
      this.one(e)
      this.events.push(e)
    }
    if (this.events.length > eventsMax * 1.5) this.events = this.events.slice(-eventsMax)
  }

  private one(e: HistoryEvent): void {
    const at = Date.parse(e.at)
    switch (e.kind) {
      case 'execution.state':
        this.state = e.state
        this.info = e.info ?? ''
        if (Number.isNaN(this.from)) this.from = at
        this.to = final(e.state) ? at : NaN
        break
      case 'task.state':
        this.task(e, at)
        break
      case 'action.state':
      case 'action.attempt':
      case 'action.late':
        this.action(e, at)
        break
    }
  }

  private task(e: HistoryEvent, at: number): void {
    let t = this.tasks.get(e.task_id!)
    if (!t) {
      t = { id: e.task_id!, name: e.task!, state: 'IDLE', info: '', created: at, from: NaN, to: NaN, actions: new Map(), counts: {}, reruns: 0 }
      this.tasks.set(t.id, t)
      this.byName.set(t.name, t)
      this.shape++
    }
    if (final(t.state) && !final(e.state)) t.reruns++
    if (final(e.state) !== final(t.state)) this.shape++
    t.state = e.state!
    t.info = e.info ?? ''
    if (e.state === 'RUNNING' && Number.isNaN(t.from)) t.from = at
    t.to = final(e.state) ? at : NaN
  }

  private action(e: HistoryEvent, at: number): void {
    const t = this.tasks.get(e.task_id ?? '')
    if (!t || !e.action_id) return
    let a = t.actions.get(e.action_id)
    if (!a) {
      a = { id: e.action_id, state: 'RUNNING', from: at, to: NaN, attempts: [], late: 0 }
      t.actions.set(a.id, a)
      t.counts.RUNNING = (t.counts.RUNNING ?? 0) + 1
    }
    const last = a.attempts[a.attempts.length - 1]
    if (e.kind === 'action.late') a.late++
    else if (e.kind === 'action.attempt') {
      const d = (e.detail ?? {}) as { attempt?: number; runner?: string }
      if (e.state === 'ERROR' && last) {
        last.to = at
        last.lost = true
      } else a.attempts.push({ n: d.attempt ?? a.attempts.length + 1, runner: d.runner ?? '', from: at, to: NaN, lost: false })
    } else if (e.state && e.state !== a.state) {
      t.counts[a.state] = (t.counts[a.state] ?? 1) - 1
      t.counts[e.state] = (t.counts[e.state] ?? 0) + 1
      a.state = e.state
      a.to = final(e.state) ? at : NaN
      if (last && Number.isNaN(last.to) && final(e.state)) last.to = at
    }
  }

  /** The tasks in the order of their creation. */
  list(): TaskModel[] {
    return [...this.tasks.values()]
  }

  /** How much is done, from 0 to 1: of the tasks that were begun. */
  done(): { ended: number; begun: number; failed: number } {
    let ended = 0
    let failed = 0
    for (const t of this.tasks.values()) {
      if (final(t.state)) ended++
      if (t.state === 'ERROR') failed++
    }
    return { ended, begun: this.tasks.size, failed }
  }
}

/** The times when anything was running, with the pauses between them cut short. */
export class Scale {
  private readonly pieces: { from: number; to: number; x: number; length: number }[] = []
  readonly gaps: { x: number; ms: number }[] = []
  readonly total: number

  constructor(spans: [number, number][], compress: boolean) {
    const sorted = spans.filter(([a, b]) => Number.isFinite(a) && Number.isFinite(b)).sort((a, b) => a[0] - b[0])
    const busy: [number, number][] = []
    for (const [a, b] of sorted) {
      const last = busy[busy.length - 1]
      if (last && a <= last[1] + 1) last[1] = Math.max(last[1], b)
      else busy.push([a, Math.max(b, a + 1)])
    }
    const work = busy.reduce((n, [a, b]) => n + b - a, 0)
    const idleMax = Math.max(work * 0.08, 20)
    let x = 0
    busy.forEach(([a, b], i) => {
      const before = busy[i - 1]
      if (before) {
        const idle = a - before[1]
        const shown = compress ? Math.min(idle, idleMax) : idle
        if (shown < idle) this.gaps.push({ x: x + shown / 2, ms: idle })
        this.pieces.push({ from: before[1], to: a, x, length: shown })
        x += shown
      }
      this.pieces.push({ from: a, to: b, x, length: b - a })
      x += b - a
    })
    this.total = Math.max(x, 1)
  }

  /** Where a time is, from 0 to 1. */
  at(t: number): number {
    const p = this.pieces.find((q) => t <= q.to) ?? this.pieces[this.pieces.length - 1]
    if (!p) return 0
    const part = p.to > p.from ? Math.min(1, Math.max(0, (t - p.from) / (p.to - p.from))) : 0
    return (p.x + part * p.length) / this.total
  }
}
