// The catalogue of actions: what there is to run, what each takes, and a way to try it.
import { useState } from 'preact/hooks'
import { all, builtIn, call, enc, type Action } from '../api'
import { count, parse, typedObject } from '../format'
import { base, go, search, setSearch } from '../router'
import { Button, Dialog, Empty, ErrorBox, Field, FindField, Json, PageHead, Pending, useLoad, useTitle } from '../ui'
import { DefinitionEditor } from './workflow/edit'

export function Actions() {
  useTitle('Actions')
  const list = useLoad((s) => all<Action>('/v2/actions?fields=id,name,input,description,is_system,tags,scope', 'actions', 5000, s), [])
  const [text, setText] = useState('')
  const [open, setOpen] = useState<string | null>(null)
  const [run, setRun] = useState<Action | null>(null)
  if (search.value.get('new')) return <DefinitionEditor kind="actions" onClose={() => setSearch({ new: '' })} onSaved={(name) => go(`/actions/${enc(name)}`)} />
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const shown = (list.data ?? []).filter((a) => words.every((w) => a.name.toLowerCase().includes(w) || (a.description ?? '').toLowerCase().includes(w)))
  const groups = new Map<string, Action[]>()
  for (const a of shown.sort((x, y) => x.name.localeCompare(y.name))) {
    const g = builtIn(a) ? (a.name.split('.')[0] ?? '') : 'Your own'
    groups.set(g, [...(groups.get(g) ?? []), a])
  }
  return (
    <div class="page">
      <PageHead title="Actions" sub={list.data ? `${count(list.data.length, 'action')} that tasks can run` : ' '}>
        <Button kind="primary" icon="plus" onClick={() => setSearch({ new: '1' }, false)}>New ad-hoc action</Button>
      </PageHead>
      {!list.data ? <Pending of={list} /> : (
        <>
          <FindField label="Name, or what it does" value={text} onInput={setText} />
          {shown.length === 0 && <Empty icon="bolt" title="None of this kind">An ad-hoc action gives another one a name and fills some of its inputs in.</Empty>}
          {[...groups].sort(([a], [b]) => Number(b === 'Your own') - Number(a === 'Your own') || Number(b === 'std') - Number(a === 'std') || a.localeCompare(b)).map(([g, actions]) => (
            <section key={g} class="catalogue">
              <h2>{g} <span class="dim">{actions.length}</span></h2>
              <div class="cards">
                {actions.slice(0, open === g ? 2000 : 24).map((a) => (
                  <article key={a.id} class="card">
                    <h3 class="break">{builtIn(a) ? a.name : <a href={`${base}/actions/${enc(a.name)}`}>{a.name}</a>}</h3>
                    <p class="dim clamp">{a.description || 'No description.'}</p>
                    <p class="params">{paramsOf(a).map((p) => <code key={p.name} class={p.required ? 'req' : ''} title={p.required ? 'required' : `default: ${p.fallback}`}>{p.name}</code>)}</p>
                    <Button small icon="play" onClick={() => setRun(a)}>Try</Button>
                  </article>
                ))}
              </div>
              {actions.length > 24 && open !== g && <Button small onClick={() => setOpen(g)}>{`All ${actions.length} of ${g}`}</Button>}
            </section>
          ))}
        </>
      )}
      {run && <TryAction action={run} onClose={() => setRun(null)} />}
    </div>
  )
}

function paramsOf(a: Action): { name: string; required: boolean; fallback: string }[] {
  const out: { name: string; required: boolean; fallback: string }[] = []
  for (const m of (a.input ?? '').matchAll(/([\w-]+)(?:=("(?:[^"\\]|\\.)*"|[^,]*))?(?:,\s*|$)/g)) out.push({ name: m[1]!, required: m[2] === undefined, fallback: m[2] ?? '' })
  return out
}

function TryAction({ action, onClose }: { action: Action; onClose: () => void }) {
  const required = paramsOf(action).filter((p) => p.required)
  const [input, setInput] = useState(JSON.stringify(Object.fromEntries(required.map((p) => [p.name, ''])), null, 2))
  const [result, setResult] = useState<{ state?: string; output?: unknown; error?: unknown }>({})
  const { value, problem } = typedObject(input)
  const run = async () => {
    try {
      const r = await call<{ state: string; output: string }>('/v2/action_executions', { method: 'POST', body: { name: action.name, input: value, params: { run_sync: true, save_result: false, timeout: 30 } } })
      const out = parse(r.output) as { result?: unknown } | undefined
      setResult({ state: r.state, output: out && 'result' in out ? out.result : out })
    } catch (error) {
      setResult({ error })
    }
  }
  return (
    <Dialog title={`Try ${action.name}`} wide onClose={onClose} foot={<><Button onClick={onClose}>Close</Button><Button kind="primary" icon="play" disabled={!!problem} onClick={run}>Run it</Button></>}>
      {action.description && <p class="dim">{action.description}</p>}
      <p class="params">{paramsOf(action).map((p) => <code key={p.name} class={p.required ? 'req' : ''}>{p.name}{p.fallback && p.fallback !== 'null' ? `=${p.fallback}` : ''}</code>)}</p>
      <Field label="Input" area mono rows={6} value={input} onInput={setInput} {...(problem ? { error: problem } : {})} hint="It really runs, on a runner, for at most 30 seconds." />
      <div aria-live="polite">
        {result.error ? <ErrorBox error={result.error} /> : result.state ? <><h3>{result.state}</h3><Json value={result.output} name="Result" /></> : null}
      </div>
    </Dialog>
  )
}

