// The editor of definitions: CodeMirror in a shadow root, where its styles may come from script under our policy.
import { acceptCompletion, autocompletion, completionKeymap, snippetCompletion, type Completion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { yaml } from '@codemirror/lang-yaml'
import { HighlightStyle, bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit, syntaxHighlighting } from '@codemirror/language'
import { setDiagnostics, type Diagnostic } from '@codemirror/lint'
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search'
import { EditorState } from '@codemirror/state'
import { Decoration, EditorView, MatchDecorator, ViewPlugin, drawSelection, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers, type DecorationSet, type ViewUpdate } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { useEffect, useRef } from 'preact/hooks'
import type { ExpressionFunction, Finding } from './api'

interface Vocabulary {
  actions: { name: string; input: string; description: string }[]
  workflows: string[]
  /** What expressions can use, as the server knows it. */
  functions: ExpressionFunction[]
}

export interface EditorHandle {
  text: () => string
  replace: (text: string) => void
  goTo: (line: number, column?: number) => void
  replaceWord: (line: number, from: string, to: string) => void
}

const look = EditorView.theme({
  '&': { height: '100%', fontSize: '13px', backgroundColor: 'transparent', color: 'var(--text)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.6' },
  '.cm-content': { caretColor: 'var(--text)', padding: '10px 0' },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--dim)', border: 'none' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--hover)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--select) !important' },
  '.cm-selectionMatch': { backgroundColor: 'var(--select)' },
  '.cm-matchingBracket': { backgroundColor: 'var(--select) !important', outline: 'none' },
  '.cm-lintRange-error': { backgroundImage: 'none !important', textDecoration: 'underline wavy var(--c-ERROR) 1.5px', textUnderlineOffset: '4px' },
  '.cm-lintRange-warning': { backgroundImage: 'none !important', textDecoration: 'underline wavy var(--c-PAUSED) 1.5px', textUnderlineOffset: '4px' },
  '.cm-tooltip': { backgroundColor: 'var(--raised)', border: '1px solid var(--line)', borderRadius: '8px', boxShadow: 'var(--shadow)', color: 'var(--text)', overflow: 'hidden' },
  '.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', fontSize: '12.5px', maxHeight: '16em' },
  '.cm-tooltip-autocomplete > ul > li': { padding: '3px 10px' },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--accent)', color: '#fff' },
  '.cm-completionDetail': { color: 'inherit', opacity: '.65', fontStyle: 'normal', marginLeft: '1em' },
  '.cm-completionInfo': { padding: '8px 12px', maxWidth: '320px', fontSize: '12.5px', whiteSpace: 'pre-wrap' },
  '.cm-diagnostic': { padding: '6px 10px', borderLeft: '3px solid var(--c-ERROR)', whiteSpace: 'pre-wrap' },
  '.cm-panels': { backgroundColor: 'var(--raised)', color: 'var(--text)' },
  '.cm-expression, .cm-expression span': { color: 'var(--y-exp) !important' },
  '.cm-foldPlaceholder': { backgroundColor: 'var(--hover)', border: 'none', color: 'var(--dim)' },
})

const colours = HighlightStyle.define([
  { tag: [tags.definition(tags.propertyName), tags.propertyName], color: 'var(--y-key)' },
  { tag: [tags.string, tags.content], color: 'var(--text)' },
  { tag: tags.comment, color: 'var(--dim)', fontStyle: 'italic' },
  { tag: [tags.punctuation, tags.separator], color: 'var(--dim)' },
  { tag: [tags.keyword, tags.bool, tags.number], color: 'var(--y-exp)' },
])

const expressionMarks = new MatchDecorator({ regexp: /<%.*?%>|\{\{.*?\}\}|\{%.*?%\}/g, decoration: Decoration.mark({ class: 'cm-expression' }) })

const expressions = ViewPlugin.fromClass(
  class {
    marks: DecorationSet
    constructor(v: EditorView) {
      this.marks = expressionMarks.createDeco(v)
    }
    update(u: ViewUpdate) {
      this.marks = expressionMarks.updateDeco(u, this.marks)
    }
  },
  { decorations: (p) => p.marks },
)

