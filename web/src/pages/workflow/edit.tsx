// The editor of a definition with what the server thinks of it, and the graph that it makes, beside the text.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { all, call, newest, query, type Action, type ExpressionFunction, type Finding, type Graph, type Lint, type Workflow } from '../../api'
import { ago, count, millis } from '../../format'
import { GraphView } from '../../graph/view'
import { lazy } from '../../lazy'
import type { EditorHandle } from '../../editor'
import { Button, Field, Icon, Loading, Select, Tabs, confirm, fail, tell, useLoad, word } from '../../ui'
import { Playground } from '../execution/context'
import type { DefinitionKind } from '../workflows'

const Editor = lazy(() => import('../../editor').then((m) => m.Editor))

const examples: Record<DefinitionKind, string> = {
  workflows: `version: '2.0'

my_workflow:
  description: Says hello, then what it has said
  input:
    - name: world
  output:
    said: <% $.said %>
  tasks:
    hello:
      action: std.echo output="hello <% $.name %>"
      publish:
        said: <% task().result %>
      on-success:
        - tell
    tell:
      action: std.echo
      input:
        output: I said <% $.said %>
`,
  workbooks: `version: '2.0'

name: my_workbook
description: Workflows, and the actions that they share

actions:
  greet:
    base: std.echo
    base-input:
      output: hello <% $.name %>
    input:
      - name

workflows:
  main:
    input:
      - name: world
    tasks:
      hello:
        action: greet name=<% $.name %>
`,
  actions: `version: '2.0'

greet:
  description: Says hello to somebody
  base: std.echo
  base-input:
    output: hello <% $.name %>
  input:
    - name
`,
}

