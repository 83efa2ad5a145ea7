// The list of executions: what runs, what has failed, and what to do with many of them at once.
import { signal } from '@preact/signals'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { all, call, type BulkResult, type Counts, type Execution, type HistoryEvent } from '../api'
import { filterText, keys, parameters, parseFilter, queryString, states, termText, withTerm, type Term } from '../filter'
import { count, described, millis, plainError, startedBy } from '../format'
import { follow, type Connection } from '../live'
import { curl } from '../curl'
import { stored } from '../prefs'
import { base, go, search, setSearch } from '../router'
import { Ago, Badge, Button, Code, Dialog, Empty, ErrorBox, Field, Icon, Lasted, Loading, Menu, PageHead, StateGlyph, fail, tell, useKey, useTitle, word } from '../ui'

const pageSize = 200
const rowHeight = 44
const fields = 'id,workflow_name,description,tags,state,state_info,created_at,updated_at,task_execution_id,project_id,started_by'

type Column = 'state' | 'workflow' | 'id' | 'tags' | 'info' | 'by' | 'created' | 'took' | 'project'
const columnNames: Record<Column, string> = {
  state: 'State', workflow: 'Workflow', id: 'Id', tags: 'Tags', info: 'Description or error', by: 'Started by', created: 'Created', took: 'Duration', project: 'Project',
}
const columns = stored<Column[]>('columns', ['state', 'workflow', 'info', 'by', 'tags', 'created', 'took'])
const views = stored<{ name: string; q: string }[]>('views', [])

const builtInViews = [
  { name: 'Failed today', q: 'state:ERROR since:24h' },
  { name: 'Running or paused', q: 'state:RUNNING,PAUSED' },
  { name: 'Roots only', q: 'is:root' },
]

export function Executions() {
  useTitle('Executions')
  const text = search.value.get('q') ?? ''
  const { terms, problems } = useMemo(() => parseFilter(text), [text])
  const list = useList(terms)
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const [allMatching, setAllMatching] = useState(false)
  const [bulk, setBulk] = useState<string | null>(null)
  const [at, setAt] = useState(-1)
  const input = useRef<HTMLInputElement>(null)
  const setTerms = (t: Term[]) => setSearch({ q: filterText(t) })
  useEffect(() => {
    setSelected(new Set())
    setAllMatching(false)
    setAt(-1)
  }, [text])

  const toggle = (id: string) => {
    const s = new Set(selected)
    if (!s.delete(id)) s.add(id)
    setSelected(s)
    setAllMatching(false)
  }
  useKey('/', (e) => {
    e.preventDefault()
    input.current?.focus()
  }, [])
  useKey('j', () => setAt((n) => Math.min(n + 1, list.rows.length - 1)), [list.rows.length])
  useKey('k', () => setAt((n) => Math.max(n - 1, 0)), [])
  useKey('x', () => list.rows[at] && toggle(list.rows[at].id), [at, list.rows, selected])
  useKey('Enter', (e) => {
    if (list.rows[at] && !(e.target as Element).closest('a,button')) go(`/executions/${list.rows[at].id}`)
  }, [at, list.rows])

  return (
    <div class="page fill">
      <PageHead title={<>Executions {list.connection === 'lost' && <span class="tag warn" role="status">not connected, trying again</span>}</>} sub={list.counts ? `${list.counts.more ? 'more than ' : ''}${count(list.counts.total, 'execution')}${terms.length ? ' match' : ''}` : ' '}>
        <Menu label="Export" icon="save" items={[{ text: 'As CSV', onClick: () => exportRows(terms, 'csv') }, { text: 'As JSON', onClick: () => exportRows(terms, 'json') }]}>Export</Menu>
        <Button kind="primary" icon="play" onClick={() => go('/workflows')}>Start a workflow</Button>
      </PageHead>
      <FilterBar text={text} terms={terms} problems={problems} onTerms={setTerms} inputRef={input} />
      <CountBar counts={list.counts} terms={terms} onTerms={setTerms} />
      {selected.size > 0 && (
        <div class="selection" role="region" aria-label="Selection">
          <strong>{allMatching ? `All ${list.counts?.total ?? ''} that match` : `${selected.size} selected`}</strong>
          {!allMatching && list.counts && list.counts.total > selected.size && <Button small kind="ghost" onClick={() => setAllMatching(true)}>{`Select all ${list.counts.more ? 'of more than ' : ''}${list.counts.total} that match`}</Button>}
          <span class="grow" />
          {(['pause', 'resume', 'rerun', 'cancel', 'delete'] as const).map((a) => (
            <Button key={a} small kind={a === 'delete' ? 'danger' : 'plain'} icon={({ pause: 'pause', resume: 'play', rerun: 'redo', cancel: 'slash', delete: 'trash' } as const)[a]} onClick={() => setBulk(a)}>{bulkNames[a]}</Button>
          ))}
          <Button small kind="ghost" icon="cross" label="Clear the selection" onClick={() => setSelected(new Set())} />
        </div>
      )}
      {list.error ? <ErrorBox error={list.error} retry={list.reload} /> : null}
      {list.rows.length === 0 && !list.loading && !list.error ? <Nothing filtered={terms.length > 0} onClear={() => setTerms([])} /> : (
        <Table list={list} at={at} selected={selected} onToggle={toggle} onAll={() => setSelected(selected.size ? new Set() : new Set(list.rows.map((r) => r.id)))} onTag={(t) => setTerms([...terms, { key: 'tag', not: false, value: t }])} />
      )}
      {bulk && (
        <BulkDialog action={bulk} terms={allMatching ? terms : null} rows={list.rows.filter((r) => selected.has(r.id))} onClose={(done) => {
          setBulk(null)
          if (done) {
            setSelected(new Set())
            setAllMatching(false)
            list.reload()
          }
        }} />
      )}
    </div>
  )
}

