// The parts that pages are made of.
import { signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useCallback, useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { ApiError, final, type Execution, type State } from './api'
import { ago, clock, duration, millis } from './format'
import { now } from './prefs'

const paths = {
  check: 'M4 8.5l2.8 2.8L12 5.5',
  cross: 'M4.7 4.7l6.6 6.6M11.3 4.7l-6.6 6.6',
  pause: 'M5.7 4.5v7M10.3 4.5v7',
  slash: 'M4.5 11.5l7-7',
  clock: 'M8 4.2V8l2.6 1.7',
  dots: 'M4.2 8h.01M8 8h.01M11.8 8h.01',
  skip: 'M4 4.5L8.5 8 4 11.5M11.5 4.5v7',
  play: 'M5.5 4l6 4-6 4z',
  runs: 'M2.5 4h11M2.5 8h11M2.5 12h7',
  flow: 'M3 3h4v3H3zM9 10h4v3H9zM5 6v5.5h4',
  book: 'M3 3h4.2c.5 0 .8.4.8.8v9.4c0-.6-.5-1.2-1.2-1.2H3zM13 3H8.8c-.5 0-.8.4-.8.8v9.4c0-.6.5-1.2 1.2-1.2H13z',
  bolt: 'M8.8 2L3.8 9H8l-.8 5 5-7H8z',
  box: 'M8 2l5.2 3v6L8 14l-5.2-3V5zM8 8l5.2-3M8 8v6M8 8L2.8 5',
  time: 'M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2zM8 4.8V8l2.2 1.4',
  bell: 'M4 11V7.4a4 4 0 0 1 8 0V11l1 1.2H3zM6.7 13.8h2.6',
  pulse: 'M1.8 8h3l1.6-4.2L9.2 12l1.6-4h3.4',
  shield: 'M8 2l5 1.8v4c0 3-2.2 5.2-5 6.2-2.8-1-5-3.2-5-6.2v-4z',
  search: 'M7 2.8a4.2 4.2 0 1 0 0 8.4 4.2 4.2 0 0 0 0-8.4zM10.2 10.2l3.3 3.3',
  moon: 'M13 9.6A5.6 5.6 0 0 1 6.4 3 5.6 5.6 0 1 0 13 9.6z',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  down: 'M4 6l4 4 4-4',
  right: 'M6 4l4 4-4 4',
  left: 'M10 4L6 8l4 4',
  copy: 'M5.5 5.5V3h7.5v7.5h-2.5M3 5.5h7.5V13H3z',
  link: 'M9 3h4v4M13 3L7.5 8.5M11 9.5V13H3V5h3.5',
  plus: 'M8 3.5v9M3.5 8h9',
  minus: 'M3.5 8h9',
  fit: 'M3 6V3h3M10 3h3v3M13 10v3h-3M6 13H3v-3',
  why: 'M5.8 6a2.2 2.2 0 1 1 3.2 2c-.7.4-1 .8-1 1.6M8 12h.01',
  filter: 'M2.5 3.5h11L9.3 8.6v4L6.7 11.4V8.6z',
  star: 'M8 2.4l1.7 3.6 3.9.5-2.9 2.7.8 3.9L8 11.2l-3.5 1.9.8-3.9L2.4 6.5l3.9-.5z',
  save: 'M8 2.5v7.5M5 7l3 3 3-3M3 13h10',
  edit: 'M3 13l.7-2.8L10.8 3l2.2 2.2-7.2 7.1z',
  trash: 'M3 4.5h10M6.3 4.5V3h3.4v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5',
  warn: 'M8 2.5l6 10.8H2zM8 6.5v3.2M8 11.5h.01',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  redo: 'M12.8 8A4.8 4.8 0 1 1 8 3.2h4M9.8 1.2l2.4 2-2.4 2',
  terminal: 'M3 4.5L6.2 8 3 11.5M8 11.5h5',
  user: 'M8 2.8a2.6 2.6 0 1 0 0 5.2 2.6 2.6 0 0 0 0-5.2zM3 13.4c.4-2.6 2.4-4 5-4s4.6 1.4 5 4',
} as const

export type IconName = keyof typeof paths

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  )
}

