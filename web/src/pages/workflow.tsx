// A definition: its text, graph, revisions, executions; where it is started, edited, shared and deleted.
import { useMemo, useState } from 'preact/hooks'
import { builtIn, call, enc, newest, query, type Action, type Counts, type Lint, type Revision, type Workflow } from '../api'
import { count, described } from '../format'
import { GraphView } from '../graph/view'
import { lineDiff } from '../linediff'
import { base, go, search, setSearch } from '../router'
import { Ago, Badge, Button, Diff, Empty, Icon, Lasted, Menu, Pending, Select, Tabs, confirm, tell, useLoad, useTitle } from '../ui'
import { Yaml } from '../yaml'
import { DefinitionEditor } from './workflow/edit'
import { StartForm } from './workflow/start'
import type { DefinitionKind } from './workflows'

type Tab = 'definition' | 'revisions' | 'executions'

export function DefinitionPage({ kind, name }: { kind: DefinitionKind; name: string }) {
  const namespace = search.value.get('namespace') ?? ''
  const one = kind.slice(0, -1)
  useTitle(name)
  const def = useLoad((s) => call<Workflow & Action>(`/v2/${kind}/${enc(name)}` + query({ namespace }), { signal: s }), [kind, name, namespace])
  const text = def.data?.definition ?? ''
  const lint = useLoad(async (s) => (text && kind !== 'actions' ? call<Lint>(`/v2/${kind}/lint`, { method: 'POST', text, signal: s }) : null), [text])
  const tab = (search.value.get('tab') ?? 'definition') as Tab
  const [which, setWhich] = useState('')
  const task = search.value.get('task') ?? ''
  if (!def.data) return <div class="page"><Pending of={def} /></div>
  const d = def.data
  if (search.value.get('edit')) return <DefinitionEditor kind={kind} name={name} namespace={namespace} text={text} task={task} onClose={() => setSearch({ edit: '' })} onSaved={(saved) => {
    if (saved === name) {
      setSearch({ edit: '' })
      def.reload()
    } else go(`/${kind}/${enc(saved)}`)
  }} />
  const graphs = lint.data?.graphs ?? []
  const short = name.includes('.') ? name.slice(name.indexOf('.') + 1) : name
  const graph = graphs.find((g) => g.workflow === which) ?? graphs.find((g) => g.workflow === name || g.workflow === short) ?? graphs[0]
  const ofWorkbook = kind === 'workflows' && d.checksum === null
  const remove = async () => {
    if ((await confirm({ title: `Delete ${name}`, text: 'With its revisions. Executions that run go on to their end.', verb: 'Delete', danger: true })) === null) return
    await call(`/v2/${kind}/${enc(name)}` + query({ namespace }), { method: 'DELETE' })
    tell(`${name} is deleted`)
    go('/' + kind)
  }
  return (
    <div class="page fill">
      <header class="pagehead">
        <div class="grow">
          <div class="crumbs"><a href={`${base}/${kind}`}>{kind[0]!.toUpperCase() + kind.slice(1)}</a></div>
          <h1 class="break">{name}</h1>
          <dl class="facts">
            <div><dt>Changed</dt><dd><Ago at={d.updated_at || d.created_at} /></dd></div>
            <div><dt>Scope</dt><dd>{d.scope ?? 'system'}</dd></div>
            {namespace && <div><dt>Namespace</dt><dd>{namespace}</dd></div>}
            {d.input && <div><dt>Input</dt><dd class="mono">{d.input}</dd></div>}
            {(d.tags ?? []).length > 0 && <div><dt>Tags</dt><dd>{d.tags!.map((t) => <span key={t} class="tag">{t}</span>)}</dd></div>}
          </dl>
        </div>
        <div class="actions">
          {kind === 'workflows' && <Button kind="primary" icon="play" onClick={() => setSearch({ start: '1' })}>Start</Button>}
          {ofWorkbook ? <Button icon="book" onClick={() => go(`/workbooks/${enc(name.split('.')[0]!)}?edit=1`)}>Edit its workbook</Button> : !builtIn(d) && <Button icon="edit" onClick={() => setSearch({ edit: '1' }, false)}>Edit</Button>}
          {!builtIn(d) && <Menu label="More" icon="more" items={[{ text: 'Delete…', icon: 'trash', danger: true, onClick: remove }]} />}
        </div>
      </header>
      {builtIn(d) ? <p class="description">{d.description || 'A standard action.'}</p> : (
        <>
          <Tabs<Tab> label={`Views of the ${one}`} at={tab} onSelect={(t) => setSearch({ tab: t === 'definition' ? '' : t })} tabs={kind === 'workflows' ? [['definition', 'Definition'], ['revisions', 'Revisions'], ['executions', 'Executions']] : [['definition', 'Definition'], ['revisions', 'Revisions']]} />
          {tab === 'definition' && (
            <div class="editsplit">
              <section class="editpane" aria-label="Text"><Yaml text={text} {...(graph?.nodes.find((n) => n.name === task)?.line ? { line: graph.nodes.find((n) => n.name === task)!.line! } : {})} /></section>
              {kind !== 'actions' && (
                <section class="sidepane" aria-label="Graph">
                  {graphs.length > 1 && <div class="tools"><select aria-label="Workflow" value={graph?.workflow} onChange={(e) => setWhich(e.currentTarget.value)}>{graphs.map((g) => <option key={g.workflow}>{g.workflow}</option>)}</select></div>}
                  {graph ? <GraphView graph={graph} down selected={task} onSelect={(t) => setSearch({ task: t === task ? '' : t })} /> : <p class="dim pad">{lint.loading ? 'Drawing…' : 'There is nothing to draw.'}</p>}
                </section>
              )}
            </div>
          )}
          {tab === 'revisions' && <Revisions kind={kind} name={name} namespace={namespace} onRestored={def.reload} />}
          {tab === 'executions' && <ExecutionsOf name={name} />}
        </>
      )}
      {search.value.get('start') && <StartForm name={name} namespace={namespace} onClose={() => setSearch({ start: '' })} />}
    </div>
  )
}

