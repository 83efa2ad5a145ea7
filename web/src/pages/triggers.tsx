// What starts workflows by itself: the clock, and events.
import { useState } from 'preact/hooks'
import { all, call, enc, query, type CronTrigger, type EventTrigger, type Workflow } from '../api'
import { ago, clock, count, millis, typedObject } from '../format'
import { now } from '../prefs'
import { base } from '../router'
import { Ago, Button, Dialog, Empty, ErrorBox, Field, PageHead, Pending, Select, confirm, tell, useLoad, useTitle, fail } from '../ui'

export function CronTriggers() {
  useTitle('Cron triggers')
  const list = useLoad((s) => all<CronTrigger>('/v2/cron_triggers', 'cron_triggers', 5000, s), [], 15_000)
  const [making, setMaking] = useState(false)
  const remove = async (t: CronTrigger) => {
    if ((await confirm({ title: `Delete ${t.name}`, text: 'It starts nothing any more; what it has started goes on.', verb: 'Delete', danger: true })) === null) return
    await call(`/v2/cron_triggers/${enc(t.id)}`, { method: 'DELETE' })
    tell(`${t.name} is deleted`)
    list.reload()
  }
  return (
    <div class="page">
      <PageHead title="Cron triggers" sub={list.data ? `${list.data.length} that ${list.data.length === 1 ? 'starts' : 'start'} workflows by the clock` : ' '}>
        <Button kind="primary" icon="plus" onClick={() => setMaking(true)}>New cron trigger</Button>
      </PageHead>
      {!list.data ? <Pending of={list} /> : list.data.length === 0 ? (
        <Empty icon="time" title="Nothing starts by the clock" action={<Button kind="primary" icon="plus" onClick={() => setMaking(true)}>Make the first one</Button>}>
          <code>0 3 * * *</code> is every night at three, <code>*/15 * * * *</code> each quarter of an hour.
        </Empty>
      ) : (
        <div class="cards wide">
          {list.data.map((t) => (
            <article key={t.id} class="card">
              <h3 class="break">{t.name}</h3>
              <p>starts <a href={`${base}/workflows/${enc(t.workflow_name)}`}>{t.workflow_name}</a> {t.pattern ? <>at <code>{t.pattern}</code> {t.tz || 'UTC'}</> : 'once'}{t.remaining_executions !== null && <span class="dim">, {count(t.remaining_executions, 'more time')}</span>}</p>
              {t.pattern ? <NextRuns pattern={t.pattern} tz={t.tz} next={t.next_execution_time} /> : <p class="dim">Next: {clock(millis(t.next_execution_time ?? t.first_execution_time))}</p>}
              {t.catch_up && <p class="dim">{missed[t.catch_up] ?? t.catch_up}</p>}
              {t.last_error && <p class="error-text break">The last run could not be started: {t.last_error}</p>}
              <span class="grow" />
              <Button small icon="trash" onClick={() => remove(t).catch(fail)}>Delete</Button>
            </article>
          ))}
        </div>
      )}
      {making && <NewCron onClose={(done) => {
        setMaking(false)
        if (done) list.reload()
      }} />}
    </div>
  )
}

function NextRuns({ pattern, tz, next }: { pattern: string; tz?: string | undefined; next?: string | null }) {
  const times = useLoad(async (s) => (pattern.trim() ? (await call<{ times: string[] }>('/v2/cron_triggers/preview' + query({ pattern, tz, count: 5 }), { signal: s })).times : []), [pattern, tz, next])
  if (times.error) return <p class="error-text">{times.error instanceof Error ? times.error.message : ''}</p>
  return (
    <>
      <ol class="nextruns" aria-label="The next five runs">
        {(times.data ?? []).map((t) => <li key={t}><span class="num">{clock(millis(t))}</span> <span class="dim">{ago(millis(t), now.value)}</span></li>)}
      </ol>
      {(tz || 'UTC') !== here && !!times.data?.length && <p class="hint">By your clock ({here}).</p>}
    </>
  )
}

/** What becomes of missed runs. */
const missed: Record<string, string> = { once: 'Of missed runs the newest is made up for', skip: 'Missed runs are skipped', all: 'Missed runs are made up for, one by one' }

const zones = Intl.supportedValuesOf('timeZone')
const here = Intl.DateTimeFormat().resolvedOptions().timeZone

function useNames(): string[] {
  return useLoad(async (s) => (await all<Workflow>('/v2/workflows?fields=id,name', 'workflows', 5000, s)).map((w) => w.name), []).data ?? []
}

function NewCron({ onClose }: { onClose: (done: boolean) => void }) {
  const names = useNames()
  const [f, set] = useState({ name: '', workflow: '', pattern: '0 3 * * *', tz: '', catchUp: '', count: '', first: '', input: '{}' })
  const [error, setError] = useState<unknown>()
  const { value: input, problem } = typedObject(f.input)
  const save = async () => {
    try {
      await call('/v2/cron_triggers', { method: 'POST', body: { name: f.name, workflow_name: f.workflow, pattern: f.pattern || undefined, tz: f.tz || undefined, catch_up: f.catchUp || undefined, remaining_executions: f.count ? Number(f.count) : undefined, first_execution_time: f.first || undefined, workflow_input: input } })
      tell(`${f.name} is made`)
      onClose(true)
    } catch (e) {
      setError(e)
    }
  }
  return (
    <Dialog title="New cron trigger" wide onClose={() => onClose(false)} foot={<><Button onClick={() => onClose(false)}>Back</Button><Button kind="primary" disabled={!!problem || !f.name || !f.workflow} onClick={save}>Make it</Button></>}>
      {error ? <ErrorBox error={error} /> : null}
      <Field label="Name" value={f.name} onInput={(name) => set({ ...f, name })} required />
      <Field label="Workflow" value={f.workflow} list={names} onInput={(workflow) => set({ ...f, workflow })} required />
      <Field label="Pattern: minute hour day month weekday" mono value={f.pattern} onInput={(pattern) => set({ ...f, pattern })} />
      <Field label="Time zone on whose clocks the pattern is read (empty: UTC)" value={f.tz} list={zones} placeholder="Europe/Madrid" onInput={(tz) => set({ ...f, tz })} />
      <NextRuns pattern={f.pattern} tz={f.tz} />
      <Select label="Missed runs" value={f.catchUp} options={[['', 'As the server is set'], ...Object.entries(missed)]} onChange={(catchUp) => set({ ...f, catchUp })} />
      <Field label="How often at most (empty: for ever)" type="number" value={f.count} onInput={(count) => set({ ...f, count })} />
      <Field label="First time (UTC, optional)" value={f.first} placeholder="2026-12-24 18:00" onInput={(first) => set({ ...f, first })} />
      <Field label="Input" area mono rows={4} value={f.input} onInput={(input) => set({ ...f, input })} {...(problem ? { error: problem } : {})} />
    </Dialog>
  )
}