export function Editor(props: { initial: string; label: string; vocabulary: Vocabulary; findings: Finding[]; onChange: (text: string) => void; onSave?: () => void; handle?: (h: EditorHandle) => void }) {
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(undefined)
  const latest = useRef(props)
  latest.current = props
  useEffect(() => {
    const root = host.current!.shadowRoot ?? host.current!.attachShadow({ mode: 'open' })
    root.replaceChildren()
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(':host{display:block;height:100%} .cm-editor{height:100%}')
    root.adoptedStyleSheets = [sheet]
    const v = new EditorView({
      root,
      parent: root as unknown as Element,
      state: EditorState.create({
        doc: props.initial,
        extensions: [
          lineNumbers(), foldGutter(), highlightActiveLine(), highlightActiveLineGutter(), history(), drawSelection(), indentOnInput(), bracketMatching(), highlightSelectionMatches(),
          indentUnit.of('  '), EditorState.tabSize.of(2), EditorView.lineWrapping,
          yaml(), syntaxHighlighting(colours), expressions, look,
          autocompletion({ override: [(c) => complete(c, latest.current.vocabulary)], icons: false }),
          keymap.of([
            { key: 'Mod-s', preventDefault: true, run: () => (latest.current.onSave?.(), true) },
            { key: 'Tab', run: acceptCompletion },
            ...completionKeymap, ...defaultKeymap, ...historyKeymap, ...searchKeymap, ...foldKeymap, indentWithTab,
          ]),
          EditorView.contentAttributes.of({ 'aria-label': props.label, spellcheck: 'false', tabindex: '0' }),
          EditorView.updateListener.of((u) => u.docChanged && latest.current.onChange(u.state.doc.toString())),
        ],
      }),
    })
    view.current = v
    props.handle?.({
      text: () => v.state.doc.toString(),
      replace: (text) => v.dispatch({ changes: { from: 0, to: v.state.doc.length, insert: text } }),
      goTo(line, column = 1) {
        if (line < 1 || line > v.state.doc.lines) return
        const l = v.state.doc.line(line)
        const pos = Math.min(l.to, l.from + Math.max(0, column - 1))
        v.dispatch({ selection: { anchor: pos }, effects: EditorView.scrollIntoView(pos, { y: 'center' }) })
        v.focus()
      },
      replaceWord(line, from, to) {
        if (line < 1 || line > v.state.doc.lines) return
        const l = v.state.doc.line(line)
        const at = l.text.indexOf(from)
        if (at >= 0) v.dispatch({ changes: { from: l.from + at, to: l.from + at + from.length, insert: to } })
      },
    })
    return () => v.destroy()
  }, [])
  useEffect(() => {
    const v = view.current
    if (!v) return
    const list: Diagnostic[] = props.findings.filter((f) => f.line > 0 && f.line <= v.state.doc.lines).map((f) => {
      const l = v.state.doc.line(f.line)
      const from = Math.min(l.to, l.from + Math.max(0, f.column - 1))
      const to = f.end_column ? Math.min(l.to, l.from + f.end_column - 1) : l.to
      return { from, to: Math.max(to, Math.min(from + 1, l.to)), severity: f.severity, message: f.hint ? `${f.message}\n${f.hint}` : f.message }
    })
    v.dispatch(setDiagnostics(v.state, list))
  }, [props.findings])
  return <div class="editor" ref={host} data-testid="editor" />
}

// Completion

