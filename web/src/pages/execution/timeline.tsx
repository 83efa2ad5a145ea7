// Who ran when: a row for each task, a bar for each attempt; pauses in which nothing ran are cut short.
import { useMemo, useState } from 'preact/hooks'
import { duration, timeOfDay } from '../../format'
import { Scale, type ExecutionModel, type TaskModel } from '../../model'
import { now, stored } from '../../prefs'
import { Button, StateGlyph, word } from '../../ui'

const compress = stored('timeline.compress', true)
const itemsMax = 200

export function Timeline({ model, version, selected, onSelect }: { model: ExecutionModel; version: number; selected: string; onSelect: (name: string) => void }) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const live = !Number.isFinite(model.to)
  const end = live ? now.value : model.to
  const tasks = useMemo(() => model.list(), [version])
  const scale = useMemo(() => {
    const spans: [number, number][] = []
    for (const t of tasks) {
      if (t.actions.size === 0) spans.push([t.created, Number.isNaN(t.to) ? end : t.to])
      for (const a of t.actions.values()) {
        if (a.attempts.length === 0) spans.push([a.from, Number.isNaN(a.to) ? end : a.to])
        for (const x of a.attempts) spans.push([x.from, Number.isNaN(x.to) ? (Number.isNaN(a.to) ? end : a.to) : x.to])
      }
    }
    if (Number.isFinite(model.from)) spans.push([model.from, model.from + 1])
    return new Scale(spans, compress.value)
  }, [version, end, compress.value])
  if (!tasks.length) return <p class="dim pad">No task has begun.</p>
  const pc = (n: number) => `${(n * 100).toFixed(3)}%`
  const toggle = (id: string) => {
    const s = new Set(open)
    if (!s.delete(id)) s.add(id)
    setOpen(s)
  }
  const bar = (key: string, from: number, to: number, cls: string, title: string) => {
    const x = scale.at(from)
    const w = Math.max(0, scale.at(Number.isNaN(to) ? end : to) - x)
    return <span key={key} class={`tbar ${cls}`} style={{ left: pc(x), width: `max(3px, ${pc(w)})` }} title={title} />
  }
  const barsOf = (t: TaskModel) => {
    const out = []
    const first = Number.isNaN(t.from) ? (Number.isNaN(t.to) ? end : t.to) : t.from
    if (first > t.created) out.push(bar('w', t.created, first, 'wait', `waited ${duration(first - t.created)}`))
    if (t.actions.size > 40) {
      // Too many to tell apart: one bar from the first to the last.
      out.push(bar('all', t.from, t.to, `s-${t.state}`, `${t.actions.size} actions, ${duration((Number.isNaN(t.to) ? end : t.to) - t.from)}`))
      return out
    }
    if (t.actions.size === 0) out.push(bar('t', first, t.to, `s-${t.state}`, word(t.state)))
    for (const a of t.actions.values()) {
      if (a.attempts.length === 0) out.push(bar(a.id, a.from, a.to, `s-${a.state}`, `${word(a.state)}, ${duration((Number.isNaN(a.to) ? end : a.to) - a.from)}`))
      else if (a.attempts[0]!.from > a.from) out.push(bar(a.id + 'q', a.from, a.attempts[0]!.from, 'queue', `waited ${duration(a.attempts[0]!.from - a.from)} for a slot`))
      for (const x of a.attempts) {
        const to = Number.isNaN(x.to) ? a.to : x.to
        out.push(bar(`${a.id}.${x.n}`, x.from, to, x.lost ? 's-ERROR lost' : `s-${a.state}`, `attempt ${x.n}: ${x.lost ? 'runner lost' : word(a.state)}, ${duration((Number.isNaN(to) ? end : to) - x.from)}`))
      }
    }
    return out
  }
  return (
    <div class="timeline">
      <div class="tools">
        <label class="check"><input type="checkbox" checked={compress.value} onChange={(e) => (compress.value = e.currentTarget.checked)} /> Cut pauses short</label>
        <span class="dim">{duration(end - model.from)} in all, from {timeOfDay(model.from)}</span>
      </div>
      <div class="trows" role="list" aria-label="Timeline">
        {tasks.map((t) => (
          <div key={t.id} role="listitem">
            <div class={`trow ${selected === t.name ? 'selected' : ''}`}>
              <button class="tname" onClick={() => onSelect(t.name)} aria-pressed={selected === t.name}><StateGlyph state={t.state} /> <span class="cut">{t.name}</span></button>
              <div class="track">{scale.gaps.map((g, i) => <span key={i} class="gap" style={{ left: pc(g.x / scale.total) }} title={`nothing ran for ${duration(g.ms)}`} />)}{barsOf(t)}</div>
              <span class="num dim">{Number.isNaN(t.from) ? '' : duration((Number.isNaN(t.to) ? end : t.to) - t.from)}</span>
              {t.actions.size > 1 ? <Button kind="ghost" small icon={open.has(t.id) ? 'down' : 'right'} label={`${open.has(t.id) ? 'Hide' : 'Show'} the ${t.actions.size} actions of ${t.name}`} onClick={() => toggle(t.id)} /> : <span class="nofold" />}
            </div>
            {open.has(t.id) && [...t.actions.values()].slice(0, itemsMax).map((a, i) => (
              <div key={a.id} class="trow item">
                <span class="tname"><StateGlyph state={a.state} /> <span class="cut dim">item {i}</span></span>
                <div class="track">{a.attempts.length ? a.attempts.map((x) => bar(String(x.n), x.from, Number.isNaN(x.to) ? a.to : x.to, x.lost ? 's-ERROR lost' : `s-${a.state}`, `attempt ${x.n}`)) : bar('a', a.from, a.to, `s-${a.state}`, word(a.state))}</div>
                <span class="num dim">{duration((Number.isNaN(a.to) ? end : a.to) - a.from)}</span>
                <span class="nofold" />
              </div>
            ))}
            {open.has(t.id) && t.actions.size > itemsMax && <p class="dim pad">The first {itemsMax} of {t.actions.size}; the drawer has the others.</p>}
          </div>
        ))}
      </div>
    </div>
  )
}
