// What can be done with an execution, a task or an action: each as a request, so that it can be shown as curl and as a command, too.
import { useState } from 'preact/hooks'
import { call, enc, type Execution } from '../../api'
import { parse, pretty, shell, typedObject } from '../../format'
import type { TaskModel } from '../../model'
import { curl } from '../../curl'
import { go } from '../../router'
import { Button, Code, Dialog, ErrorBox, Field, Select, confirm, fail, tell } from '../../ui'

interface Ask {
  key: string
  label: string
  value: string
  json?: boolean // an object is meant
  options?: [string, string][] // one of these is meant
  hint?: string
}

export interface Command {
  title: string
  verb: string
  text: string
  danger?: boolean
  asks?: Ask[]
  /** The requests, from what was answered. */
  requests: (answers: Record<string, unknown>) => { method: string; path: string; body?: unknown }[]
  /** The same for the command line; '' where it can't say it. */
  cli?: (answers: Record<string, unknown>) => string
  done: (results: unknown[]) => void
  /** Carried out at once: nothing is asked. */
  direct?: () => Promise<void>
}

function simple(c: Command): Command {
  return { ...c, direct: () => perform(c, {}).catch(fail) }
}

async function perform(c: Command, answers: Record<string, unknown>): Promise<void> {
  const results: unknown[] = []
  for (const r of c.requests(answers)) results.push(await call(r.path, { method: r.method, ...(r.body === undefined ? {} : { body: r.body }) }))
  c.done(results)
}

export type Commands = Record<'pause' | 'resume' | 'cancel' | 'rerun' | 'again' | 'env' | 'describe' | 'remove', Command>

export function commandsFor(e: Execution, failed: TaskModel[], reload: () => void): Commands {
  const path = `/v2/executions/${enc(e.id)}`
  const say = (text: string) => () => {
    tell(text)
    reload()
  }
  const env = pretty((parse(e.params) as { env?: unknown } | undefined)?.env ?? {})
  return {
    pause: simple({ title: 'Pause', verb: 'Pause', text: '', requests: () => [{ method: 'PUT', path, body: { state: 'PAUSED' } }], cli: () => `cierzo execution pause ${e.id}`, done: say('Paused: what runs is finished, nothing new begins') }),
    resume: simple({ title: 'Resume', verb: 'Resume', text: '', requests: () => [{ method: 'PUT', path, body: { state: 'RUNNING' } }], cli: () => `cierzo execution resume ${e.id}`, done: say('Resumed') }),
    cancel: {
      title: 'Cancel the execution', verb: 'Cancel the execution', danger: true, text: 'Running actions are told to stop, and nothing follows. Sub-workflows are cancelled, too.',
      asks: [{ key: 'reason', label: 'Reason (kept with the execution)', value: '' }],
      requests: (a) => [{ method: 'PUT', path, body: { state: 'CANCELLED', state_info: a['reason'] || undefined } }], cli: (a) => `cierzo execution cancel ${e.id}${a['reason'] ? ' -m ' + shell(String(a['reason'])) : ''}`,
      done: say('Cancelled'),
    },
    rerun: {
      title: failed.length === 1 ? `Rerun ${failed[0]!.name}` : `Rerun ${failed.length} failed tasks`, verb: 'Rerun', text: 'The failed tasks run again, and the workflow goes on from them. What has succeeded is kept.',
      asks: [{ key: 'env', label: 'Environment to change (optional)', value: '{}', json: true, hint: `Keys given here replace those of the environment. Now: ${env.length > 200 ? env.slice(0, 200) + '…' : env}` }],
      requests: (a) => failed.map((t) => ({ method: 'PUT', path: `/v2/tasks/${t.id}`, body: { state: 'RUNNING', reset: true, ...(hasKeys(a['env']) ? { env: a['env'] } : {}) } })),
      cli: (a) => failed.map((t) => `cierzo task rerun ${t.id}${envFlag(a)}`).join('\n'), done: say('It runs again'),
    },
    again: {
      title: `Run ${e.workflow_name} again`, verb: 'Start', text: 'A new execution of the newest revision; this one stays as it is.',
      asks: [
        { key: 'input', label: 'Input', value: pretty(parse(e.input) ?? {}), json: true },
        { key: 'description', label: 'Description', value: '' },
      ],
      requests: (a) => [{ method: 'POST', path: '/v2/executions', body: { workflow_name: e.workflow_name, workflow_namespace: e.workflow_namespace, input: a['input'], params: paramsOf(e), description: a['description'] || `again from ${e.id}` } }],
      cli: (a) => `cierzo execution create ${shell(e.workflow_name)} ${shell(JSON.stringify(a['input'] ?? {}))}`,
      done: ([r]) => go(`/executions/${(r as Execution).id}`),
    },
    env: {
      title: 'Change the environment', verb: 'Change', text: 'Keys given here replace those of the environment; tasks that begin later see them.',
      asks: [{ key: 'env', label: 'Environment', value: env, json: true }],
      requests: (a) => [{ method: 'PUT', path, body: { params: { env: a['env'] } } }], done: say('The environment is changed'),
    },
    describe: {
      title: 'Change the description', verb: 'Change', text: '', asks: [{ key: 'description', label: 'Description', value: e.description }],
      requests: (a) => [{ method: 'PUT', path, body: { description: a['description'] } }], done: say('The description is changed'),
    },
    remove: { title: 'Delete the execution', verb: 'Delete', danger: true, text: 'It goes with its tasks, its history and its sub-executions, for good.', requests: () => [{ method: 'DELETE', path }], cli: () => `cierzo execution delete ${e.id}`, done: say('Deleted') },
  }
}