const workflowKeys: Record<string, string> = {
  type: 'direct or reverse', description: 'what it is for', input: 'names of inputs, with defaults', output: 'what it gives', 'output-on-error': 'what it gives when it fails',
  vars: 'variables from the start', tags: 'words to find it by', 'task-defaults': 'policies of all tasks', tasks: 'what is done',
}
const taskKeys: Record<string, string> = {
  action: 'what it runs', workflow: 'a workflow that it runs', input: 'input of the action', publish: 'what it adds to the context', 'publish-on-error': 'the same when it fails', 'publish-on-skip': 'the same when it is skipped',
  'with-items': 'once for each item of a list', concurrency: 'items at the same time', join: 'wait for the tasks before: all, one or a number', 'on-success': 'what follows when it succeeds', 'on-error': 'what follows when it fails',
  'on-complete': 'what follows in any case', 'on-skip': 'what follows when it is skipped', retry: 'try again', timeout: 'seconds until it fails', 'wait-before': 'seconds before it starts', 'wait-after': 'seconds behind its end',
  'pause-before': 'stop and wait for a resume', 'fail-on': 'a condition under which it fails', target: 'the runner', 'keep-result': 'keep the result', 'safe-rerun': 'may run twice after a lost runner', requires: 'tasks before (reverse workflows)', description: 'what it does', tags: 'words to find it by',
}
const retryKeys = { count: 'how often', delay: 'seconds between', 'break-on': 'stop when', 'continue-on': 'go on while' }
const clauses = ['on-success', 'on-error', 'on-complete', 'on-skip', 'next']
const commands = ['fail', 'succeed', 'pause', 'noop']
/** The keys above a line, from the outermost, by indentation. */
function pathAt(lines: string[], at: number, indent: number): string[] {
  const out: string[] = []
  let limit = indent
  for (let i = at - 1; i >= 0 && limit > 0; i--) {
    const m = /^(\s*)(?:- )?([\w.$-]+|"[^"]+"):/.exec(lines[i]!)
    if (!m || m[1]!.length >= limit) continue
    out.unshift(m[2]!)
    limit = m[1]!.length
  }
  return out
}

function complete(c: CompletionContext, words: Vocabulary): CompletionResult | null {
  const line = c.state.doc.lineAt(c.pos)
  const before = line.text.slice(0, c.pos - line.from)
  const open = Math.max(before.lastIndexOf('<%'), before.lastIndexOf('{{'))
  if (open >= 0 && before.lastIndexOf('%>') < open && before.lastIndexOf('}}') < open) {
    return completeExpression(c, before.slice(open + 2), before[open] === '<' ? 'yaql' : 'jinja', words.functions)
  }
  const lines = c.state.doc.toString().split('\n')
  const value = /^(\s*)(?:- )?([\w-]+):\s*(\S*)$/.exec(before)
  if (value) {
    const from = c.pos - value[3]!.length
    if (value[2] === 'action') return { from, options: words.actions.map(actionOption) }
    if (value[2] === 'workflow') return { from, options: words.workflows.map((w) => ({ label: w })) }
    if (value[2] === 'base') return { from, options: words.actions.map((a) => ({ label: a.name, detail: a.input })) }
    if (value[2] === 'join') return { from, options: ['all', 'one'].map((w) => ({ label: w })) }
    if (value[2] === 'type') return { from, options: ['direct', 'reverse'].map((w) => ({ label: w })) }
    if (clauses.includes(value[2]!) || value[2] === 'requires') return { from, options: taskOptions(lines) }
    return null
  }
  const start = /^(\s*)(- )?([\w-]*)$/.exec(before)
  if (!start || (!start[3] && !c.explicit)) return null
  const from = c.pos - start[3]!.length
  const path = pathAt(lines, line.number - 1, start[1]!.length + (start[2] ? 1 : 0))
  const last = path[path.length - 1] ?? ''
  if (clauses.includes(last) || last === 'requires') return { from, options: taskOptions(lines) }
  const keysOf = (o: Record<string, string>): Completion[] => Object.entries(o).map(([label, detail]) => ({ label, detail, apply: label + ': ', type: 'property' }))
  if (last === 'retry') return { from, options: keysOf(retryKeys) }
  if (path[path.length - 2] === 'tasks' || last === 'task-defaults') return { from, options: keysOf(taskKeys) }
  if (path.length === 1 || path[path.length - 2] === 'workflows') return { from, options: keysOf(workflowKeys) }
  if (path.length === 0) return { from, options: [{ label: 'version', apply: "version: '2.0'\n" }, { label: 'name', apply: 'name: ' }, { label: 'workflows', apply: 'workflows:\n  ' }, { label: 'actions', apply: 'actions:\n  ' }] }
  return null
}

