// For who runs the service: nodes, runners, queue, what is slow, what fails and by which cause; and the trail of commands.
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { call, enc, headers, newest, query, type ClusterNode, type Counts, type Execution, type HistoryEvent, type PastEvents, type Queue, type Requester, type Runner } from '../api'
import { count, duration, fingerprint, millis, plainError, requester, timeOfDay } from '../format'
import { follow } from '../live'
import { theme } from '../prefs'
import { base } from '../router'
import { Ago, Badge, Button, Empty, ErrorBox, FindField, Loading, PageHead, Pending, confirm, tell, useLoad, useTitle } from '../ui'

interface Sample {
  at: number
  values: Record<string, number>
}

const samplesMax = 360
const samples: Sample[] = []

async function readMetrics(signal: AbortSignal): Promise<Record<string, number>> {
  const res = await fetch('/metrics', { headers: headers(), signal })
  const values: Record<string, number> = {}
  for (const line of (await res.text()).split('\n')) {
    const m = /^(\w+)(?:\{[^}]*\})? ([\d.e+-]+)$/.exec(line)
    if (m) values[m[1]!] = (values[m[1]!] ?? 0) + Number(m[2])
  }
  return values
}

export function Operations() {
  useTitle('Operations')
  const nodes = useLoad((s) => call<{ nodes: ClusterNode[]; runners: Runner[]; queue: Queue[] }>('/v2/nodes', { signal: s }), [], 2000)
  const counts = useLoad((s) => call<Counts>('/v2/executions/count' + query({ state: 'in:RUNNING,PAUSED' }), { signal: s }), [], 5000)
  const maintenance = useLoad((s) => call<{ status: string }>('/maintenance', { signal: s }), [], 5000)
  const recent = useLoad((s) => newest({ limit: 1000, fields: 'id,workflow_name,state,state_info,created_at,updated_at' }, s), [], 15_000)
  const [metrics, setMetrics] = useState<Record<string, number>>({})
  const [turn, setTurn] = useState(0)
  useEffect(() => {
    const stop = new AbortController()
    const look = () => readMetrics(stop.signal).then((values) => {
      samples.push({ at: Date.now(), values })
      if (samples.length > samplesMax) samples.shift()
      setMetrics(values)
      setTurn((n) => n + 1)
    }, () => undefined)
    void look()
    const timer = setInterval(() => !document.hidden && void look(), 2000)
    return () => {
      stop.abort()
      clearInterval(timer)
    }
  }, [])
  const m = (name: string) => metrics['cierzo_' + name]
  const paused = !!maintenance.data && maintenance.data.status !== 'RUNNING'
  const setMaintenance = async () => {
    const to = paused ? 'RUNNING' : 'PAUSED'
    const yes = await confirm({ title: paused ? 'End the maintenance' : 'Begin maintenance', text: paused ? 'What the maintenance has paused goes on.' : 'All executions are paused, and requests that change something are refused until it ends.', verb: paused ? 'End it' : 'Begin', danger: !paused })
    if (yes === null) return
    await call('/maintenance', { method: 'PUT', body: { status: to } })
    tell(paused ? 'The service goes on' : 'The service pauses')
    maintenance.reload()
  }
  return (
    <div class="page">
      <PageHead title="Operations" sub={maintenance.data ? (paused ? `Maintenance: ${maintenance.data.status}` : 'The service runs') : ' '}>
        {maintenance.data && <Button kind={paused ? 'primary' : 'plain'} icon={paused ? 'play' : 'pause'} onClick={setMaintenance}>{paused ? 'End the maintenance' : 'Maintenance…'}</Button>}
      </PageHead>
      <div class="stats">
        <Stat name="Live executions" value={counts.data?.total} note={counts.data ? `${counts.data.states['PAUSED'] ?? 0} paused` : ''} />
        <Stat name="Queued actions" value={m('actions_queued')} note="wait for a slot" />
        <Stat name="Slots in use" value={m('slots_used')} note={`of ${m('slots') ?? '–'}`} part={(m('slots_used') ?? 0) / (m('slots') || 1)} />
        <Stat name="Runners" value={m('runners')} note={m('runners_lost_total') === undefined ? '' : `${m('runners_lost_total')} lost since the start`} />
        <Stat name="Late results" value={m('results_late_total')} note="not taken any more" />
        <Stat name="Panics" value={m('panics_total')} note="must be 0" />
      </div>
      <div class="cols">
        <section class="panel"><h2>Turns and actions a second</h2><Chart turn={turn} series={[['Turns', 'cierzo_turns_committed_total'], ['Attempts', 'cierzo_attempts_sent_total']]} rate /></section>
        <section class="panel"><h2>Slots and queue</h2><Chart turn={turn} series={[['Slots in use', 'cierzo_slots_used'], ['Queue', 'cierzo_actions_queued']]} /></section>
      </div>
      <section class="panel">
        <h2>Nodes</h2>
        {!nodes.data ? <Pending of={nodes} /> : (
          <div class="tablewrap"><table class="plain stacked">
            <thead><tr><th>Node</th><th>Address</th><th>Roles</th><th>State</th><th>Version</th><th>Up since</th></tr></thead>
            <tbody>{nodes.data.nodes.map((n) => <tr key={n.id}><td class="mono">{n.id.slice(0, 13)}</td><td class="mono">{address(n.address)}</td><td>{n.roles.join(', ')}</td><td><span class={`dot ${n.state}`} /> {n.state}</td><td data-label="version">{n.version}</td><td data-label="up since"><Ago at={n.started_at} /></td></tr>)}</tbody>
          </table></div>
        )}
      </section>
      <section class="panel">
        <h2>Runners</h2>
        {nodes.data && (nodes.data.runners.length === 0 ? <p class="dim">This node's engine hears none: start one with <code>cierzo server --roles runner --join …</code></p> : (
          <div class="tablewrap"><table class="plain stacked">
            <thead><tr><th>Runner</th><th>Address</th><th>Targets</th><th>Slots</th><th>State</th><th>Version</th><th>Heard</th></tr></thead>
            <tbody>{nodes.data.runners.map((r) => <tr key={r.id}><td class="mono">{r.id.slice(0, 13)}</td><td class="mono">{address(r.address)}</td><td>{(r.targets ?? []).map((t) => <span key={t} class="tag">{t}</span>)}</td><td><progress max={r.slots || 1} value={r.used} aria-label="Slots in use" /> <span class="num">{r.used}/{r.slots}</span></td><td><span class={`dot ${r.state}`} /> {r.state}</td><td data-label="version">{r.version}</td><td data-label="heard"><Ago at={r.heard_at} /></td></tr>)}</tbody>
          </table></div>
        ))}
      </section>
      <div class="cols">
        <section class="panel">
          <h2>Queue by target</h2>
          {!nodes.data ? <Pending of={nodes} /> : nodes.data.queue.length === 0 ? <p class="dim">No action waits for a slot.</p> : (
            <div class="tablewrap"><table class="plain stacked">
              <thead><tr><th>Target</th><th>Waiting</th><th>Oldest</th><th>Runners for it</th></tr></thead>
              <tbody>{nodes.data.queue.map((q) => <tr key={q.target}><td>{q.target ? <span class="tag">{q.target}</span> : 'any runner'}</td><td class="num" data-label="waiting">{q.queued.toLocaleString()}</td><td class="nowrap" data-label="oldest"><Ago at={q.oldest} /></td><td data-label="runners">{q.able > 0 ? q.able : <span class="err">none: start a runner with <code class="nowrap">--targets {q.target || '…'}</code></span>}</td></tr>)}</tbody>
            </table></div>
          )}
        </section>
        <Watchdog repairs={metrics} />
      </div>
      {recent.data ? <Causes list={recent.data} /> : <Pending of={recent} />}
    </div>
  )
}