export function EventTriggers() {
  useTitle('Event triggers')
  const list = useLoad((s) => all<EventTrigger>('/v2/event_triggers', 'event_triggers', 5000, s), [])
  const workflows = useLoad(async (s) => new Map((await all<Workflow>('/v2/workflows?fields=id,name', 'workflows', 5000, s)).map((w) => [w.id, w.name])), [])
  const [making, setMaking] = useState(false)
  const remove = async (t: EventTrigger) => {
    if ((await confirm({ title: `Delete ${t.name}`, text: 'Its events start nothing any more.', verb: 'Delete', danger: true })) === null) return
    await call(`/v2/event_triggers/${enc(t.id)}`, { method: 'DELETE' })
    list.reload()
  }
  return (
    <div class="page">
      <PageHead title="Event triggers" sub={list.data ? `${list.data.length} that ${list.data.length === 1 ? 'starts' : 'start'} workflows at events` : ' '}>
        <Button kind="primary" icon="plus" onClick={() => setMaking(true)}>New event trigger</Button>
      </PageHead>
      {!list.data ? <Pending of={list} /> : list.data.length === 0 ? (
        <Empty icon="bell" title="Nothing starts at events" action={<Button kind="primary" icon="plus" onClick={() => setMaking(true)}>Make the first one</Button>}>
          An event of a topic of an exchange, such as <code>compute.instance.create.end</code>, starts a workflow with what the event brings.
        </Empty>
      ) : (
        <div class="tablewrap"><table class="plain hover stacked">
          <thead><tr><th>Name</th><th>Event</th><th>Exchange / topic</th><th>Workflow</th><th>Made</th><th><span class="sr">Delete</span></th></tr></thead>
          <tbody>
            {list.data.map((t) => (
              <tr key={t.id}>
                <td class="strong break">{t.name}{t.last_error && <div class="error-text">It could not start the workflow: {t.last_error}</div>}</td>
                <td><code>{t.event}</code></td>
                <td class="dim">{t.exchange} / {t.topic}</td>
                <td><a href={`${base}/workflows/${enc(workflows.data?.get(t.workflow_id) ?? t.workflow_id)}`}>{workflows.data?.get(t.workflow_id) ?? t.workflow_id.slice(0, 8)}</a></td>
                <td class="dim"><Ago at={t.created_at} /></td>
                <td class="right"><Button small kind="ghost" icon="trash" label={`Delete ${t.name}`} onClick={() => remove(t).catch(fail)} /></td>
              </tr>
            ))}
          </tbody>
        </table></div>
      )}
      {making && <NewEventTrigger workflows={workflows.data ?? new Map()} onClose={(done) => {
        setMaking(false)
        if (done) list.reload()
      }} />}
    </div>
  )
}

function NewEventTrigger({ workflows, onClose }: { workflows: ReadonlyMap<string, string>; onClose: (done: boolean) => void }) {
  const [f, set] = useState({ name: '', workflow: '', exchange: 'openstack', topic: 'notifications', event: '', input: '{}' })
  const [error, setError] = useState<unknown>()
  const id = [...workflows].find(([, n]) => n === f.workflow)?.[0]
  const { value: input, problem } = typedObject(f.input)
  const save = async () => {
    try {
      await call('/v2/event_triggers', { method: 'POST', body: { name: f.name, workflow_id: id, exchange: f.exchange, topic: f.topic, event: f.event, workflow_input: input } })
      tell(`${f.name} is made`)
      onClose(true)
    } catch (e) {
      setError(e)
    }
  }
  return (
    <Dialog title="New event trigger" onClose={() => onClose(false)} foot={<><Button onClick={() => onClose(false)}>Back</Button><Button kind="primary" disabled={!!problem || !f.name || !id || !f.event} onClick={save}>Make it</Button></>}>
      {error ? <ErrorBox error={error} /> : null}
      <Field label="Name" value={f.name} onInput={(name) => set({ ...f, name })} required />
      <Field label="Workflow" value={f.workflow} list={[...workflows.values()]} onInput={(workflow) => set({ ...f, workflow })} required />
      <Field label="Event" mono value={f.event} onInput={(event) => set({ ...f, event })} required />
      <Field label="Exchange" mono value={f.exchange} onInput={(exchange) => set({ ...f, exchange })} />
      <Field label="Topic" mono value={f.topic} onInput={(topic) => set({ ...f, topic })} />
      <Field label="Input" area mono rows={4} value={f.input} onInput={(input) => set({ ...f, input })} {...(problem ? { error: problem } : {})} />
    </Dialog>
  )
}

