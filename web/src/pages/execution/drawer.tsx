// A task: its runs, attempts, input, output, what it published, its error, and what to do about it.
import { useEffect, useState } from 'preact/hooks'
import { call, enc, final, type ActionExecution, type Execution, type GraphNode, type Revision, type State, type Task } from '../../api'
import { clock, duration, parse, plainError } from '../../format'
import type { ExecutionModel, TaskModel } from '../../model'
import { base } from '../../router'
import { Ago, Badge, Button, Icon, Json, Pending, StateGlyph, Took, useLoad } from '../../ui'
import { completeCommand, taskCommands, type Command } from './commands'

const actionsPage = 50

export function TaskDrawer(props: {
  name: string; execution: Execution; state: State; model: ExecutionModel; version: number; node: GraphNode | undefined; definition: Revision | undefined
  onClose: () => void; onCommand: (c: Command) => unknown; reload: () => void
}) {
  const { name, model, execution, node } = props
  const runs = model.list().filter((t) => t.name === name)
  const [at, setAt] = useState(-1)
  const t = at >= 0 && at < runs.length ? runs[at] : runs[runs.length - 1]
  return (
    <aside class="drawer" aria-label={`Task ${name}`}>
      <header>
        <div class="grow">
          <h2 class="break">{name}</h2>
          <div class="dim cut">{node?.kind === 'workflow' ? 'workflow' : 'action'} {node?.runs}{node?.join ? ` · join: ${node.join}` : ''}</div>
        </div>
        {t && <Badge state={t.state} />}
        <Button kind="ghost" small icon="cross" label="Close the drawer" onClick={props.onClose} />
      </header>
      {runs.length > 1 && (
        <div class="runs" role="group" aria-label="Runs of the task">
          {runs.map((r, i) => <button key={r.id} aria-pressed={r === t} onClick={() => setAt(i)}><StateGlyph state={r.state} /> Run {i + 1}</button>)}
        </div>
      )}
      {t ? <TaskBody key={t.id} t={t} {...props} /> : (
        <div class="body">
          <p>This task has not begun. {final(props.state) ? 'No transition led to it.' : 'It begins when a transition leads to it.'}</p>
        </div>
      )}
      <footer class="dim">
        <a href={`${base}/workflows/${enc(execution.workflow_name)}?task=${enc(name)}`}>In the newest definition</a>
      </footer>
    </aside>
  )
}

function TaskBody({ t, execution, state, model, node, onCommand, reload }: { t: TaskModel } & Omit<Parameters<typeof TaskDrawer>[0], 'name' | 'onClose'>) {
  const [limit, setLimit] = useState(actionsPage)
  const task = useLoad((s) => call<Task>(`/v2/tasks/${t.id}`, { signal: s }), [t.id, t.state, t.reruns])
  const isFlow = node?.kind === 'workflow'
  const actions = useLoad(async (s) => (isFlow ? [] : (await call<{ action_executions: ActionExecution[] }>(`/v2/tasks/${t.id}/action_executions?include_output=true&limit=${limit}`, { signal: s })).action_executions), [t.id, t.state, t.actions.size > limit ? limit : t.actions.size, limit])
  const last = actions.data?.[actions.data.length - 1]
  const commands = taskCommands(execution, t, node?.items || !last ? undefined : parse(last.input), reload)
  const runtime = (parse(task.data?.runtime_context) ?? {}) as Record<string, unknown>
  const info = task.data?.state_info ?? t.info
  const [tick, setTick] = useState(0)
  useEffect(() => {
    const timer = final(t.state) ? 0 : setInterval(() => setTick(tick + 1), 2000)
    return () => clearInterval(timer)
  }, [t.state, tick])
  return (
    <div class="body">
      <div class="actions wrap">
        {t.state === 'ERROR' && <Button small kind="primary" icon="redo" onClick={() => onCommand(commands.rerun)}>Rerun from here</Button>}
        {t.state === 'ERROR' && node?.items && <Button small icon="redo" onClick={() => onCommand(commands.resume)}>Failed items only</Button>}
        {t.state === 'ERROR' && <Button small icon="skip" onClick={() => onCommand(commands.skip)}>Skip</Button>}
        {!final(t.state) && !isFlow && [...t.actions.values()].filter((a) => !final(a.state)).slice(0, 1).map((a) => (
          <Button key={a.id} small icon="check" onClick={() => onCommand(completeCommand(a.id, t.name, reload))}>Complete by hand</Button>
        ))}
      </div>
      {t.state === 'ERROR' && info && (
        <section class="errorbox">
          <Icon name="warn" />
          <div class="grow">
            <strong class="break">{plainError(info)}</strong>
            <details><summary>As the engine says it</summary><pre class="break">{info}</pre></details>
          </div>
        </section>
      )}
      {t.state !== 'ERROR' && info && <p class="dim break">{info}</p>}
      <dl class="facts">
        <div><dt>Created</dt><dd title={clock(t.created)}><Ago at={new Date(t.created).toISOString()} /></dd></div>
        <div><dt>Waited</dt><dd>{duration((Number.isNaN(t.from) ? Date.now() : t.from) - t.created)}</dd></div>
        <div><dt>Ran</dt><dd>{Number.isNaN(t.from) ? '–' : <Took from={t.from} to={t.to} />}</dd></div>
        {t.actions.size > 1 && <div><dt>{isFlow ? 'Sub-workflows' : 'Actions'}</dt><dd>{t.actions.size}</dd></div>}
      </dl>
      {Object.keys(runtime).length > 0 && <details><summary>Policies and counters in force</summary><Json value={runtime} name="Policies" /></details>}
      {isFlow && <Children t={t} />}
      {!isFlow && (
        <section>
          <h3>{t.actions.size > 1 ? 'Actions' : 'Action'}</h3>
          {!actions.data ? <Pending of={actions} /> : actions.data.map((a, i) => <ActionCard key={a.id} a={a} label={t.actions.size > 1 ? (node?.items ? `${i}` : `try ${i + 1}:`) : ''} many={t.actions.size > 1} model={t.actions.get(a.id)} />)}
          {t.actions.size > limit && <Button small onClick={() => setLimit(Math.min(1000, limit * 4))}>{`More of ${t.actions.size}`}</Button>}
        </section>
      )}
      {task.data && parse(task.data.published) !== undefined && Object.keys(parse(task.data.published) as object).length > 0 && <section><h3>Published</h3><Json value={parse(task.data.published)} name="Published" /></section>}
      {task.data && final(t.state) && task.data.result !== undefined && task.data.result !== 'null' && <details open={t.actions.size <= 1}><summary>Result of the task</summary><Json value={parse(task.data.result)} name="Result" /></details>}
      <p class="dim mono small">{t.id}</p>
      {state === 'PAUSED' && !final(t.state) && model.state === 'PAUSED' && <p class="dim">The execution is paused: results are kept until it is resumed.</p>}
    </div>
  )
}

