// The form that starts a workflow: a field for each input, with the default or what was given last time.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { call, enc, newest, query, type Environment, type Execution, type Workflow } from '../../api'
import { parse, pretty, shell } from '../../format'
import { go } from '../../router'
import { Button, Code, Dialog, ErrorBox, Field, Pending, Select, useLoad } from '../../ui'
import { curl } from '../../curl'

interface Param {
  name: string
  required: boolean
  fallback: unknown
}

/** The inputs that a workflow declares. */
function inputsOf(w: Workflow): Param[] {
  const iface = parse(w.interface) as { input?: (string | Record<string, unknown>)[] } | undefined
  return (iface?.input ?? []).map((p) => (typeof p === 'string' ? { name: p, required: true, fallback: undefined } : { name: Object.keys(p)[0]!, required: false, fallback: Object.values(p)[0] }))
}

/** What is typed into a field stands for: JSON where the default is no text or the text looks like it. */
function valueOf(text: string, p: Param): unknown {
  if (typeof p.fallback === 'string') return text
  const t = text.trim()
  if (p.required || p.fallback === null) {
    if (/^(true|false|null|-?\d+(\.\d+)?([eE][-+]?\d+)?)$/.test(t) || /^[[{"]/.test(t)) return JSON.parse(t)
    return text
  }
  return JSON.parse(t)
}

export function StartForm({ name, namespace, onClose }: { name: string; namespace?: string; onClose: () => void }) {
  const wf = useLoad((s) => call<Workflow>(`/v2/workflows/${enc(name)}` + query({ namespace }), { signal: s }), [name])
  const last = useLoad((s) => newest({ workflow_name: name, limit: 10, fields: 'id,input,created_at,state' }, s), [name])
  const envs = useLoad(async (s) => (await call<{ environments: Environment[] }>('/v2/environments' + query({ fields: 'id,name', limit: 200 }), { signal: s })).environments, [])
  return (
    <Dialog title={`Start ${name}`} wide onClose={onClose}>
      {wf.data && !last.loading ? <Form wf={wf.data} last={last.data ?? []} envs={envs.data ?? []} onClose={onClose} /> : <Pending of={wf.data ? last : wf} />}
    </Dialog>
  )
}

function Form({ wf, last, envs, onClose }: { wf: Workflow; last: Execution[]; envs: Environment[]; onClose: () => void }) {
  const params = useMemo(() => inputsOf(wf), [wf])
  const show = (v: unknown, p: Param) => (v === undefined ? '' : typeof v === 'string' && (typeof p.fallback === 'string' || p.required) ? v : pretty(typeof v === 'string' ? JSON.stringify(v) : v))
  const initial = (from: Record<string, unknown> | undefined) => Object.fromEntries(params.map((p) => [p.name, show(from && p.name in from ? from[p.name] : p.fallback, p)]))
  const lastInput = parse(last[0]?.input) as Record<string, unknown> | undefined
  const [values, setValues] = useState<Record<string, string>>(() => initial(lastInput))
  const [description, setDescription] = useState('')
  const [env, setEnv] = useState('')
  const [error, setError] = useState<unknown>()
  useEffect(() => setValues(initial(lastInput)), [wf.id])
  const form = useRef<HTMLFormElement>(null)
  // The dialog was there before its fields.
  useEffect(() => form.current?.querySelector<HTMLElement>('.field input, .field textarea')?.focus(), [])
  const problems: Record<string, string> = {}
  const input: Record<string, unknown> = {}
  for (const p of params) {
    const text = values[p.name] ?? ''
    if (!text.trim() && typeof p.fallback !== 'string') {
      if (p.required) problems[p.name] = 'It has no default: give a value.'
      continue
    }
    try {
      input[p.name] = valueOf(text, p)
    } catch {
      problems[p.name] = `Its default is ${Array.isArray(p.fallback) ? 'a list' : `of the type ${typeof p.fallback}`}: write JSON.`
    }
  }
  const body = { workflow_name: wf.name, workflow_namespace: wf.namespace || undefined, input, description: description || undefined, params: env ? { env } : undefined }
  const broken = Object.keys(problems).length > 0
  const [tried, setTried] = useState(false)
  const start = async (e: Event) => {
    e.preventDefault()
    setTried(true)
    if (broken) return
    try {
      const made = await call<Execution>('/v2/executions', { method: 'POST', body })
      onClose()
      go(`/executions/${made.id}`)
    } catch (err) {
      setError(err)
    }
  }
  return (
    <form ref={form} class="startform" onSubmit={start}>
      {last.length > 0 && (
        <div class="tools">
          <Select label="Inputs from" value="" options={[['', 'the last execution'], ['default', 'the defaults'], ...last.map((e): [string, string] => [e.id, `${e.created_at}, ${e.state}`])]} onChange={(v) => setValues(initial(v === 'default' ? undefined : (parse((last.find((e) => e.id === v) ?? last[0]!).input) as Record<string, unknown>)))} />
        </div>
      )}
      {params.length === 0 && <p class="dim">This workflow takes no input.</p>}
      {params.map((p) => {
        const text = values[p.name] ?? ''
        const set = (v: string) => setValues({ ...values, [p.name]: v })
        if (typeof p.fallback === 'boolean') return <label key={p.name} class="check"><input type="checkbox" checked={text === 'true'} onChange={(e) => set(String(e.currentTarget.checked))} /> {p.name}</label>
        const big = (typeof p.fallback === 'object' && p.fallback !== null) || text.includes('\n')
        return <Field key={p.name} label={p.name} value={text} required={p.required} area={big} mono={big || typeof p.fallback === 'number'} rows={Math.min(10, text.split('\n').length + 1)} onInput={set} {...(problems[p.name] && (tried || text) ? { error: problems[p.name]! } : {})} hint={p.required ? 'JSON, or a text' : `Default: ${JSON.stringify(p.fallback)?.slice(0, 120)}`} />
      })}
      <details>
        <summary>Description and environment</summary>
        <Field label="Description" value={description} onInput={setDescription} />
        <Select label="Environment" value={env} options={[['', 'none'], ...envs.map((e): [string, string] => [e.name, e.name])]} onChange={setEnv} />
      </details>
      {!broken && (
        <details class="as">
          <summary>The same as curl and command</summary>
          <Code label="command" text={`cierzo execution create ${shell(wf.name)} ${shell(JSON.stringify(input))}`} />
          <Code label="curl" text={curl({ method: 'POST', path: '/v2/executions', body })} />
        </details>
      )}
      {error ? <ErrorBox error={error} /> : null}
      <div class="formfoot"><Button onClick={onClose}>Back</Button><Button kind="primary" icon="play" submit>Start</Button></div>
    </form>
  )
}