export const stateIcon: Record<State, IconName | 'spin'> = {
  RUNNING: 'spin', SUCCESS: 'check', ERROR: 'cross', PAUSED: 'pause', CANCELLED: 'slash', IDLE: 'dots', WAITING: 'dots', DELAYED: 'clock', SKIPPED: 'skip',
}

const stateWord: Record<State, string> = {
  RUNNING: 'Running', SUCCESS: 'Success', ERROR: 'Error', PAUSED: 'Paused', CANCELLED: 'Cancelled', IDLE: 'Idle', WAITING: 'Waiting', DELAYED: 'Delayed', SKIPPED: 'Skipped',
}

export function word(s: State | undefined): string {
  return s ? (stateWord[s] ?? s) : 'Not run'
}

/** A state by icon, word and colour. */
export function Badge({ state, quiet }: { state: State; quiet?: boolean }) {
  return (
    <span class={`badge s-${state} ${quiet ? 'quiet' : ''}`}>
      <StateGlyph state={state} />
      {word(state)}
    </span>
  )
}

export function StateGlyph({ state }: { state: State }) {
  const icon = stateIcon[state] ?? 'dots'
  return (
    <span class={`glyph s-${state}`} aria-hidden="true">
      {icon === 'spin' ? <span class="spinner" /> : <Icon name={icon} size={12} />}
    </span>
  )
}

export function Ago({ at }: { at: string | null | undefined }) {
  const ms = millis(at)
  if (Number.isNaN(ms)) return <span class="dim">–</span>
  return <time dateTime={new Date(ms).toISOString()} title={clock(ms)}>{ago(ms, now.value)}</time>
}

/** How long something takes or took. */
export function Took({ from, to }: { from: number; to: number }) {
  return <span class="num">{duration((Number.isNaN(to) ? now.value : to) - from)}</span>
}

/** How long an execution of a list takes or took: lists know whole seconds only. */
export function Lasted({ of }: { of: Pick<Execution, 'state' | 'created_at' | 'updated_at'> }) {
  const ms = (final(of.state) ? millis(of.updated_at ?? of.created_at) : now.value) - millis(of.created_at)
  return <span class="num">{ms < 1000 ? '< 1 s' : duration(Math.round(ms / 1000) * 1000)}</span>
}

/** An id of which the beginning is shown, and all of it copied. */
export function Id({ id }: { id: string }) {
  return <span class="mono" title={id}>{id.slice(0, 8)} <Button kind="ghost" small icon="copy" label={`Copy the id ${id}`} onClick={() => copy(id)} /></span>
}

export function Button(props: {
  children?: ComponentChildren
  icon?: IconName
  kind?: 'primary' | 'danger' | 'plain' | 'ghost'
  small?: boolean
  label?: string
  title?: string
  disabled?: boolean
  submit?: boolean
  onClick?: (e: MouseEvent) => unknown
  pressed?: boolean
  id?: string
}) {
  const [busy, setBusy] = useState(false)
  const alive = useRef(true)
  useEffect(() => () => void (alive.current = false), [])
  const click = async (e: MouseEvent) => {
    const result = props.onClick?.(e)
    if (!(result instanceof Promise)) return
    setBusy(true)
    try {
      await result
    } catch (err) {
      fail(err)
    } finally {
      if (alive.current) setBusy(false)
    }
  }
  return (
    <button
      id={props.id}
      type={props.submit ? 'submit' : 'button'}
      class={`btn ${props.kind ?? 'plain'} ${props.small ? 'small' : ''} ${props.children ? '' : 'only'}`}
      aria-label={props.label}
      title={props.title ?? props.label}
      aria-pressed={props.pressed}
      disabled={props.disabled || busy}
      onClick={click}
    >
      {busy ? <span class="spinner" /> : props.icon && <Icon name={props.icon} />}
      {props.children}
    </button>
  )
}

// Toasts: what has been done, or was refused.

interface Note {
  id: number
  kind: 'ok' | 'bad'
  text: string
  hint: string
}

