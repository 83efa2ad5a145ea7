// Why? What each unfinished task waits for, in sentences; of an execution that has failed, what the failure was.
import { call, enc, final, type Explanation, type Graph, type State } from '../../api'
import { ago, clock, millis, plainError } from '../../format'
import type { ExecutionModel } from '../../model'
import { now } from '../../prefs'
import { base, setSearch } from '../../router'
import { Badge, Button, Icon, Pending, useLoad, type IconName } from '../../ui'
import { completeCommand, type Command } from './commands'

const icons: Record<string, IconName> = { runner: 'box', slot: 'box', result: 'user', time: 'time', tasks: 'flow', resume: 'pause', engine: 'pulse', workflow: 'flow', children: 'flow' }

/** What follows a task, by its outcome. */
function Then({ graph, task, onSelect }: { graph: Graph | undefined; task: string; onSelect: (name: string) => void }) {
  const list = graph?.edges.filter((e) => e.from === task && e.on !== 'requires') ?? []
  if (!list.length) return null
  return (
    <div>
      <dt>Then</dt>
      <dd>{list.slice(0, 8).map((e, i) => (
        <span key={i}>{i > 0 && ', '}<button class="linklike" onClick={() => onSelect(e.to)}>{e.to}</button> <span class="dim">on {e.on}{e.conditional ? ', perhaps' : ''}</span></span>
      ))}{list.length > 8 && `, ${list.length - 8} more`}</dd>
    </div>
  )
}

/** Who holds a task: a sub-workflow, a runner, or others in words. */
function held(holder: string, waits: string) {
  if (waits === 'workflow') return <a class="mono" href={`${base}/executions/${enc(holder)}`}>{holder.slice(0, 8)}</a>
  if (waits === 'runner') return <a class="mono" href={`${base}/operations`}>{holder.slice(0, 13)}</a>
  return <span class="break">{holder}</span>
}

export function Why({ id, version, state, model, graph, onSelect, onCommand, reload }: {
  id: string; version: number; state: State; model: ExecutionModel; graph: Graph | undefined; onSelect: (name: string) => void; onCommand: (c: Command) => unknown; reload: () => void
}) {
  const why = useLoad((s) => call<Explanation>(`/v2/executions/${enc(id)}/explain`, { signal: s }), [id, version, state], 3000)
  if (!why.data) return <Pending of={why} />
  const failed = model.list().filter((t) => t.state === 'ERROR' && model.byName.get(t.name) === t)
  return (
    <div class="why" aria-live="polite">
      <p class="summary break">{why.data.summary}</p>
      {failed.map((t) => (
        <article key={t.id} class="reason s-ERROR">
          <span class="disc"><Icon name="cross" /></span>
          <div class="grow">
            <h3><button class="linklike" onClick={() => onSelect(t.name)}>{t.name}</button> <Badge state="ERROR" quiet /></h3>
            <p class="break">{plainError(t.info) || 'It has failed without a message: look at its output.'}</p>
            <p class="dim">Next: rerun it from here, perhaps with another environment, or skip it.{t.actions.size > 1 ? ` ${t.counts.ERROR ?? 0} of its ${t.actions.size} actions have failed.` : ''}</p>
          </div>
        </article>
      ))}
      {why.data.tasks.map((t) => (
        <article key={t.task_id} class={`reason s-${t.state}`}>
          <span class="disc"><Icon name={icons[t.waits_for] ?? 'clock'} /></span>
          <div class="grow">
            <h3><button class="linklike" onClick={() => onSelect(t.task)}>{t.task}</button> <Badge state={t.state} quiet /></h3>
            <p class="break">{t.text}</p>
            <dl class="facts">
              <div><dt>Waits for</dt><dd>{t.waits_for}</dd></div>
              <div><dt>Since</dt><dd title={clock(millis(t.since))}>{ago(millis(t.since), now.value)}</dd></div>
              <div><dt>Until</dt><dd>{t.until ? ago(millis(t.until), now.value) : 'nobody knows'}</dd></div>
              <Then graph={graph} task={t.task} onSelect={onSelect} />
              {t.holder && <div><dt>Held by</dt><dd>{held(t.holder, t.waits_for)}</dd></div>}
            </dl>
            {t.waits_for === 'result' && [...(model.tasks.get(t.task_id)?.actions.values() ?? [])].filter((a) => !final(a.state)).slice(0, 1).map((a) => (
              <Button key={a.id} small icon="check" onClick={() => onCommand(completeCommand(a.id, t.task, reload))}>Complete by hand</Button>
            ))}
          </div>
        </article>
      ))}
      {!why.data.tasks.length && !failed.length && <p class="dim">All tasks have ended. The <button class="linklike" onClick={() => setSearch({ tab: 'timeline' })}>timeline</button> shows what took how long.</p>}
    </div>
  )
}