/** The same elsewhere: what can be done with an execution now, as commands and as curl. */
export function ElsewhereDialog({ id, commands, onClose }: { id: string; commands: Command[]; onClose: () => void }) {
  return (
    <Dialog title="The same as curl and command" wide onClose={onClose} foot={<Button onClick={onClose}>Close</Button>}>
      <h3>Look at it</h3>
      <Code label="command" text={['get', 'watch', 'explain'].map((v) => `cierzo execution ${v} ${id}`).join('\n')} />
      <Code label="curl" text={curl({ method: 'GET', path: `/v2/executions/${enc(id)}` })} />
      {commands.map((c) => {
        const answers = Object.fromEntries((c.asks ?? []).map((a) => [a.key, a.json ? typedObject(a.value || '{}').value : a.value]))
        return (
          <section key={c.title}>
            <h3>{c.title}</h3>
            {c.cli?.(answers) && <Code label={`command: ${c.title}`} text={c.cli(answers)} />}
            <Code label={`curl: ${c.title}`} text={c.requests(answers).map(curl).join('\n')} />
          </section>
        )
      })}
    </Dialog>
  )
}

/** What can be done with a failed task; input is what its last action got, undefined where there is not one input. */
export function taskCommands(e: Execution, t: TaskModel, input: unknown, reload: () => void) {
  const path = `/v2/tasks/${t.id}`
  const say = (text: string) => () => {
    tell(text)
    reload()
  }
  const changed = (a: Record<string, unknown>) => input !== undefined && pretty(a['input']) !== pretty(input)
  const rerun: Command = {
    title: `Rerun ${t.name}`, verb: 'Rerun', text: 'The task runs again, and the workflow goes on from it. What has succeeded elsewhere is kept.',
    asks: [
      ...(input === undefined ? [] : [{ key: 'input', label: 'Input', value: pretty(input), json: true, hint: 'As it is, the task evaluates its input again. Changed, this run of the task gets what you write.' }]),
      { key: 'env', label: 'Environment to change (optional)', value: '{}', json: true, hint: 'Expressions see it as env(): <% env().key %>' },
    ],
    requests: (a) => [{ method: 'PUT', path, body: { state: 'RUNNING', reset: true, ...(changed(a) ? { input: a['input'] } : {}), ...(hasKeys(a['env']) ? { env: a['env'] } : {}) } }], cli: (a) => (changed(a) ? '' : `cierzo task rerun ${t.id}${envFlag(a)}`), done: say(`${t.name} runs again`),
  }
  const resume: Command = { ...rerun, asks: rerun.asks!.slice(-1), title: `Rerun the failed items of ${t.name}`, text: 'Only items that have failed run again.', requests: (a) => [{ method: 'PUT', path, body: { state: 'RUNNING', reset: false, ...(hasKeys(a['env']) ? { env: a['env'] } : {}) } }], cli: (a) => `cierzo task rerun --resume ${t.id}${envFlag(a)}` }
  const skip: Command = { title: `Skip ${t.name}`, verb: 'Skip', text: 'The task counts as skipped: the workflow goes on with what follows on-skip, or on-success.', requests: () => [{ method: 'PUT', path, body: { state: 'SKIPPED' } }], cli: () => `cierzo task skip ${t.id}`, done: say(`${t.name} is skipped`) }
  return { rerun, resume, skip, of: e.id }
}