const notes = signal<Note[]>([])
let noteID = 0

export function tell(text: string, kind: Note['kind'] = 'ok', hint = ''): void {
  const id = ++noteID
  notes.value = [...notes.value.slice(-3), { id, kind, text, hint }]
  setTimeout(() => (notes.value = notes.value.filter((n) => n.id !== id)), kind === 'ok' ? 4000 : 12_000)
}

export function fail(err: unknown): void {
  if (err instanceof DOMException && err.name === 'AbortError') return
  if (err instanceof ApiError) tell(err.message, 'bad', err.hint)
  else tell(err instanceof Error ? err.message : String(err), 'bad')
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {notes.value.map((n) => (
        <div key={n.id} class={`toast ${n.kind}`}>
          <Icon name={n.kind === 'ok' ? 'check' : 'warn'} />
          <div>
            <div class="break">{n.text}</div>
            {n.hint && <div class="dim">{n.hint}</div>}
          </div>
          <button class="btn ghost small only" aria-label="Dismiss" onClick={() => (notes.value = notes.value.filter((x) => x.id !== n.id))}>
            <Icon name="cross" size={12} />
          </button>
        </div>
      ))}
    </div>
  )
}

// Dialogs

export function Dialog(props: { title: string; wide?: boolean; onClose: () => void; children: ComponentChildren; foot?: ComponentChildren }) {
  const ref = useRef<HTMLDialogElement>(null)
  const id = useId()
  useLayoutEffect(() => {
    const d = ref.current!
    if (!d.open) d.showModal()
    // Who is asked for something types at once.
    d.querySelector<HTMLElement>('.body input:not([type=checkbox]), .body textarea')?.focus()
    return () => d.close()
  }, [])
  return (
    <dialog
      ref={ref}
      class={props.wide ? 'wide' : ''}
      aria-labelledby={id}
      onCancel={(e) => {
        e.preventDefault()
        props.onClose()
      }}
      onClick={(e) => e.target === ref.current && props.onClose()}
    >
      <div class="dialog">
        <header>
          <h2 id={id}>{props.title}</h2>
          <Button kind="ghost" icon="cross" label="Close" small onClick={props.onClose} />
        </header>
        <div class="body">{props.children}</div>
        {props.foot && <footer>{props.foot}</footer>}
      </div>
    </dialog>
  )
}

interface Question {
  title: string
  text: ComponentChildren
  verb: string
  danger?: boolean
  ask?: string // the label of a text that is asked for
  done: (answer: string | null) => void
}

const question = signal<Question | null>(null)

/** Asks before something is done; null: not. */
export function confirm(q: Omit<Question, 'done'>): Promise<string | null> {
  return new Promise((done) => (question.value = { ...q, done }))
}

export function Confirm() {
  const q = question.value
  const [text, setText] = useState('')
  if (!q) return null
  const close = (answer: string | null) => {
    question.value = null
    setText('')
    q.done(answer)
  }
  return (
    <Dialog
      title={q.title}
      onClose={() => close(null)}
      foot={
        <>
          <Button onClick={() => close(null)}>Keep as it is</Button>
          <Button kind={q.danger ? 'danger' : 'primary'} onClick={() => close(text)}>{q.verb}</Button>
        </>
      }
    >
      <p>{q.text}</p>
      {q.ask && <Field label={q.ask} value={text} onInput={setText} />}
    </Dialog>
  )
}

// Forms

