// The lists of workflows and workbooks.
import { useState } from 'preact/hooks'
import { all, enc, newest, type Execution, type Workflow } from '../api'
import { count } from '../format'
import { base, go, search, setSearch } from '../router'
import { Ago, Badge, Button, Empty, FindField, PageHead, Pending, useLoad, useTitle } from '../ui'
import { DefinitionEditor } from './workflow/edit'
import { StartForm } from './workflow/start'

export type DefinitionKind = 'workflows' | 'workbooks' | 'actions'

export function Workflows({ kind }: { kind: 'workflows' | 'workbooks' }) {
  const one = kind === 'workflows' ? 'workflow' : 'workbook'
  useTitle(kind === 'workflows' ? 'Workflows' : 'Workbooks')
  const list = useLoad((s) => all<Workflow>(`/v2/${kind}?fields=id,name,namespace,tags,scope,created_at,updated_at${kind === 'workflows' ? ',input' : ''}`, kind, 5000, s), [kind])
  const runs = useLoad(async (s) => (kind === 'workflows' ? newest({ limit: 1000, fields: 'id,workflow_name,state,created_at' }, s) : []), [kind], 10_000)
  const [text, setText] = useState('')
  const [start, setStart] = useState<string | null>(null)
  if (search.value.get('new')) return <DefinitionEditor kind={kind} onClose={() => setSearch({ new: '' })} onSaved={(name) => go(`/${kind}/${enc(name)}`)} />
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const shown = (list.data ?? []).filter((w) => words.every((x) => w.name.toLowerCase().includes(x) || w.tags.some((t) => t.toLowerCase().includes(x)))).sort((a, b) => a.name.localeCompare(b.name))
  const recent = new Map<string, Execution[]>()
  for (const e of runs.data ?? []) {
    const l = recent.get(e.workflow_name) ?? []
    if (l.length < 12) l.push(e)
    recent.set(e.workflow_name, l)
  }
  return (
    <div class="page">
      <PageHead title={kind === 'workflows' ? 'Workflows' : 'Workbooks'} sub={list.data ? count(list.data.length, one) : ' '}>
        <Button kind="primary" icon="plus" onClick={() => setSearch({ new: '1' }, false)}>{`New ${one}`}</Button>
      </PageHead>
      {!list.data ? <Pending of={list} /> : list.data.length === 0 ? (
        <Empty icon={kind === 'workflows' ? 'flow' : 'book'} title={`No ${one} yet`} action={<Button kind="primary" icon="plus" onClick={() => setSearch({ new: '1' }, false)}>{`Write the first ${one}`}</Button>}>
          {kind === 'workflows' ? 'A workflow says in YAML which tasks there are and what follows what. The editor begins with one that runs.' : 'A workbook keeps workflows and the actions that they share in one text.'}
        </Empty>
      ) : (
        <>
          <FindField label="Name or tag" value={text} onInput={setText} />
          <div class="tablewrap">
            <table class="plain hover">
              <thead><tr><th>Name</th>{kind === 'workflows' && <th>Recent executions</th>}<th>Tags</th><th>Scope</th><th>Changed</th>{kind === 'workflows' && <th><span class="sr">Start</span></th>}</tr></thead>
              <tbody>
                {shown.map((w) => (
                  <tr key={w.id}>
                    <td><a class="strong" href={`${base}/${kind}/${enc(w.name)}${w.namespace ? '?namespace=' + enc(w.namespace) : ''}`}>{w.name}</a>{w.namespace && <span class="dim"> in {w.namespace}</span>}{w.input && <div class="dim small cut inputs">{w.input}</div>}</td>
                    {kind === 'workflows' && <td><Recent list={recent.get(w.name) ?? []} /></td>}
                    <td>{w.tags.map((t) => <span key={t} class="tag">{t}</span>)}</td>
                    <td class="dim">{w.scope}</td>
                    <td class="dim"><Ago at={w.updated_at || w.created_at} /></td>
                    {kind === 'workflows' && <td class="right"><Button small icon="play" label={`Start ${w.name}`} onClick={() => setStart(w.name)} /></td>}
                  </tr>
                ))}
              </tbody>
            </table>
            {shown.length === 0 && <p class="dim pad">None has this name or tag.</p>}
          </div>
        </>
      )}
      {start !== null && <StartForm name={start} onClose={() => setStart(null)} />}
    </div>
  )
}

/** The newest executions as coloured ticks, the newest at the right. */
function Recent({ list }: { list: Execution[] }) {
  if (!list.length) return <span class="dim">never run</span>
  return (
    <span class="recent">
      {[...list].reverse().map((e) => <a key={e.id} class={`tick s-${e.state}`} href={`${base}/executions/${e.id}`} aria-label={`${e.state} ${e.created_at}`} title={`${e.state}, ${e.created_at}`} />)}
      <Badge state={list[0]!.state} quiet />
    </span>
  )
}