interface List {
  /** Whether changes are heard of. */
  connection: Connection
  rows: Execution[]
  counts: Counts | undefined
  loading: boolean
  error: unknown
  more: boolean
  fresh: number
  showFresh: () => void
  loadMore: () => void
  reload: () => void
}

function useList(terms: Term[]): List {
  const key = filterText(terms)
  const [state, setState] = useState<{ rows: Execution[]; next: boolean; loading: boolean; error: unknown }>({ rows: [], next: false, loading: true, error: undefined })
  const [counts, setCounts] = useState<Counts>()
  const [fresh, setFresh] = useState<Execution[]>([])
  const [turn, setTurn] = useState(0)
  const rows = useRef<Execution[]>([])
  const busy = useRef(false)
  const connection = useMemo(() => signal<Connection>('connecting'), [])
  rows.current = state.rows

  const fetchPage = (marker: string, limit: number, signal?: AbortSignal) => {
    const params: [string, string][] = [...parameters(terms), ['fields', fields], ['limit', String(limit)], ['sort_keys', 'created_at'], ['sort_dirs', 'desc']]
    if (marker) params.push(['marker', marker])
    return call<{ executions: Execution[]; next?: string }>('/v2/executions?' + queryString(params), signal ? { signal } : {})
  }
  useEffect(() => {
    const stop = new AbortController()
    setState((s) => ({ ...s, loading: true, error: undefined }))
    setFresh([])
    busy.current = true
    fetchPage('', pageSize, stop.signal).then(
      (p) => !stop.signal.aborted && setState({ rows: p.executions, next: !!p.next, loading: false, error: undefined }),
      (error: unknown) => !stop.signal.aborted && setState((s) => ({ ...s, rows: [], loading: false, error })),
    ).finally(() => (busy.current = false))
    const recount = () =>
      call<Counts>('/v2/executions/count?' + queryString(parameters(terms)), { signal: stop.signal }).then((c) => !stop.signal.aborted && setCounts(c), () => undefined)
    void recount()

    // What happens meanwhile: rows change where they are, new ones wait behind a button.
    let timer = 0
    let recountTimer = 0
    let counted = 0
    const lookAgain = () => {
      timer ||= window.setTimeout(async () => {
        timer = 0
        // Counting looks at many rows: not with every event of a busy service.
        const wait = Math.max(0, counted + 3000 - Date.now())
        if (wait === 0) {
          counted = Date.now()
          void recount()
        } else recountTimer ||= window.setTimeout(() => {
          recountTimer = 0
          counted = Date.now()
          void recount()
        }, wait)
        const p = await fetchPage('', 100, stop.signal).catch(() => null)
        if (!p || stop.signal.aborted) return
        const top = rows.current[0]
        const known = new Set(rows.current.map((r) => r.id))
        setFresh(p.executions.filter((e) => !known.has(e.id) && (!top || millis(e.created_at) >= millis(top.created_at))))
      }, 700)
    }
    follow('/v2/events?kind=execution.state', {
      events(list: HistoryEvent[]) {
        const changed = new Map<string, HistoryEvent>()
        for (const e of list) changed.set(e.execution_id, e)
        setState((s) => {
          if (!s.rows.some((r) => changed.has(r.id))) return s
          return {
            ...s,
            rows: s.rows.map((r) => {
              const e = changed.get(r.id)
              return e?.state ? { ...r, state: e.state, state_info: e.info ?? r.state_info, updated_at: e.at } : r
            }),
          }
        })
        lookAgain()
      },
      again() {
        lookAgain()
        fetchPage('', pageSize, stop.signal).then((p) => {
          const now = new Map(p.executions.map((e) => [e.id, e]))
          setState((s) => ({ ...s, rows: s.rows.map((r) => now.get(r.id) ?? r) }))
        }, () => undefined)
      },
    }, stop.signal, connection)
    return () => {
      stop.abort()
      clearTimeout(timer)
      clearTimeout(recountTimer)
    }
  }, [key, turn])

  return {
    connection: connection.value, rows: state.rows, counts, loading: state.loading, error: state.error, more: state.next, fresh: fresh.length,
    showFresh() {
      setState((s) => ({ ...s, rows: [...fresh, ...s.rows] }))
      setFresh([])
    },
    loadMore() {
      const last = rows.current[rows.current.length - 1]
      if (busy.current || !last) return
      busy.current = true
      fetchPage(last.id, 1000).then(
        (p) => setState((s) => (s.rows[s.rows.length - 1]?.id === last.id ? { ...s, rows: [...s.rows, ...p.executions], next: !!p.next } : s)),
        fail,
      ).finally(() => (busy.current = false))
    },
    reload: () => setTurn((n) => n + 1),
  }
}