export function DefinitionEditor(props: { kind: DefinitionKind; name?: string; namespace?: string; text?: string; task?: string; onClose: () => void; onSaved: (name: string) => void }) {
  const { kind, name } = props
  const initial = props.text ?? examples[kind]
  const [text, setText] = useState(initial)
  const [lint, setLint] = useState<Lint>({ valid: true, findings: [], graphs: [] })
  const [graphs, setGraphs] = useState<Graph[]>([])
  const [which, setWhich] = useState('')
  const [side, setSide] = useState<'graph' | 'try'>('graph')
  const [node, setNode] = useState('')
  const handle = useRef<EditorHandle>(undefined)
  const words = useLoad(async (s) => {
    const [actions, workflows, expressions] = await Promise.all([
      all<Action>('/v2/actions?fields=id,name,input,description', 'actions', 3000, s), all<Workflow>('/v2/workflows?fields=id,name', 'workflows', 3000, s),
      call<{ functions: ExpressionFunction[] }>('/v2/expressions/functions', { signal: s }),
    ])
    return {
      functions: expressions.functions, actions: actions.map((a) => ({ name: a.name, input: a.input ?? '', description: a.description ?? '' })), workflows: workflows.map((w) => w.name) }
  }, [])
  useEffect(() => {
    const stop = new AbortController()
    const timer = setTimeout(() => {
      call<Lint>(`/v2/${kind}/lint`, { method: 'POST', text, signal: stop.signal }).then((l) => {
        setLint(l)
        // Half a text has no graph: the last one stays.
        if (l.graphs.some((g) => g.nodes.length)) setGraphs(l.graphs)
      }, fail)
    }, 250)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [text])
  const graph = graphs.find((g) => g.workflow === which) ?? graphs.find((g) => g.workflow === name) ?? graphs[0]
  const select = (task: string) => {
    setNode(task)
    const n = graph?.nodes.find((x) => x.name === task)
    if (n?.line) handle.current?.goTo(n.line, 5)
  }
  const errors = lint.findings.filter((f) => f.severity === 'error').length
  const bad = useMemo(() => new Set(lint.findings.flatMap((f) => /tasks\.([^.]+)/.exec(f.path ?? '')?.[1] ?? [])), [lint])
  const save = async () => {
    if (!lint.valid) {
      tell('It has mistakes: mend them first.', 'bad')
      return
    }
    const made = await call<Record<string, unknown>>(`/v2/${kind}` + query({ namespace: props.namespace }), { method: name ? 'PUT' : 'POST', text })
    const list = (made[kind] as { name: string }[] | undefined) ?? [made as { name: string }]
    tell(name ? 'Saved as a new revision; executions that run keep theirs' : `${list.map((x) => x.name).join(', ')}: stored`)
    props.onSaved(list.find((x) => x.name === name)?.name ?? list[0]!.name)
  }
  const close = async () => {
    if (text !== initial && (await confirm({ title: 'Leave the editor?', text: 'What you have changed is lost.', verb: 'Leave', danger: true })) === null) return
    props.onClose()
  }
  return (
    <div class="page fill">
      <header class="pagehead slim">
        <div><h1>{name ? `Edit ${name}` : `New ${kind.slice(0, -1)}`}</h1></div>
        <div class="actions">
          <span class={errors ? 'err' : 'dim'} role="status" data-testid="lint">{errors ? count(errors, 'mistake') : lint.findings.length ? count(lint.findings.length, 'warning') : 'No mistakes'}</span>
          <Button onClick={close}>Back</Button>
          <Button kind="primary" icon="save" disabled={errors > 0} onClick={save}>{name ? 'Save a revision' : 'Save'}</Button>
        </div>
      </header>
      <div class="editsplit">
        <section class="editpane" aria-label="Text">
          <Editor initial={initial} label={`Definition of ${name ?? 'a new ' + kind.slice(0, -1)}`} vocabulary={words.data ?? { actions: [], workflows: [], functions: [] }} findings={lint.findings} onChange={setText} onSave={() => void save().catch(fail)} handle={(h) => {
            handle.current = h
            if (props.task) setTimeout(() => {
              const at = h.text().split('\n').findIndex((l) => l.trim() === props.task + ':')
              if (at >= 0) h.goTo(at + 1)
            })
          }} />
          <Findings list={lint.findings} onGo={(f) => handle.current?.goTo(f.line, f.column)} onFix={(f, from, to) => handle.current?.replaceWord(f.line, from, to)} />
        </section>
        {kind !== 'actions' && (
          <section class="sidepane" aria-label="Beside the text">
            <div class="tools">
              <Tabs<'graph' | 'try'> label="Beside the text" at={side} onSelect={setSide} tabs={[['graph', 'Graph'], ['try', 'Try an expression']]} />
              <span class="grow" />
              {side === 'graph' && graphs.length > 1 && <select aria-label="Workflow" value={graph?.workflow} onChange={(e) => setWhich(e.currentTarget.value)}>{graphs.map((g) => <option key={g.workflow}>{g.workflow}</option>)}</select>}
            </div>
            {side === 'graph' && (graph ? <GraphView graph={graph} selected={node} onSelect={select} down problems={bad} /> : <p class="dim pad">The graph appears when {errors ? 'the mistakes are mended' : 'the text has a task'}.</p>)}
            {side === 'try' && <PlaygroundWithData workflow={graph?.workflow ?? ''} />}
          </section>
        )}
      </div>
    </div>
  )
}

/** Tries expressions on the context of an execution, the newest of the workflow or any by its id, or on data that somebody types. */
function PlaygroundWithData({ workflow }: { workflow: string }) {
  const [data, setData] = useState('{\n  "name": "Ana"\n}')
  const [which, setWhich] = useState<string | null>(null) // an id; '' is the data, 'other' an id that is typed; null: nothing was chosen
  const [typed, setTyped] = useState('')
  const recent = useLoad(async (s) => (workflow ? newest({ workflow_name: `eq:${workflow}`, limit: 10, fields: 'id,state,created_at,description' }, s) : []), [workflow])
  if (recent.loading && !recent.data) return <Loading />
  const list = recent.data ?? []
  const at = which ?? list[0]?.id ?? ''
  const id = at === 'other' ? typed : at
  return (
    <div class="pad">
      <Select label="On what" value={at} onChange={setWhich} options={[
        ...list.map((e): [string, string] => [e.id, `context of ${e.id.slice(0, 8)} (${word(e.state)}, ${ago(millis(e.created_at), Date.now())})`]), ['other', 'context of another execution…'], ['', 'data that I type'],
      ]} />
      {at === 'other' && <Field label="Id of the execution" mono value={typed} onInput={(v) => setTyped(v.trim())} />}
      {at === '' && <Field label="Data ($)" area mono rows={6} value={data} onInput={setData} />}
      {at === '' ? <Playground data={data} /> : <Playground key={id} execution={id} />}
    </div>
  )
}

/** The word that a hint proposes instead of another. */
function fixOf(f: Finding): [string, string] | null {
  const to = /did you mean ['"“`]?([\w.$-]+)/i.exec(`${f.hint ?? ''} ${f.message}`)?.[1]?.replace(/\.$/, '')
  if (!to) return null
  const from = [...f.message.matchAll(/['"“`]([\w.$-]+)['"”`]/g)].map((m) => m[1]!).find((w) => w !== to)
  return from ? [from, to] : null
}

function Findings({ list, onGo, onFix }: { list: Finding[]; onGo: (f: Finding) => void; onFix: (f: Finding, from: string, to: string) => void }) {
  if (!list.length) return null
  return (
    <ul class="findings" aria-label="Mistakes and warnings">
      {list.slice(0, 100).map((f, i) => {
        const fix = fixOf(f)
        return (
          <li key={i} class={f.severity}>
            <Icon name={f.severity === 'error' ? 'cross' : 'warn'} />
            <button class="linklike num" onClick={() => onGo(f)}>{f.line ? `line ${f.line}` : 'text'}</button>
            <span class="grow break">{f.message}{f.hint && <span class="dim"> {f.hint}</span>}</span>
            {fix && <Button small onClick={() => onFix(f, fix[0], fix[1])}>{`Use ${fix[1]}`}</Button>}
          </li>
        )
      })}
    </ul>
  )
}

