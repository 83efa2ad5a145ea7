// One execution: what it does now, what it has done and why, and what can be done about it. One selection drives all parts.
import { signal } from '@preact/signals'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { call, enc, final, query, type Execution, type Graph, type Revision, type Task } from '../api'
import { described, millis, plainError, startedBy } from '../format'
import { GraphView } from '../graph/view'
import { follow, type Connection } from '../live'
import { ExecutionModel } from '../model'
import { base, go, search, setSearch } from '../router'
import { Ago, Badge, Button, Icon, Id, Loading, Menu, Pending, Tabs, Took, useKey, useLoad, useTitle } from '../ui'
import { CommandDialog, ElsewhereDialog, ask, commandsFor, type Command } from './execution/commands'
import { Context } from './execution/context'
import { Definition, Events, InputOutput, SubExecutions } from './execution/tabs'
import { TaskDrawer } from './execution/drawer'
import { Timeline } from './execution/timeline'
import { Why } from './execution/why'

type Tab = 'graph' | 'timeline' | 'why' | 'data' | 'context' | 'events' | 'children' | 'definition'

export function ExecutionPage({ id }: { id: string }) {
  const live = useExecution(id)
  const { model, version } = live
  const execution = live.execution.data
  const tab = (search.value.get('tab') ?? 'graph') as Tab
  const selected = search.value.get('task') ?? ''
  const [command, setCommand] = useState<Command | null>(null)
  const [elsewhere, setElsewhere] = useState(false)
  const select = (name: string) => setSearch({ task: name === selected ? '' : name })
  useTitle(execution ? `${execution.workflow_name} – ${model.state ?? execution.state}` : 'Execution')

  const state = model.state ?? execution?.state
  const failed = useMemo(() => model.list().filter((t) => t.state === 'ERROR' && model.byName.get(t.name) === t), [version])
  const names = useMemo(() => [...model.byName.keys()], [version])
  useKey('j', () => select(names[Math.min(names.indexOf(selected) + 1, names.length - 1)] ?? ''), [names, selected])
  useKey('k', () => select(names[Math.max(names.indexOf(selected) - 1, 0)] ?? ''), [names, selected])
  useKey('w', () => setSearch({ tab: 'why' }), [])
  useKey('Escape', () => setSearch({ task: '' }), [])
  useKey('r', () => execution && failed.length && setCommand(commandsFor(execution, failed, live.reload).rerun), [execution, failed, state])

  if (!execution) return <div class="page"><Pending of={live.execution} /></div>
  const commands = commandsFor(execution, failed, live.reload)
  const info = model.state ? model.info : execution.state_info
  const { ended, begun } = model.done()
  // Of what has ended, the tasks that no transition led to are no work that is left.
  const planned = state === 'SUCCESS' ? begun : Math.max(begun, live.graph ? live.graph.nodes.filter((n) => n.kind !== 'command').length : 0)
  const run = (c: Command) => (c.direct ? c.direct() : setCommand(c))
  return (
    <div class="page fill execution">
      <header class="pagehead">
        <div class="grow">
          <Crumbs execution={execution} />
          <h1>
            <a href={`${base}/workflows/${enc(execution.workflow_name)}`}>{execution.workflow_name}</a>
            <span data-testid="state"><Badge state={state!} /></span>
            {live.connection.value === 'lost' && <span class="tag warn" role="status">not connected, trying again</span>}
          </h1>
          <dl class="facts">
            <div><dt>Started</dt><dd><Ago at={execution.created_at} /></dd></div>
            <div><dt>Duration</dt><dd><Took from={Number.isNaN(model.from) ? millis(execution.created_at) : model.from} to={final(state) ? (Number.isNaN(model.to) ? millis(execution.updated_at ?? execution.created_at) : model.to) : NaN} /></dd></div>
            <div class="progresscell">
              <dt>Tasks</dt>
              <dd><progress max={planned || 1} value={ended} aria-label="Tasks that have ended" /> <span class="num">{ended} of {planned}</span></dd>
            </div>
            <div><dt>Revision</dt><dd><button class="linklike" onClick={() => setSearch({ tab: 'definition' })}>{live.definition.data?.revision ?? '–'}</button></dd></div>
            <div><dt>Started by</dt><dd>{startedBy(execution)}</dd></div>
            <div><dt>Id</dt><dd><Id id={execution.id} /></dd></div>
            {!execution.task_execution_id && execution.description && <div><dt>Description</dt><dd class="break" title={described(execution.description).text}>{described(execution.description).text}</dd></div>}
            {execution.tags.length > 0 && <div><dt>Tags</dt><dd>{execution.tags.map((t) => <span key={t} class="tag">{t}</span>)}</dd></div>}
          </dl>
        </div>
        <div class="actions">
          {state === 'RUNNING' && <Button icon="pause" onClick={() => run(commands.pause)}>Pause</Button>}
          {state === 'PAUSED' && <Button kind="primary" icon="play" onClick={() => run(commands.resume)}>Resume</Button>}
          {state === 'ERROR' && failed.length > 0 && <Button kind="primary" icon="redo" onClick={() => run(commands.rerun)}>Rerun failed</Button>}
          {!final(state) && <Button kind="danger" icon="slash" onClick={() => run(commands.cancel)}>Cancel</Button>}
          {final(state) && <Button icon="play" onClick={() => run(commands.again)}>Run again</Button>}
          <Menu label="More" icon="more" items={[
            { text: 'Run again with edited input…', icon: 'edit', onClick: () => run(commands.again) },
            { text: 'Change the environment…', icon: 'box', disabled: state === 'RUNNING' || state === 'SUCCESS', onClick: () => run(commands.env) },
            { text: 'Change the description…', icon: 'edit', onClick: () => run(commands.describe) },
            null,
            { text: 'Copy as curl or command…', icon: 'terminal', onClick: () => setElsewhere(true) },
            { text: 'Download the report', icon: 'save', onClick: () => download(execution.id) },
            null,
            { text: 'Delete…', icon: 'trash', danger: true, disabled: !final(state), onClick: () => ask(commands.remove, () => go('/executions')) },
          ]} />
        </div>
      </header>
      {state === 'ERROR' && info && (
        <div class="errorbox" role="alert">
          <Icon name="warn" />
          <div class="grow">
            <strong class="break">{plainError(info)}</strong>
            <details><summary>The whole message</summary><pre class="break">{info}</pre></details>
          </div>
          {failed[0] && <Button small onClick={() => setSearch({ task: failed[0]!.name })}>{`Look at ${failed[0].name}`}</Button>}
          <Button small icon="why" onClick={() => setSearch({ tab: 'why' })}>Why?</Button>
        </div>
      )}
      {state !== 'ERROR' && info && <p class="dim note break">{info}</p>}
      <Tabs<Tab> label="Views of the execution" at={tab} onSelect={(t) => setSearch({ tab: t === 'graph' ? '' : t })} tabs={[
        ['graph', 'Graph'], ['timeline', 'Timeline'], ['why', 'Why?'], ['data', 'Input & output'], ['context', 'Context'], ['events', 'Events'], ['children', 'Sub-executions'], ['definition', 'Definition'],
      ]} />
      <div class={`split ${selected ? 'open' : ''}`}>
        <div class="pane" role="tabpanel" aria-label={tab}>
          {tab === 'graph' && (live.graph ? (
            <GraphView graph={live.graph} selected={selected} onSelect={select} {...(innerWidth < 700 ? { down: true } : {})} onOpen={(n) => n.children[0] && go(`/executions/${n.children[0]}`)} life={(n) => {
              const t = model.byName.get(n.name)
              if (!t) return {}
              const total = n.item_count ?? t.actions.size
              return { state: t.state, counts: t.counts, total: n.items || n.kind === 'workflow' ? total : 0, runs: n.task_ids.length }
            }} />
          ) : <Loading />)}
          {tab === 'timeline' && <Timeline model={model} version={version} selected={selected} onSelect={select} />}
          {tab === 'why' && <Why id={id} version={model.shape} state={state!} model={model} graph={live.graph} onSelect={select} onCommand={run} reload={live.reload} />}
          {tab === 'data' && <InputOutput execution={execution} />}
          {tab === 'context' && <Context execution={execution} version={model.shape} />}
          {tab === 'events' && <Events id={id} model={model} version={version} onSelect={select} />}
          {tab === 'children' && <SubExecutions execution={execution} version={model.shape} />}
          {tab === 'definition' && <Definition of={live.definition} execution={execution} task={selected} graph={live.graph} />}
        </div>
        {selected && (
          <TaskDrawer key={selected} name={selected} execution={execution} state={state!} model={model} version={version} node={live.graph?.nodes.find((n) => n.name === selected)} definition={live.definition.data}
            onClose={() => setSearch({ task: '' })} onCommand={run} reload={live.reload} />
        )}
      </div>
      {elsewhere && <ElsewhereDialog id={execution.id} onClose={() => setElsewhere(false)} commands={[
        ...(state === 'RUNNING' ? [commands.pause] : []), ...(state === 'PAUSED' ? [commands.resume] : []), ...(state === 'ERROR' && failed.length ? [commands.rerun] : []),
        ...(final(state) ? [commands.again, commands.remove] : [commands.cancel]),
      ]} />}
      {command && <CommandDialog command={command} onClose={() => setCommand(null)} />}
    </div>
  )
}