function ActionCard({ a, label, many, model }: { a: ActionExecution; label: string; many: boolean; model: { state: State; attempts: { n: number; runner: string; from: number; to: number; lost: boolean }[]; late: number } | undefined }) {
  const [open, setOpen] = useState(!many)
  const state = model?.state ?? a.state
  return (
    <div class={`actioncard ${open ? 'open' : ''}`}>
      <button class="head" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name={open ? 'down' : 'right'} size={12} />
        <StateGlyph state={state} />
        <span class="cut grow">{label && `${label}  `}{a.name}</span>
        {!a.accepted && final(state) && <span class="tag">not accepted</span>}
      </button>
      {open && (
        <div class="in">
          {model && model.attempts.length > 0 && (
            <ol class="attempts" aria-label="Attempts">
              {model.attempts.map((x) => <li key={x.n}>Attempt {x.n}: {x.lost ? 'its runner was lost after' : Number.isNaN(x.to) ? 'runs for' : 'ended after'} <Took from={x.from} to={x.to} /> on <span class="mono">{x.runner.slice(0, 8)}</span></li>)}
            </ol>
          )}
          {model && model.attempts.length === 0 && !final(state) && <p class="dim">It waits for a slot on a runner.</p>}
          {model && model.late > 0 && <p class="dim">{model.late === 1 ? 'A result' : `${model.late} results`} came too late to be taken.</p>}
          <h4>Input</h4>
          <Json value={parse(a.input)} name="Input" />
          {a.output && <><h4>Output</h4><Json value={parse(a.output)} name="Output" /></>}
          <p class="dim mono small">{a.id}</p>
        </div>
      )}
    </div>
  )
}

function Children({ t }: { t: TaskModel }) {
  const [max, setMax] = useState(50)
  const list = [...t.actions.values()]
  return (
    <section>
      <h3>Sub-workflows</h3>
      <ul class="plainlist">
        {list.slice(0, max).map((a, i) => (
          <li key={a.id}><a class="rowlink" href={`${base}/executions/${a.id}`}><StateGlyph state={a.state} /><span class="grow">{list.length > 1 ? `Item ${i}` : 'Open the execution'}</span><Took from={a.from} to={a.to} /><Icon name="right" size={12} /></a></li>
        ))}
      </ul>
      {list.length > max && <Button small onClick={() => setMax(max * 4)}>{`More of ${list.length}`}</Button>}
    </section>
  )
}