function FilterBar(props: { text: string; terms: Term[]; problems: string[]; onTerms: (t: Term[]) => void; inputRef: { current: HTMLInputElement | null } }) {
  const [draft, setDraft] = useState('')
  const [problem, setProblem] = useState('')
  const [saving, setSaving] = useState(false)
  const add = (e: Event) => {
    e.preventDefault()
    const p = parseFilter(draft)
    setProblem(p.problems.join('; '))
    if (p.problems.length) return
    props.onTerms([...props.terms, ...p.terms])
    setDraft('')
  }
  const since = props.terms.find((t) => t.key === 'since')?.value ?? ''
  const shown = views.value.some((v) => v.q === props.text)
  return (
    <div class="filterbar">
      <form class="filter" onSubmit={add} role="search">
        <Icon name="filter" />
        {props.terms.map((t, i) => (
          <span key={i} class="chip">
            {termText(t)}
            <button type="button" aria-label={`Remove the filter ${termText(t)}`} onClick={() => props.onTerms(props.terms.filter((_, n) => n !== i))}><Icon name="cross" size={10} /></button>
          </span>
        ))}
        <input
          ref={props.inputRef} aria-label="Filter" list="filter-keys" value={draft} placeholder={props.terms.length ? 'and…' : 'workflow:name  state:ERROR  tag:nightly  since:24h  error:"timed out"'}
          onInput={(e) => {
            setDraft(e.currentTarget.value)
            setProblem('')
          }}
          onKeyDown={(e) => {
            if (e.key === 'Backspace' && !draft && props.terms.length) props.onTerms(props.terms.slice(0, -1))
            if (e.key === 'Escape') e.currentTarget.blur()
          }}
        />
        <datalist id="filter-keys">{Object.entries(keys).map(([k, t]) => <option key={k} value={k + ':'}>{t}</option>)}</datalist>
        {props.terms.length > 0 && <Button kind="ghost" small icon="cross" label="Clear all filters" onClick={() => props.onTerms([])} />}
      </form>
      <Menu label="Time range" icon="time" items={[['', 'Any time'], ['15m', 'Last 15 minutes'], ['1h', 'Last hour'], ['24h', 'Last 24 hours'], ['7d', 'Last 7 days'], ['30d', 'Last 30 days']].map(([v, t]) => ({ text: t!, onClick: () => props.onTerms(withTerm(props.terms, 'since', v!)) }))}>
        {since ? (/\d[smhdw]$/.test(since) ? `Last ${since}` : `Since ${since}`) : 'Any time'}
      </Menu>
      <Menu label="Views" icon="star" items={[
        ...builtInViews.map((v) => ({ text: v.name, onClick: () => setSearch({ q: v.q }, false) })),
        views.value.length ? null : undefined,
        ...views.value.map((v) => ({ text: v.name, icon: 'star' as const, onClick: () => setSearch({ q: v.q }, false) })),
        null,
        { text: 'Save this view…', icon: 'plus' as const, disabled: !props.text || shown, onClick: () => setSaving(true) },
        ...(shown ? [{ text: 'Forget this view', icon: 'trash' as const, onClick: () => (views.value = views.value.filter((v) => v.q !== props.text)) }] : []),
      ].filter((i) => i !== undefined)}>Views</Menu>
      <Menu label="Columns" icon="menu" items={(Object.keys(columnNames) as Column[]).map((c) => ({
        text: (columns.value.includes(c) ? '✓ ' : '   ') + columnNames[c],
        onClick: () => (columns.value = (Object.keys(columnNames) as Column[]).filter((x) => (x === c ? !columns.value.includes(c) : columns.value.includes(x)))),
      }))} />
      {(problem || props.problems.length > 0) && <div class="error-text" role="alert">{problem || props.problems.join('; ')}</div>}
      {saving && <SaveView q={props.text} onClose={() => setSaving(false)} />}
    </div>
  )
}