/** Everything about an execution, kept up to date by its events. */
function useExecution(id: string) {
  const model = useMemo(() => new ExecutionModel(), [id])
  const [version, setVersion] = useState(0)
  const [ended, setEnded] = useState(0)
  const connection = useMemo(() => signal<Connection>('connecting'), [id])
  const execution = useLoad((s) => call<Execution>(`/v2/executions/${enc(id)}`, { signal: s }), [id, ended])
  const definition = useLoad((s) => call<Revision>(`/v2/executions/${enc(id)}/definition`, { signal: s }), [id])
  const [graph, setGraph] = useState<Graph>()
  const [turn, setTurn] = useState(0)

  useEffect(() => {
    const stop = new AbortController()
    let frame = 0
    const show = () => {
      // Once a frame is enough, however many events come.
      frame ||= requestAnimationFrame(() => {
        frame = 0
        setVersion(model.seq)
      })
    }
    follow(`/v2/executions/${enc(id)}/events` + query({ after: model.seq || undefined }), {
      events(list) {
        const before = model.state
        model.add(list)
        show()
        if (model.state !== before) setEnded((n) => n + 1)
      },
      end: () => setEnded((n) => n + 1),
    }, stop.signal, connection)
    return () => {
      stop.abort()
      cancelAnimationFrame(frame)
    }
  }, [id, turn])

  // The picture's shape stays; which transitions were taken is asked for again when tasks begin or end.
  const asked = useRef(0)
  useEffect(() => {
    const stop = new AbortController()
    const wait = Math.max(0, 400 - (performance.now() - asked.current))
    const timer = setTimeout(() => {
      asked.current = performance.now()
      call<Graph>(`/v2/executions/${enc(id)}/graph`, { signal: stop.signal }).then((g) => !stop.signal.aborted && setGraph(g), () => undefined)
    }, asked.current ? wait : 0)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [id, model.shape])
  const reload = () => {
    execution.reload()
    setTurn((n) => n + 1)
  }
  return { model, version, execution, definition, graph, connection, reload }
}

function Crumbs({ execution }: { execution: Execution }) {
  const parent = useLoad(async (s) => (execution.task_execution_id ? call<Task>(`/v2/tasks/${execution.task_execution_id}`, { signal: s }) : null), [execution.id])
  const p = parent.data
  return (
    <div class="crumbs">
      <a href={base + '/executions'}>Executions</a>
      {p && execution.root_execution_id && execution.root_execution_id !== p.workflow_execution_id && <><Icon name="right" size={10} /><a href={`${base}/executions/${execution.root_execution_id}`}>root</a></>}
      {p && <><Icon name="right" size={10} /><a href={`${base}/executions/${p.workflow_execution_id}?task=${enc(p.name)}`}>{p.workflow_name} / {p.name}</a></>}
    </div>
  )
}

async function download(id: string): Promise<void> {
  const report = await call(`/v2/executions/${enc(id)}/report`)
  const a = document.createElement('a')
  a.href = URL.createObjectURL(new Blob([JSON.stringify(report, null, 2)], { type: 'application/json' }))
  a.download = `report-${id}.json`
  a.click()
  setTimeout(() => URL.revokeObjectURL(a.href), 10_000)
}