export function Revisions({ kind, name, namespace, onRestored }: { kind: string; name: string; namespace?: string; onRestored: () => void }) {
  const path = `/v2/${kind}/${enc(name)}/revisions`
  const list = useLoad(async (s) => (await call<{ revisions: Revision[] }>(path + query({ namespace }), { signal: s })).revisions.reverse(), [path])
  const [to, setTo] = useState('')
  const [from, setFrom] = useState('')
  const newer = to || String(list.data?.[0]?.revision ?? '')
  const older = from || String(Math.max(0, Number(newer) - 1))
  const texts = useLoad(async (s) => {
    const get = async (n: string) => (n === '0' || !n ? '' : ((await call<Revision>(`${path}/${n}` + query({ namespace }), { signal: s })).definition ?? ''))
    const [a, b] = await Promise.all([get(older), get(newer)])
    return { a, b }
  }, [older, newer])
  const diff = useMemo(() => lineDiff(texts.data?.a ?? '', texts.data?.b ?? ''), [texts.data])
  if (!list.data) return <Pending of={list} />
  const options = list.data.map((r): [string, string] => [String(r.revision), `Revision ${r.revision}`])
  const restore = async (r: Revision) => {
    if ((await confirm({ title: `Restore revision ${r.revision}`, text: 'Its text becomes the newest revision; none is lost.', verb: 'Restore' })) === null) return
    await call(`${path}/${r.revision}/restore` + query({ namespace }), { method: 'POST' })
    tell(`Revision ${r.revision} is the newest again`)
    list.reload()
    onRestored()
  }
  return (
    <div class="cols revisions pad">
      <section>
        <h2>Revisions</h2>
        <ul class="plainlist">
          {list.data.map((r, i) => (
            <li key={r.id} class={`revision ${String(r.revision) === newer ? 'on' : ''}`}>
              <button class="grow" onClick={() => {
                setTo(String(r.revision))
                setFrom('')
              }}><strong>Revision {r.revision}</strong>{i === 0 && <span class="tag">newest</span>}<span class="dim"> <Ago at={r.created_at} />{r.created_by ? ` by ${r.created_by}` : ''}</span></button>
              {i > 0 && <Button small onClick={() => restore(r)}>Restore</Button>}
            </li>
          ))}
        </ul>
      </section>
      <section>
        <div class="tools"><Select label="From" value={older} options={[...options, ['0', 'Nothing']]} onChange={setFrom} /><Select label="To" value={newer} options={options} onChange={setTo} /></div>
        {texts.data ? <Diff text={diff} /> : <Pending of={texts} />}
      </section>
    </div>
  )
}

function ExecutionsOf({ name }: { name: string }) {
  const list = useLoad((s) => newest({ workflow_name: name, limit: 50, fields: 'id,state,state_info,description,created_at,updated_at' }, s), [name], 5000)
  const counts = useLoad((s) => call<Counts>('/v2/executions/count' + query({ workflow_name: name }), { signal: s }), [name], 10_000)
  if (!list.data) return <Pending of={list} />
  if (!list.data.length) return <Empty icon="runs" title="It has not run yet" action={<Button kind="primary" icon="play" onClick={() => setSearch({ start: '1' })}>Start it</Button>} />
  return (
    <div class="pad">
      {counts.data && <p class="dim">{count(counts.data.total, 'execution')}, {counts.data.states['ERROR'] ?? 0} of them failed. <a href={`${base}/executions?q=${enc('workflow:' + name)}`}>All of them <Icon name="right" size={10} /></a></p>}
      <table class="plain hover">
        <thead><tr><th>State</th><th>Id</th><th>Description or error</th><th>Created</th><th>Duration</th></tr></thead>
        <tbody>
          {list.data.map((e) => (
            <tr key={e.id}>
              <td><Badge state={e.state} quiet /></td>
              <td><a class="mono" href={`${base}/executions/${e.id}`}>{e.id.slice(0, 8)}</a></td>
              <td class="break dim">{(e.state_info || described(e.description).text).slice(0, 140)}</td>
              <td><Ago at={e.created_at} /></td>
              <td><Lasted of={e} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