function SaveView({ q, onClose }: { q: string; onClose: () => void }) {
  const [name, setName] = useState('')
  const save = () => {
    if (!name.trim()) return
    views.value = [...views.value.filter((v) => v.name !== name.trim()), { name: name.trim(), q }]
    onClose()
  }
  return (
    <Dialog title="Save this view" onClose={onClose} foot={<Button kind="primary" onClick={save}>Save</Button>}>
      <Field label="Name" value={name} onInput={setName} />
      <p class="dim"><code>{q}</code></p>
    </Dialog>
  )
}

function CountBar({ counts, terms, onTerms }: { counts: Counts | undefined; terms: Term[]; onTerms: (t: Term[]) => void }) {
  const chosen = terms.find((t) => t.key === 'state' && !t.not)?.value.split(',') ?? []
  const total = Math.max(1, counts?.total ?? 1)
  return (
    <div class="counts" role="group" aria-label="Executions by state">
      {states.filter((s) => s !== 'IDLE' || (counts?.states[s] ?? 0) > 0).map((s) => {
        const n = counts?.states[s] ?? 0
        const on = chosen.includes(s)
        return (
          <button key={s} class={`countcard s-${s}`} aria-pressed={on} onClick={() => onTerms(withTerm(terms, 'state', (on ? chosen.filter((x) => x !== s) : [...chosen, s]).join(',')))}>
            <span class="top"><StateGlyph state={s} /> {word(s)}</span>
            <span class="n">{counts ? n.toLocaleString() : '–'}</span>
            <span class="bar"><span style={{ width: `${(n / total) * 100}%` }} /></span>
          </button>
        )
      })}
    </div>
  )
}