export function Field(props: {
  label: string
  value: string
  onInput: (v: string) => void
  hint?: ComponentChildren
  error?: string
  area?: boolean
  rows?: number
  mono?: boolean
  type?: 'text' | 'password' | 'number'
  list?: string[]
  placeholder?: string
  required?: boolean
}) {
  const id = useId()
  const common = {
    id,
    value: props.value,
    placeholder: props.placeholder,
    required: props.required,
    class: props.mono ? 'mono' : '',
    'aria-invalid': props.error ? true : undefined,
    'aria-describedby': props.error || props.hint ? id + 'h' : undefined,
    onInput: (e: { currentTarget: { value: string } }) => props.onInput(e.currentTarget.value),
  }
  return (
    <div class="field">
      <label for={id}>
        {props.label}
        {props.required && <span class="req"> required</span>}
      </label>
      {props.area ? <textarea {...common} rows={props.rows ?? 5} spellcheck={false} /> : (
        <input {...common} {...({ type: props.type ?? 'text', ...(props.list ? { list: id + 'l' } : {}) } as object)} autocomplete="off" spellcheck={false} />
      )}
      {props.list && <datalist id={id + 'l'}>{props.list.map((o) => <option key={o} value={o} />)}</datalist>}
      {(props.error || props.hint) && <div id={id + 'h'} class={props.error ? 'error-text' : 'hint'}>{props.error || props.hint}</div>}
    </div>
  )
}

/** The field above a list that narrows it down; the key / leads to it. */
export function FindField({ label, value, onInput }: { label: string; value: string; onInput: (v: string) => void }) {
  const ref = useRef<HTMLInputElement>(null)
  useKey('/', (e) => {
    e.preventDefault()
    ref.current?.focus()
  }, [])
  return <input ref={ref} class="findfield" type="search" placeholder={label} aria-label={label} value={value} onInput={(e) => onInput(e.currentTarget.value)} />
}

export function Select(props: { label: string; value: string; options: [string, string][]; onChange: (v: string) => void; bare?: boolean }) {
  const id = useId()
  return (
    <div class={props.bare ? 'bare' : 'field'}>
      <label for={id} class={props.bare ? 'sr' : ''}>{props.label}</label>
      <select id={id} value={props.value} onChange={(e) => props.onChange(e.currentTarget.value)}>
        {props.options.map(([v, text]) => <option key={v} value={v}>{text}</option>)}
      </select>
    </div>
  )
}

interface MenuItem {
  text: string
  icon?: IconName
  danger?: boolean
  disabled?: boolean
  onClick: () => unknown
}

export function Menu({ label, icon, items, children, kind }: { label: string; icon?: IconName; items: (MenuItem | null)[]; children?: ComponentChildren; kind?: 'plain' | 'ghost' }) {
  const [open, setOpen] = useState(false)
  const root = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!open) return
    const first = root.current?.querySelector<HTMLElement>('[role=menuitem]')
    first?.focus()
    const away = (e: Event) => !root.current?.contains(e.target as Node) && setOpen(false)
    document.addEventListener('pointerdown', away)
    return () => document.removeEventListener('pointerdown', away)
  }, [open])
  const move = (e: KeyboardEvent) => {
    const list = [...(root.current?.querySelectorAll<HTMLElement>('[role=menuitem]:not(:disabled)') ?? [])]
    const at = list.indexOf(document.activeElement as HTMLElement)
    if (e.key === 'ArrowDown') list[(at + 1) % list.length]?.focus()
    else if (e.key === 'ArrowUp') list[(at - 1 + list.length) % list.length]?.focus()
    else if (e.key === 'Escape') {
      setOpen(false)
      root.current?.querySelector('button')?.focus()
    } else return
    e.preventDefault()
    e.stopPropagation()
  }
  return (
    <div class="menu" ref={root} onKeyDown={open ? move : undefined}>
      <button type="button" class={`btn ${kind ?? 'plain'} ${children ? '' : 'only'}`} aria-haspopup="menu" aria-expanded={open} aria-label={children ? undefined : label} title={label} onClick={() => setOpen(!open)}>
        {icon && <Icon name={icon} />}
        {children}
        {children && <Icon name="down" size={12} />}
      </button>
      {open && (
        <div class="items" role="menu" aria-label={label}>
          {items.map((i, n) =>
            i === null ? <hr key={n} /> : (
              <button
                key={n}
                role="menuitem"
                class={i.danger ? 'danger' : ''}
                disabled={i.disabled}
                onClick={() => {
                  setOpen(false)
                  const r = i.onClick()
                  if (r instanceof Promise) r.catch(fail)
                }}
              >
                {i.icon && <Icon name={i.icon} />}
                {i.text}
              </button>
            ),
          )}
        </div>
      )}
    </div>
  )
}