export function completeCommand(action: string, name: string, reload: () => void): Command {
  return {
    title: `Complete ${name}`, verb: 'Complete', text: 'The action waits for a result from outside. Give it here.',
    asks: [
      { key: 'state', label: 'Outcome', value: 'SUCCESS', options: [['SUCCESS', 'Success'], ['ERROR', 'Error: the task fails']] },
      { key: 'output', label: 'Result', value: '{"approved": true}', json: true },
    ],
    requests: (a) => [{ method: 'PUT', path: `/v2/action_executions/${action}`, body: { state: a['state'], output: a['output'] } }],
    cli: (a) => (a['state'] === 'ERROR' ? `cierzo action-execution fail ${action}` : `cierzo action-execution complete ${action} ${shell(JSON.stringify(a['output'] ?? {}))}`),
    done: () => {
      tell('The result is taken')
      reload()
    },
  }
}

function envFlag(a: Record<string, unknown>): string {
  return hasKeys(a['env']) ? ' -e ' + shell(JSON.stringify(a['env'])) : ''
}

function hasKeys(v: unknown): boolean {
  return typeof v === 'object' && v !== null && Object.keys(v).length > 0
}

/** The parameters that make sense for another run. */
function paramsOf(e: Execution): Record<string, unknown> {
  const p = (parse(e.params) ?? {}) as Record<string, unknown>
  const out: Record<string, unknown> = {}
  for (const k of ['env', 'task_name', 'notify', 'read_only']) if (p[k] !== undefined) out[k] = p[k]
  return out
}

/** Asks in few words, and does it. */
export async function ask(c: Command, then?: () => void): Promise<void> {
  const yes = await confirm({ title: c.title, text: c.text, verb: c.verb, danger: !!c.danger })
  if (yes === null) return
  await perform(c, {})
  then?.()
}

/** The dialog of a command: what it asks for, what it does, and the same as curl and command. */
export function CommandDialog({ command, onClose }: { command: Command; onClose: () => void }) {
  const [values, setValues] = useState<Record<string, string>>(() => Object.fromEntries((command.asks ?? []).map((a) => [a.key, a.value])))
  const [error, setError] = useState<unknown>()
  const problems: Record<string, string> = {}
  const answers: Record<string, unknown> = {}
  for (const a of command.asks ?? []) {
    const text = values[a.key] ?? ''
    if (!a.json) {
      answers[a.key] = text
      continue
    }
    const { value, problem } = typedObject(text.trim() || '{}')
    answers[a.key] = value
    if (problem) problems[a.key] = problem
  }
  const broken = Object.keys(problems).length > 0
  const run = async () => {
    setError(undefined)
    try {
      await perform(command, answers)
      onClose()
    } catch (e) {
      setError(e)
    }
  }
  return (
    <Dialog title={command.title} onClose={onClose} wide={!!command.asks?.some((a) => a.json)} foot={
      command.verb ? (
        <>
          <Button onClick={onClose}>Back</Button>
          <Button kind={command.danger ? 'danger' : 'primary'} disabled={broken} onClick={run}>{command.verb}</Button>
        </>
      ) : <Button onClick={onClose}>Close</Button>
    }>
      {command.text && <p>{command.text}</p>}
      {error ? <ErrorBox error={error} /> : null}
      {(command.asks ?? []).map((a) => a.options ? (
        <Select key={a.key} label={a.label} value={values[a.key] ?? ''} options={a.options} onChange={(v) => setValues({ ...values, [a.key]: v })} />
      ) : (
        <Field key={a.key} label={a.label} value={values[a.key] ?? ''} area={!!a.json} rows={Math.min(14, Math.max(4, (values[a.key] ?? '').split('\n').length + 1))} mono={!!a.json} hint={a.hint} {...(problems[a.key] ? { error: problems[a.key]! } : {})} onInput={(v) => setValues({ ...values, [a.key]: v })} />
      ))}
      {!broken && (
        <details class="as" open={!command.verb}>
          <summary>The same as curl and command</summary>
          {command.cli?.(answers) && <Code label="command" text={command.cli(answers)} />}
          <Code label="curl" text={command.requests(answers).map(curl).join('\n')} />
        </details>
      )}
    </Dialog>
  )
}