function Table(props: { list: List; at: number; selected: ReadonlySet<string>; onToggle: (id: string) => void; onAll: () => void; onTag: (t: string) => void }) {
  const { list } = props
  const box = useRef<HTMLDivElement>(null)
  const [view, setView] = useState({ top: 0, height: 800 })
  useEffect(() => {
    const el = box.current
    if (!el) return
    const look = () => setView({ top: el.scrollTop, height: el.clientHeight })
    look()
    el.addEventListener('scroll', look, { passive: true })
    const watch = new ResizeObserver(look)
    watch.observe(el)
    return () => {
      el.removeEventListener('scroll', look)
      watch.disconnect()
    }
  }, [])
  const first = Math.max(0, Math.floor(view.top / rowHeight) - 10)
  const last = Math.min(list.rows.length, Math.ceil((view.top + view.height) / rowHeight) + 10)
  useEffect(() => {
    if (list.more && last > list.rows.length - 100) list.loadMore()
  }, [last, list.rows.length, list.more])
  useEffect(() => {
    const el = box.current
    if (!el || props.at < 0) return
    const y = props.at * rowHeight
    if (y < el.scrollTop) el.scrollTop = y
    else if (y + 2 * rowHeight > el.scrollTop + el.clientHeight) el.scrollTop = y + 2 * rowHeight - el.clientHeight
  }, [props.at])
  const cols = columns.value
  return (
    <div class="tablebox">
      {list.fresh > 0 && <button class="freshpill" onClick={() => {
        list.showFresh()
        if (box.current) box.current.scrollTop = 0
      }}>{list.fresh >= 100 ? '100 or more' : list.fresh} new</button>}
      <div class={`vtable c${cols.length}`} ref={box} role="table" aria-label="Executions" aria-rowcount={list.rows.length + 1} tabIndex={0}>
        <div class="vrow head" role="row">
          <span class="cell sel" role="columnheader"><input type="checkbox" aria-label="Select all rows that are loaded" checked={props.selected.size > 0 && props.selected.size === list.rows.length} onChange={props.onAll} /></span>
          {cols.map((c) => <span key={c} class={`cell ${c}`} role="columnheader">{columnNames[c]}</span>)}
        </div>
        <div class="vspace" role="rowgroup" style={{ height: `${list.rows.length * rowHeight}px` }}>
          {list.rows.slice(first, last).map((e, i) => (
            <Row key={e.id} e={e} index={first + i} active={props.at === first + i} cols={cols} selected={props.selected.has(e.id)} onToggle={props.onToggle} onTag={props.onTag} />
          ))}
        </div>
        {list.loading && list.rows.length === 0 && <Loading />}
      </div>
    </div>
  )
}

function Row({ e, index, active, cols, selected, onToggle, onTag }: { e: Execution; index: number; active: boolean; cols: Column[]; selected: boolean; onToggle: (id: string) => void; onTag: (t: string) => void }) {
  const cell = (c: Column) => {
    switch (c) {
      case 'state': return <Badge state={e.state} />
      case 'workflow': return <a href={`${base}/executions/${e.id}`} class="strong cut">{e.workflow_name}</a>
      case 'id': return <span class="mono dim cut">{e.id}</span>
      case 'tags': return e.tags.slice(0, 3).map((t) => <button key={t} class="tag" onClick={() => onTag(t)}>{t}</button>)
      case 'info': return e.state === 'ERROR' ? <span class="err cut" title={e.state_info ?? ''}>{plainError(e.state_info)}</span> : <span class="dim cut">{described(e.description).text || e.state_info || (e.task_execution_id ? 'sub-workflow' : '')}</span>
      case 'by': return <span class="dim cut">{e.task_execution_id ? 'a task' : startedBy(e)}</span>
      case 'created': return <Ago at={e.created_at} />
      case 'took': return <Lasted of={e} />
      case 'project': return <span class="dim cut">{e.project_id}</span>
    }
  }
  return (
    <div class={`vrow ${active ? 'active' : ''} ${selected ? 'selected' : ''}`} role="row" aria-rowindex={index + 2} style={{ transform: `translateY(${index * rowHeight}px)` }}
      onClick={(ev) => !(ev.target as Element).closest('a,button,input') && go(`/executions/${e.id}`)}>
      <span class="cell sel" role="cell"><input type="checkbox" aria-label={`Select ${e.workflow_name} ${e.id}`} checked={selected} onChange={() => onToggle(e.id)} /></span>
      {cols.map((c) => <span key={c} class={`cell ${c}`} role="cell">{cell(c)}</span>)}
    </div>
  )
}