export function Tabs<T extends string>({ tabs, at, onSelect, label }: { tabs: [T, ComponentChildren][]; at: T; onSelect: (t: T) => void; label: string }) {
  const list = useRef<HTMLDivElement>(null)
  useEffect(() => list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' }), [at])
  return (
    <div
      ref={list}
      class="tabs"
      role="tablist"
      aria-label={label}
      onKeyDown={(e) => {
        const d = e.key === 'ArrowRight' ? 1 : e.key === 'ArrowLeft' ? -1 : 0
        if (!d) return
        const i = tabs.findIndex(([t]) => t === at)
        const next = tabs[(i + d + tabs.length) % tabs.length]!
        onSelect(next[0])
        e.currentTarget.querySelector<HTMLElement>(`[data-tab="${next[0]}"]`)?.focus()
      }}
    >
      {tabs.map(([t, text]) => (
        <button key={t} role="tab" data-tab={t} aria-selected={t === at} tabIndex={t === at ? 0 : -1} onClick={() => onSelect(t)}>{text}</button>
      ))}
    </div>
  )
}

// Data

export function copy(text: string, what = 'Copied'): void {
  navigator.clipboard?.writeText(text).then(() => tell(what), () => tell('The browser does not let this page copy.', 'bad')) ??
    tell('Copying needs https or localhost.', 'bad')
}

/** JSON as a tree whose large branches open on click; everything is shown as text. */
export function Json({ value, name, open = 2 }: { value: unknown; name?: string; open?: number }) {
  if (value === undefined) return <span class="dim">nothing</span>
  return (
    <div class="json" tabIndex={0} role="group" aria-label={name ?? 'JSON'}>
      <Button kind="ghost" small icon="copy" label="Copy as JSON" onClick={() => copy(JSON.stringify(value, null, 2))} />
      <JsonValue value={value} open={open} />
    </div>
  )
}

const branchMax = 200

function JsonValue({ value, name, open }: { value: unknown; name?: string | undefined; open: number }) {
  const key = name === undefined ? null : <><span class="j-key">{name}</span>: </>
  if (value === null || typeof value !== 'object') {
    const kind = value === null ? 'null' : typeof value
    const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
    return <div class="j-line">{key}<span class={'j-' + kind}>{text}</span></div>
  }
  return <JsonBranch value={value as Record<string, unknown>} name={name} open={open} />
}

function JsonBranch({ value, name, open }: { value: Record<string, unknown> | unknown[]; name?: string | undefined; open: number }) {
  const isArray = Array.isArray(value)
  const size = isArray ? value.length : Object.keys(value).length
  const [shown, setShown] = useState(open > 0 && size <= branchMax)
  const [max, setMax] = useState(branchMax)
  const key = name === undefined ? null : <><span class="j-key">{name}</span>: </>
  const [a, b] = isArray ? ['[', ']'] : ['{', '}']
  if (size === 0) return <div class="j-line">{key}{a}{b}</div>
  if (!shown) {
    return (
      <div class="j-line">
        <button class="j-fold" aria-expanded={false} onClick={() => setShown(true)}>{key}{a} <span class="dim">{size} {isArray ? 'items' : 'keys'}</span> {b}</button>
      </div>
    )
  }
  const entries: [string | undefined, unknown][] = isArray ? value.slice(0, max).map((v, i) => [String(i), v]) : Object.entries(value).slice(0, max)
  return (
    <div class="j-branch">
      <button class="j-fold" aria-expanded={true} onClick={() => setShown(false)}>{key}{a}</button>
      <div class="j-in">
        {entries.map(([k, v]) => <JsonValue key={k} value={v} name={k} open={open - 1} />)}
        {size > max && <button class="j-fold" onClick={() => setMax(max + 1000)}>{size - max} more…</button>}
      </div>
      {b}
    </div>
  )
}

export function Code({ text, label }: { text: string; label: string }) {
  return (
    <div class="code">
      <Button kind="ghost" small icon="copy" label={`Copy ${label}`} onClick={() => copy(text)} />
      <pre tabIndex={0} aria-label={label}>{text}</pre>
    </div>
  )
}

/** A text of `diff -u`, with colours. */
export function Diff({ text }: { text: string }) {
  if (!text.trim()) return <p class="dim pad">No difference.</p>
  return (
    <pre class="diff" tabIndex={0} aria-label="Differences">
      {text.split('\n').map((l, i) => (
        <div key={i} class={l.startsWith('@@') ? 'at' : l.startsWith('+') ? 'add' : l.startsWith('-') ? 'del' : ''}>{l || ' '}</div>
      ))}
    </pre>
  )
}

export function Empty({ icon, title, children, action }: { icon: IconName; title: string; children?: ComponentChildren; action?: ComponentChildren }) {
  return (
    <div class="empty">
      <span class="disc"><Icon name={icon} size={28} /></span>
      <h2>{title}</h2>
      <div class="text">{children}</div>
      {action}
    </div>
  )
}

export function ErrorBox({ error, retry }: { error: unknown; retry?: (() => void) | undefined }) {
  const e = error instanceof ApiError ? error : null
  return (
    <div class="errorbox" role="alert">
      <Icon name="warn" />
      <div>
        <strong class="break">{error instanceof Error ? error.message : String(error)}</strong>
        {e?.hint && <div>{e.hint}</div>}
      </div>
      {retry && <Button small icon="redo" onClick={retry}>Try again</Button>}
    </div>
  )
}

export function PageHead({ title, sub, children }: { title: ComponentChildren; sub?: ComponentChildren; children?: ComponentChildren }) {
  return (
    <header class="pagehead">
      <div>
        <h1>{title}</h1>
        {sub && <div class="sub">{sub}</div>}
      </div>
      <div class="actions">{children}</div>
    </header>
  )
}

export interface Loaded<T> {
  data: T | undefined
  error: unknown
  loading: boolean
  reload: () => void
}

/** Loads something when the page is shown, and again when deps change or every so many milliseconds. */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, deps: unknown[], every = 0): Loaded<T> {
  const [state, setState] = useState<{ data: T | undefined; error: unknown; loading: boolean }>({ data: undefined, error: undefined, loading: true })
  const [turn, setTurn] = useState(0)
  useEffect(() => {
    const stop = new AbortController()
    let timer = 0
    const once = () => {
      load(stop.signal).then(
        (data) => !stop.signal.aborted && setState({ data, error: undefined, loading: false }),
        (error: unknown) => !stop.signal.aborted && setState((s) => ({ data: s.data, error, loading: false })),
      ).finally(() => {
        if (every && !stop.signal.aborted) wait()
      })
    }
    const wait = () => {
      timer = window.setTimeout(() => (document.hidden ? wait() : once()), every)
    }
    setState((s) => ({ ...s, loading: true }))
    once()
    return () => {
      stop.abort()
      clearTimeout(timer)
    }
  }, [...deps, turn])
  const reload = useCallback(() => setTurn((n) => n + 1), [])
  return { ...state, reload }
}

/** What is shown of a load that has not given anything yet. */
export function Pending({ of }: { of: Loaded<unknown> }) {
  if (of.error) return <ErrorBox error={of.error} retry={of.reload} />
  return <Loading />
}

export function Loading() {
  return <div class="loading" role="status"><span class="spinner" /> Loading…</div>
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · cierzo` : 'cierzo'
  }, [title])
}

/** A key that works unless somebody types. */
export function useKey(key: string, f: (e: KeyboardEvent) => void, deps: unknown[]): void {
  useEffect(() => {
    const on = (e: KeyboardEvent) => {
      if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || typing(e.target) || document.querySelector('dialog[open]')) return
      if (e.key === key) f(e)
    }
    document.addEventListener('keydown', on)
    return () => document.removeEventListener('keydown', on)
  }, deps)
}

export function typing(t: EventTarget | null): boolean {
  const e = t as HTMLElement | null
  return !!e && (e.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(e.tagName) || !!e.shadowRoot)
}