/** What the service had to mend by itself, as the history of executions and the counters tell. */
function Watchdog({ repairs }: { repairs: Record<string, number> }) {
  const past = useHistory('watchdog,repair', 1)
  const lost = repairs['cierzo_runners_lost_total'] ?? 0
  const counters = Object.entries(repairs).filter(([k, v]) => v > 0 && /watchdog|repair/.test(k))
  return (
    <section class="panel">
      <h2>Watchdog <span class="dim">{past.executions > 0 && `of the newest ${count(past.executions, 'execution')}`}</span></h2>
      {past.error ? <ErrorBox error={past.error} retry={past.load} /> : null}
      {past.list.length === 0 && !past.loading && !past.error && <p class="dim">Nothing had to be mended{lost > 0 ? `, but ${count(lost, 'runner')} went without a word: what they ran is tried again or has failed` : ''}.</p>}
      {counters.length > 0 && <dl class="facts">{counters.map(([k, v]) => <div key={k}><dt>{k.replace(/^cierzo_|_total$/g, '').replaceAll('_', ' ')}</dt><dd class="num">{v.toLocaleString()}</dd></div>)}</dl>}
      {past.list.length > 0 && (
        <div class="tablewrap"><table class="plain">
          <thead><tr><th>Time</th><th>What</th><th>Execution</th></tr></thead>
          <tbody>{past.list.map((e) => <tr key={e.execution_id + e.seq}><td class="nowrap"><Ago at={e.at} /></td><td class="break">{[e.task, e.info].filter(Boolean).join(': ')}</td><td><a class="mono" href={`${base}/executions/${e.execution_id}?tab=events`}>{e.workflow_name || e.execution_id.slice(0, 8)}</a></td></tr>)}</tbody>
        </table></div>
      )}
      <MoreHistory of={past} />
    </section>
  )
}