function Nothing({ filtered, onClear }: { filtered: boolean; onClear: () => void }) {
  const [busy, setBusy] = useState(false)
  if (filtered) return <Empty icon="search" title="Nothing matches" action={<Button onClick={onClear}>Clear the filter</Button>}>Sub-workflows are executions, too; <code>is:root</code> hides them.</Empty>
  const example = `version: '2.0'

hello:
  input:
    - names: [Ana, Ben, Chi]
  output:
    letter: <% $.letter %>
  tasks:
    greet:
      with-items: name in <% $.names %>
      action: std.echo
      input: {output: "hello <% $.name %>", delay: 0.5}
      publish: {greetings: <% task().result %>}
      on-success: sign
    sign:
      action: std.echo output=<% $.greetings.join(", ") %>
      publish: {letter: <% task().result %>}
`
  const run = async () => {
    setBusy(true)
    try {
      const have = await call('/v2/workflows/hello').catch(() => null)
      if (!have) await call('/v2/workflows', { method: 'POST', text: example })
      const e = await call<Execution>('/v2/executions', { method: 'POST', body: { workflow_name: 'hello' } })
      go(`/executions/${e.id}`)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Empty icon="runs" title="Nothing has run yet" action={<Button kind="primary" icon="play" disabled={busy} onClick={run}>Run this example</Button>}>
      <p>An execution is one run of a workflow. This one greets three people side by side, then signs the letter:</p>
      <pre class="example" tabIndex={0} aria-label="Example">{example}</pre>
    </Empty>
  )
}

// Bulk operations

const bulkNames: Record<string, string> = { pause: 'Pause', resume: 'Resume', rerun: 'Rerun failed', cancel: 'Cancel', delete: 'Delete' }
const bulkPast: Record<string, string> = { pause: 'Paused', resume: 'Resumed', rerun: 'Runs again', cancel: 'Cancelled', delete: 'Deleted' }
const bulkTexts: Record<string, string> = {
  pause: 'Running actions are finished; nothing new begins.',
  resume: 'What is paused goes on; the others are refused.',
  rerun: 'Their failed tasks run again, and what has succeeded is kept. What has failed below another execution is rerun by that one; what has not failed is refused.',
  cancel: 'Running actions are told to stop; nothing follows.',
  delete: 'With their history, for good; what has not ended is left.',
}
const namedMax = 20

function BulkDialog({ action, terms, rows, onClose }: { action: string; terms: Term[] | null; rows: Execution[]; onClose: (done: boolean) => void }) {
  const [matched, setMatched] = useState<number>()
  const [named, setNamed] = useState<string[]>([])
  const [error, setError] = useState<unknown>()
  const [reason, setReason] = useState('')
  const [progress, setProgress] = useState<{ done: number; failed: BulkResult['failed'] } | null>(null)
  const [over, setOver] = useState(false)
  const filters = useMemo(() => bulkFilters(terms, rows), [])
  const each = async (dry: boolean, on: (r: BulkResult) => void) => {
    for (const filter of filters) {
      let marker = ''
      do {
        const r = await call<BulkResult>('/v2/executions/bulk', { method: 'POST', body: { action, filter, dry_run: dry, reason: reason || undefined, marker: marker || undefined, limit: dry ? 1000 : 100 } })
        on(r)
        marker = r.marker ?? ''
      } while (marker)
    }
  }
  useEffect(() => {
    let n = 0
    each(true, (r) => {
      setMatched((n += r.matched))
      setNamed((l) => (l.length < namedMax ? [...l, ...r.ids].slice(0, namedMax) : l))
    }).catch(setError)
  }, [])
  const run = async () => {
    let done = 0
    const failed: BulkResult['failed'] = []
    setProgress({ done, failed })
    try {
      await each(false, (r) => {
        done += r.done
        failed.push(...r.failed)
        setProgress({ done, failed })
      })
      setOver(true)
      if (!failed.length) {
        tell(`${bulkPast[action]}: ${count(done, 'execution')}`)
        onClose(true)
      }
    } catch (e) {
      setError(e)
    }
  }
  const name = bulkNames[action]!
  const flows = new Map(rows.map((r) => [r.id, r.workflow_name]))
  return (
    <Dialog title={action === 'rerun' ? 'Rerun failed executions' : `${name} executions`} onClose={() => onClose(!!progress)} foot={
      over ? <Button kind="primary" onClick={() => onClose(true)}>Close</Button> : (
        <>
          <Button onClick={() => onClose(!!progress)}>Keep as they are</Button>
          <Button kind={action === 'delete' || action === 'cancel' ? 'danger' : 'primary'} disabled={matched === undefined || matched === 0 || !!progress} onClick={run}>{`${name} ${matched ?? '…'}`}</Button>
        </>
      )
    }>
      {error ? <ErrorBox error={error} /> : null}
      <p>
        {matched === undefined ? 'Counting…' : <><strong>{count(matched, 'execution')}</strong> {matched === 1 ? 'is' : 'are'} meant{terms ? <> by <code>{filterText(terms) || 'no filter at all'}</code></> : null}. </>}
        {bulkTexts[action]}
      </p>
      {action === 'cancel' && !progress && <Field label="Reason (shown in each of them)" value={reason} onInput={setReason} />}
      {named.length > 0 && !progress && (
        <details>
          <summary>{matched !== undefined && matched > named.length ? `The first ${named.length} of them` : 'Which'}</summary>
          <ul class="plainlist">{named.map((id) => <li key={id}><a class="mono" href={`${base}/executions/${id}`}>{id}</a> <span class="dim">{flows.get(id)}</span></li>)}</ul>
        </details>
      )}
      {filters.length === 1 && !progress && (
        <details class="as">
          <summary>The same as curl</summary>
          <Code label="curl" text={curl({ method: 'POST', path: '/v2/executions/bulk', body: { action, filter: filters[0], dry_run: true, reason: reason || undefined } })} />
          <p class="hint">It says what it would do; without <code>dry_run</code> it does it, and its <code>marker</code> says where to go on.</p>
        </details>
      )}
      {progress && (
        <>
          <progress max={matched ?? 1} value={progress.done + progress.failed.length} aria-label="Progress" />
          <p role="status">{progress.done} done{progress.failed.length ? `, ${progress.failed.length} refused:` : ''}</p>
          <ul class="plainlist">{progress.failed.slice(0, 20).map((f) => <li key={f.id}><a class="mono" href={`${base}/executions/${f.id}`}>{f.id.slice(0, 8)}</a> <span class="break">{f.error}</span></li>)}</ul>
        </>
      )}
    </Dialog>
  )
}

/** What a bulk operation is about, as filters of the API: of named executions, at most 500 at a time. */
function bulkFilters(terms: Term[] | null, rows: Execution[]): Record<string, string | string[]>[] {
  if (terms) {
    const out: Record<string, string | string[]> = {}
    for (const [k, v] of parameters(terms)) {
      const before = out[k]
      out[k] = before === undefined ? v : Array.isArray(before) ? [...before, v] : [before, v]
    }
    if (!Object.keys(out).length) out['state'] = 'in:' + states.join(',')
    return [out]
  }
  const out: Record<string, string | string[]>[] = []
  for (let i = 0; i < rows.length; i += 500) {
    // The times spare the server a look at all others.
    const part = rows.slice(i, i + 500)
    const times = part.map((r) => r.created_at).sort()
    out.push({ id: 'in:' + part.map((r) => r.id).join(','), created_at: ['gte:' + times[0], 'lte:' + times[times.length - 1]] })
  }
  return out
}

const exportMax = 100_000

async function exportRows(terms: Term[], kind: 'csv' | 'json'): Promise<void> {
  const q = queryString([...parameters(terms), ['fields', fields + ',input,output'], ['include_output', 'true'], ['sort_keys', 'created_at'], ['sort_dirs', 'desc']])
  tell('Reading what is to be exported…')
  const rows = await all<Execution>('/v2/executions?' + q, 'executions', exportMax)
  const names = ['id', 'workflow_name', 'state', 'state_info', 'description', 'tags', 'created_at', 'updated_at', 'input', 'output'] as const
  const text = kind === 'json' ? JSON.stringify(rows, null, 2) : [[...names, 'started_by'].join(','), ...rows.map((r) => [...names.map((n) => cell(r[n])), cell(startedBy(r))].join(','))].join('\r\n') + '\r\n'
  const a = document.createElement('a')
  a.href = URL.createObjectURL(new Blob([text], { type: kind === 'json' ? 'application/json' : 'text/csv' }))
  a.download = `executions.${kind}`
  a.click()
  setTimeout(() => URL.revokeObjectURL(a.href), 10_000)
  tell(`${count(rows.length, 'execution')} exported${rows.length >= exportMax ? ': these are the newest, narrow the filter for others' : ''}`)
}

/** A cell of CSV; spreadsheets take what begins like a formula for one, so it gets a quote in front. */
function cell(v: unknown): string {
  let s = Array.isArray(v) ? v.join(' ') : String(v ?? '')
  if (/^[=+\-@\t\r]/.test(s)) s = "'" + s
  return /[",\r\n]/.test(s) ? `"${s.replaceAll('"', '""')}"` : s
}