/** Within an expression: behind a dot methods and what the context has, behind | filters, behind "is" tests, else functions. */
function completeExpression(c: CompletionContext, text: string, lang: string, functions: ExpressionFunction[]): CompletionResult | null {
  const m = /(\$\.|\b_\.|\.|\|\s*|\bis\s+(?:not\s+)?)?([\w]*)$/.exec(text)!
  const [before, word] = [(m[1] ?? '').trim(), m[2]!]
  if (!word && !before && !c.explicit) return null
  const of = functions.filter((f) => f.lang === lang)
  const kinds = before === '|' ? ['filter'] : before.startsWith('is') ? ['test'] : before.endsWith('.') ? ['method'] : ['function']
  const options = functionOptions(of.filter((f) => kinds.includes(f.kind)))
  if (before === '$.' || before === '_.') options.unshift(...contextNames(c.state.doc.toString()).map((label) => ({ label, detail: 'of the context', boost: 10 })))
  return options.length ? { from: c.pos - word.length, options, validFor: /^\w*$/ } : null
}

/** One option for each name: its ways of being called stand beside it. */
function functionOptions(list: ExpressionFunction[]): Completion[] {
  const by = new Map<string, string[]>()
  for (const f of list) by.set(f.name, [...(by.get(f.name) ?? []), f.signature])
  const kind = list[0]?.kind
  return [...by].map(([name, signatures]) => {
    const option: Completion = { label: name, detail: signatures[0]!.slice(name.length), ...(signatures.length > 1 ? { info: signatures.join('\n') } : {}) }
    // What is in front of the dot is a method's first parameter.
    const parameters = Math.max(...signatures.map((s) => (s.slice(name.length).match(/^\((.+)\)$/)?.[1] ?? '').split(', ').filter(Boolean).length - (kind === 'method' ? 1 : 0)))
    if (kind === 'test' || (kind === 'filter' && parameters === 0)) return option
    return parameters > 0 ? snippetCompletion(`${name}(\${})`, option) : { ...option, apply: `${name}()` }
  })
}

/** What the context may have: names of inputs and variables, and what tasks publish. */
function contextNames(text: string): string[] {
  const lines = text.split('\n')
  const names = new Set<string>()
  lines.forEach((l, i) => {
    const m = /^(\s+)(?:- )?([A-Za-z_]\w*)\s*(?::|$)/.exec(l)
    if (!m) return
    const at = pathAt(lines, i, m[1]!.length + (l.trimStart().startsWith('- ') ? 1 : 0))
    if (['input', 'vars'].includes(at.at(-1) ?? '') && !at.includes('tasks')) names.add(m[2]!)
    else if (/^publish/.test(at.at(-1) ?? '')) names.add(m[2]!)
  })
  return [...names]
}

function taskOptions(lines: string[]): Completion[] {
  const names: string[] = []
  lines.forEach((l, i) => {
    const m = /^(\s+)([\w-]+):\s*$/.exec(l)
    if (m && pathAt(lines, i, m[1]!.length).at(-1) === 'tasks') names.push(m[2]!)
  })
  return [...names.map((label) => ({ label, detail: 'task' })), ...commands.map((label) => ({ label, detail: 'command' }))]
}

function actionOption(a: Vocabulary['actions'][number]): Completion {
  const required = a.input.split(',').map((p) => p.trim()).filter((p) => p && !p.includes('='))
  const option: Completion = { label: a.name, detail: a.input.slice(0, 60), ...(a.description ? { info: a.description } : {}) }
  return required.length ? snippetCompletion(`${a.name}${required.map((p) => ` ${p}=\${${p}}`).join('')}`, option) : option
}