interface History {
  /** The newest first. */
  list: HistoryEvent[]
  loading: boolean
  error: unknown
  /** Among how many executions was looked, and when the oldest of them was created. */
  executions: number
  since: string
  more: boolean
  load: () => void
}

const historyMax = 2000 // events that are kept, the newest
const enough = 25 // events that fill a page

/** The events of some kinds that the newest executions have had, page by page, and new ones as they come. A page is filled from at most so many of the server. */
function useHistory(kinds: string, pages: number): History {
  const [list, setList] = useState<HistoryEvent[]>([])
  const [state, setState] = useState({ loading: true, error: undefined as unknown, executions: 0, since: '', next: '' })
  const stop = useRef<AbortController>(undefined)
  const add = useCallback((es: HistoryEvent[]) => setList((l) => {
    const known = new Set(l.map((e) => e.execution_id + e.seq))
    return [...es.filter((e) => !known.has(e.execution_id + e.seq)), ...l].sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, historyMax)
  }), [])
  const load = async (from: string) => {
    const signal = stop.current!.signal
    setState((s) => ({ ...s, loading: true, error: undefined }))
    try {
      let next = from
      let found = 0
      for (let i = 0; i < pages && found < enough && (i === 0 || next); i++) {
        const page = await call<PastEvents>('/v2/events' + query({ kind: kinds, marker: next }), { signal })
        found += page.events.length
        next = page.next ?? ''
        add(page.events)
        setState((s) => ({ ...s, executions: s.executions + page.executions, since: page.since ?? s.since, next }))
      }
      setState((s) => ({ ...s, loading: false }))
    } catch (error) {
      if (!signal.aborted) setState((s) => ({ ...s, loading: false, error }))
    }
  }
  useEffect(() => {
    stop.current = new AbortController()
    follow('/v2/events' + query({ kind: kinds }), { events: add }, stop.current.signal)
    void load('')
    return () => stop.current?.abort()
  }, [kinds])
  return { list, ...state, more: !!state.next && list.length < historyMax, load: () => void load(state.next) }
}

/** The button that looks further back. */
function MoreHistory({ of }: { of: History }) {
  if (of.list.length >= historyMax) return <p class="dim pad">These are the newest {historyMax.toLocaleString()}; the events of each execution have the others.</p>
  if (!of.more) return null
  return <p class="more"><Button small disabled={of.loading} onClick={of.load}>{of.loading ? 'Looking…' : 'Look further back'}</Button> <span class="dim small">So far: executions that were created since <Ago at={of.since} /></span></p>
}

/** A node without a network has no address. */
function address(a: string): string {
  return !a || a === 'nonhost' ? 'no network' : a
}

function Stat({ name, value, note, part }: { name: string; value: number | undefined; note: string; part?: number }) {
  return (
    <div class="stat">
      <div class="dim">{name}</div>
      <div class="n">{value === undefined ? '–' : value.toLocaleString()}</div>
      <div class="dim small">{note}</div>
      {part !== undefined && <progress max={1} value={part} aria-label={name} />}
    </div>
  )
}

