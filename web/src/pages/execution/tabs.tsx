// The plainer views of an execution: data, events, sub-executions, definition.
import { useMemo, useState } from 'preact/hooks'
import { all, call, enc, type Execution, type Graph, type HistoryEvent, type Requester, type Revision } from '../../api'
import { parse, requester, timeOfDay } from '../../format'
import type { ExecutionModel } from '../../model'
import { base } from '../../router'
import { Ago, Badge, Button, Empty, Icon, Json, Lasted, Pending, Select, useLoad, type Loaded } from '../../ui'
import { Yaml } from '../../yaml'

export function InputOutput({ execution }: { execution: Execution }) {
  return (
    <div class="cols pad">
      <section><h3>Input</h3><Json value={parse(execution.input)} name="Input" /></section>
      <section><h3>Output</h3><Json value={parse(execution.output)} name="Output" /></section>
      <section><h3>Parameters</h3><Json value={parse(execution.params)} name="Parameters" /></section>
      {execution.published_global && execution.published_global !== '{}' && <section><h3>Published globally</h3><Json value={parse(execution.published_global)} name="Published globally" /></section>}
    </div>
  )
}

const kinds: [string, string][] = [['', 'All events'], ['execution', 'Of the execution'], ['task', 'Of tasks'], ['action', 'Of actions'], ['command', 'Commands'], ['watchdog', 'Repairs']]

export function Events({ id, model, version, onSelect }: { id: string; model: ExecutionModel; version: number; onSelect: (name: string) => void }) {
  const [kind, setKind] = useState('')
  const [earlier, setEarlier] = useState<HistoryEvent[]>([])
  const [max, setMax] = useState(300)
  const list = useMemo(() => {
    const known = [...earlier, ...model.events]
    return known.filter((e) => e.kind.startsWith(kind)).reverse()
  }, [version, kind, earlier])
  const first = (earlier[0] ?? model.events[0])?.seq ?? 1
  const loadEarlier = async () => {
    const after = Math.max(0, first - 1001)
    const page = await call<{ events: HistoryEvent[] }>(`/v2/executions/${enc(id)}/events?after=${after}&limit=${first - 1 - after}`)
    setEarlier([...page.events, ...earlier])
  }
  return (
    <div class="events">
      <div class="tools"><Select label="Kind" value={kind} options={kinds} onChange={setKind} /><span class="dim">{model.seq} events, the newest first</span></div>
      <table class="plain stacked">
        <thead><tr><th>#</th><th>Time</th><th>What</th><th>Task</th><th>State</th><th>Info</th></tr></thead>
        <tbody>
          {list.slice(0, max).map((e) => (
            <tr key={e.seq}>
              <td class="num dim">{e.seq}</td>
              <td class="num">{timeOfDay(Date.parse(e.at))}</td>
              <td>{e.kind}</td>
              <td>{e.task && <button class="linklike" onClick={() => onSelect(e.task!)}>{e.task}</button>}</td>
              <td>{e.state && <Badge state={e.state} quiet />}</td>
              <td class="break dim rest">{e.info} {detail(e)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {list.length > max && <Button onClick={() => setMax(max + 1000)}>More</Button>}
      {list.length <= max && first > 1 && <Button onClick={loadEarlier}>Earlier events</Button>}
    </div>
  )
}

/** What an event says besides: in words where they are known. */
function detail(e: HistoryEvent): string {
  if (e.detail === undefined) return ''
  const d = e.detail as { attempt?: number; runner?: string }
  if (e.kind === 'command') return `by ${requester(e.detail as Requester)}`
  if (e.kind === 'action.attempt' && d.attempt && d.runner) return `attempt ${d.attempt} on ${d.runner.slice(0, 8)}`
  return JSON.stringify(e.detail)
}

export function SubExecutions({ execution, version }: { execution: Execution; version: number }) {
  const root = execution.root_execution_id || execution.id
  const tree = useLoad((s) => all<Execution>(`/v2/executions?root_execution_id=${enc(root)}&fields=id,workflow_name,state,state_info,created_at,updated_at,task_execution_id`, 'executions', 5000, s), [execution.id, version])
  const own = useLoad((s) => all<{ id: string; name: string }>(`/v2/executions/${execution.id}/tasks?fields=id,name`, 'tasks', 5000, s), [execution.id, version])
  if (!tree.data || !own.data) return <Pending of={tree.error ? tree : own} />
  const names = new Map(own.data.map((t) => [t.id, t.name]))
  const list = tree.data.filter((e) => e.task_execution_id && names.has(e.task_execution_id))
  const other = tree.data.length - list.length - (execution.root_execution_id ? 1 : 0)
  if (!list.length) return <Empty icon="flow" title="It has started no other workflow">A task with <code>workflow:</code> starts one; it appears here and in the graph.</Empty>
  return (
    <div class="pad">
      <table class="plain stacked">
        <thead><tr><th>State</th><th>Workflow</th><th>Started by task</th><th>Created</th><th>Duration</th></tr></thead>
        <tbody>
          {list.map((e) => (
            <tr key={e.id}>
              <td><Badge state={e.state} quiet /></td>
              <td><a class="strong" href={`${base}/executions/${e.id}`}>{e.workflow_name}</a></td>
              <td>{names.get(e.task_execution_id!)}</td>
              <td><Ago at={e.created_at} /></td>
              <td data-label="took"><Lasted of={e} /></td>
            </tr>
          ))}
        </tbody>
      </table>
      {other > 0 && <p class="dim">The whole tree has {tree.data.length + (execution.root_execution_id ? 0 : 1)} executions: <a href={`${base}/executions?q=${enc('root:' + root)}`}>list them</a>.</p>}
    </div>
  )
}

export function Definition({ of, execution, task, graph }: { of: Loaded<Revision>; execution: Execution; task: string; graph: Graph | undefined }) {
  if (!of.data) return <Pending of={of} />
  const line = graph?.nodes.find((n) => n.name === task)?.line
  return (
    <div class="pad">
      <div class="tools">
        <span>Revision {of.data.revision}, <Ago at={of.data.created_at} />: this execution keeps it to its end.</span>
        <a class="btn plain small" href={`${base}/workflows/${enc(execution.workflow_name)}`}><Icon name="edit" /> The newest one</a>
      </div>
      <Yaml text={of.data.definition ?? ''} {...(line ? { line } : {})} />
    </div>
  )
}