function Chart({ series, turn, rate }: { series: [string, string][]; turn: number; rate?: boolean }) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  useEffect(() => {
    const css = getComputedStyle(document.documentElement)
    const ink = [css.getPropertyValue('--c-RUNNING').trim(), css.getPropertyValue('--accent').trim()]
    const axis = { stroke: css.getPropertyValue('--dim').trim(), grid: { stroke: css.getPropertyValue('--line').trim(), width: 1 }, ticks: { show: false }, font: '11px sans-serif' }
    const p = new uPlot({
      width: box.current!.clientWidth, height: 160, cursor: { y: false }, legend: { live: false },
      scales: { x: { range: (_, min, max) => (max - min > 20 ? [min, max] : [Date.now() / 1000 - 60, Date.now() / 1000]) }, y: { range: (_, min, max) => [Math.min(0, min), Math.max(1, max * 1.1)] } },
      axes: [{ ...axis, space: 70, size: 30, values: (_, at) => at.map((t) => new Date(t * 1000).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' })) }, { ...axis, size: 44 }],
      series: [{}, ...series.map(([label], i) => ({ label, stroke: ink[i]!, width: 2, fill: ink[i]! + '18', points: { show: false } }))],
    }, [[], ...series.map(() => [])], box.current!)
    plot.current = p
    const watch = new ResizeObserver(() => box.current && p.setSize({ width: box.current.clientWidth, height: 160 }))
    watch.observe(box.current!)
    return () => {
      watch.disconnect()
      p.destroy()
    }
  }, [theme.value])
  useEffect(() => {
    const x = samples.map((s) => s.at / 1000)
    const ys = series.map(([, name]) => samples.map((s, i) => {
      const v = s.values[name] ?? 0
      if (!rate) return v
      const before = samples[i - 1]
      return before ? Math.max(0, (v - (before.values[name] ?? 0)) / ((s.at - before.at) / 1000)) : 0
    }))
    plot.current?.setData([x, ...ys])
  }, [turn, theme.value])
  return <div class="chart" ref={box} role="img" aria-label={series.map(([l]) => l).join(', ')} />
}

function Causes({ list }: { list: Execution[] }) {
  const causes = useMemo(() => {
    const by = new Map<string, Execution[]>()
    for (const e of list) if (e.state === 'ERROR') by.set(fingerprint(e.state_info), [...(by.get(fingerprint(e.state_info)) ?? []), e])
    return [...by].sort((a, b) => b[1].length - a[1].length).slice(0, 12)
  }, [list])
  const flows = useMemo(() => {
    const by = new Map<string, { n: number; failed: number; times: number[] }>()
    for (const e of list) {
      const f = by.get(e.workflow_name) ?? { n: 0, failed: 0, times: [] }
      f.n++
      if (e.state === 'ERROR') f.failed++
      if (['SUCCESS', 'ERROR'].includes(e.state)) f.times.push(millis(e.updated_at ?? e.created_at) - millis(e.created_at))
      by.set(e.workflow_name, f)
    }
    return [...by].map(([name, f]) => ({ name, ...f, median: f.times.sort((a, b) => a - b)[Math.floor(f.times.length / 2)] ?? NaN, max: f.times[f.times.length - 1] ?? NaN }))
  }, [list])
  const slow = [...flows].filter((f) => Number.isFinite(f.max)).sort((a, b) => b.max - a.max).slice(0, 8)
  const bad = [...flows].filter((f) => f.failed).sort((a, b) => b.failed - a.failed).slice(0, 8)
  return (
    <>
      <section class="panel">
        <h2>Errors by cause <span class="dim">of the newest {list.length} executions</span></h2>
        {causes.length === 0 ? <p class="dim">None of them has failed.</p> : (
          <ul class="causes">
            {causes.map(([f, es]) => (
              <li key={f}>
                <span class="n">{es.length}</span>
                <div class="grow">
                  <div class="break">{plainError(es[0]!.state_info) || 'without a message'}</div>
                  <div class="dim small">{[...new Set(es.map((e) => e.workflow_name))].slice(0, 4).join(', ')} · newest <Ago at={es[0]!.created_at} /></div>
                </div>
                <span class="actions">
                  {key(es[0]!) && <a class="btn plain small" href={`${base}/executions?q=${enc(`state:ERROR error:"${key(es[0]!)}"`)}`}>All of them</a>}
                  <a class="btn plain small" href={`${base}/executions/${es[0]!.id}`}>Newest</a>
                </span>
              </li>
            ))}
          </ul>
        )}
      </section>
      <div class="cols">
        <section class="panel">
          <h2>Most failing</h2>
          {bad.length === 0 ? <p class="dim">None.</p> : <div class="tablewrap"><table class="plain"><thead><tr><th>Workflow</th><th>Failed</th><th>Of</th></tr></thead><tbody>{bad.map((f) => <tr key={f.name}><td><a href={`${base}/executions?q=${enc(`workflow:"${f.name}" state:ERROR`)}`}>{f.name}</a></td><td class="num">{f.failed}</td><td class="num dim">{f.n}</td></tr>)}</tbody></table></div>}
        </section>
        <section class="panel">
          <h2>Slowest</h2>
          {slow.length === 0 ? <p class="dim">None.</p> : <div class="tablewrap"><table class="plain"><thead><tr><th>Workflow</th><th>Longest</th><th>Median</th></tr></thead><tbody>{slow.map((f) => <tr key={f.name}><td><a href={`${base}/workflows/${enc(f.name)}`}>{f.name}</a></td><td class="num">{seconds(f.max)}</td><td class="num dim">{seconds(f.median)}</td></tr>)}</tbody></table></div>}
        </section>
      </div>
    </>
  )
}

/** A duration of an execution: lists know whole seconds only. */
function seconds(ms: number): string {
  return ms < 1000 ? '< 1 s' : duration(ms)
}

/** A part of an error that all of its kind have: the longest piece without numbers and ids. */
function key(e: Execution): string {
  return fingerprint(e.state_info).split(/[#…"\\]/).map((t) => t.replace(/^.*?: /, '').trim()).sort((a, b) => b.length - a.length)[0]?.slice(0, 80) ?? ''
}

/** The commands that people and programs have given: of the newest executions, and new ones as they happen. */
export function Audit() {
  useTitle('Audit trail')
  const past = useHistory('command', 3)
  const { list } = past
  const [text, setText] = useState('')
  const who = (e: HistoryEvent) => requester(e.detail as Requester | undefined)
  const want = text.trim().toLowerCase()
  const shown = want ? list.filter((e) => [e.info, e.workflow_name, e.execution_id, who(e)].some((t) => t?.toLowerCase().includes(want))) : list
  return (
    <div class="page">
      <PageHead title="Audit trail" sub={past.executions > 0 ? `${count(list.length, 'command')} to the newest ${count(past.executions, 'execution')}, and new ones as they come` : ' '} />
      {past.error ? <ErrorBox error={past.error} retry={past.load} /> : null}
      {list.length === 0 && (past.loading ? <Loading /> : !past.error && <Empty icon="shield" title={past.more ? 'No command was given to the newest executions' : 'No command was given'}>Pausing, resuming, cancelling, rerunning, skipping and completing are written down here, in the turn that carries them out, with who has asked for it. So are starts, where people sign in.</Empty>)}
      {list.length > 0 && (
        <>
          <FindField label="Find a command, a person, a workflow or an id" value={text} onInput={setText} />
          {shown.length === 0 ? <p class="dim pad">No command that is loaded has this in it.</p> : (
            <div class="tablewrap"><table class="plain hover stacked audit">
              <thead><tr><th>Time</th><th>Who</th><th>Command</th><th>Workflow</th><th>Execution</th><th>State then</th></tr></thead>
              <tbody>
                {shown.map((e) => (
                  <tr key={e.execution_id + e.seq}>
                    <td class="num"><span title={e.at}><Ago at={e.at} /></span> <span class="dim">{timeOfDay(Date.parse(e.at))}</span></td>
                    <td class="break">{who(e) || <span class="dim" title="Nobody has to sign in here, or the service itself has done it">not known</span>}</td>
                    <td class="strong">{e.info}</td>
                    <td class="break">{e.workflow_name}</td>
                    <td><a class="mono" href={`${base}/executions/${e.execution_id}?tab=events`}>{e.execution_id.slice(0, 8)}</a></td>
                    <td>{e.state && <Badge state={e.state} quiet />}</td>
                  </tr>
                ))}
              </tbody>
            </table></div>
          )}
        </>
      )}
      <MoreHistory of={past} />
    </div>
  )
}
