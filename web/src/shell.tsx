// The frame around all pages: navigation, the palette of commands, help, sign-in.
import { signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { call, enc, query, signIn, signInNeeded, signOut, token, type Execution, type Workflow } from './api'
import { base, go, path } from './router'
import { theme, type Theme } from './prefs'
import { Button, Dialog, Field, Icon, Menu, StateGlyph, Toasts, Confirm, typing, useKey, type IconName } from './ui'

const pages: { path: string; text: string; icon: IconName; key: string; group: string }[] = [
  { path: '/executions', text: 'Executions', icon: 'runs', key: 'e', group: 'Run' },
  { path: '/workflows', text: 'Workflows', icon: 'flow', key: 'w', group: 'Define' },
  { path: '/workbooks', text: 'Workbooks', icon: 'book', key: 'b', group: 'Define' },
  { path: '/actions', text: 'Actions', icon: 'bolt', key: 'a', group: 'Define' },
  { path: '/environments', text: 'Environments', icon: 'box', key: 'v', group: 'Define' },
  { path: '/cron-triggers', text: 'Cron triggers', icon: 'time', key: 'c', group: 'Trigger' },
  { path: '/event-triggers', text: 'Event triggers', icon: 'bell', key: 't', group: 'Trigger' },
  { path: '/operations', text: 'Operations', icon: 'pulse', key: 'o', group: 'Operate' },
  { path: '/audit', text: 'Audit trail', icon: 'shield', key: 'l', group: 'Operate' },
]

const helpOpen = signal(false)
const paletteOpen = signal(false)
const navOpen = signal(false)

export function Shell({ children }: { children: ComponentChildren }) {
  useShortcuts()
  const at = '/' + (path.value.split('/')[1] ?? '')
  useEffect(() => void (navOpen.value = false), [path.value])
  const groups = [...new Set(pages.map((p) => p.group))]
  return (
    <div class={`shell ${navOpen.value ? 'nav-open' : ''}`}>
      <a class="skip" href="#main">To the content</a>
      <div class="topbar">
        <Button kind="ghost" icon="menu" label="Menu" onClick={() => (navOpen.value = !navOpen.value)} />
        <a class="brand" href={base + '/executions'}><Logo /> cierzo</a>
        <span class="grow" />
        <Button kind="ghost" icon="search" label="Search and commands" onClick={() => (paletteOpen.value = true)} />
      </div>
      <nav aria-label="Pages">
        <a class="brand" href={base + '/executions'}><Logo /> cierzo</a>
        <button class="find" onClick={() => (paletteOpen.value = true)}>
          <Icon name="search" /> Search… <kbd>Ctrl K</kbd>
        </button>
        {groups.map((g) => (
          <div key={g} role="group" aria-label={g}>
            <div class="group" aria-hidden="true">{g}</div>
            {pages.filter((p) => p.group === g).map((p) => (
              <a key={p.path} href={base + p.path} aria-current={at === p.path ? 'page' : undefined}><Icon name={p.icon} /> {p.text}</a>
            ))}
          </div>
        ))}
        <span class="grow" />
        <div class="foot">
          <Menu label="Look" icon="moon" kind="ghost" items={(['system', 'light', 'dark'] as Theme[]).map((t) => ({ text: (theme.value === t ? '✓ ' : '') + t[0]!.toUpperCase() + t.slice(1), onClick: () => (theme.value = t) }))} />
          <Button kind="ghost" icon="why" label="Keys and help" onClick={() => (helpOpen.value = true)} />
          {token.value ? <Button kind="ghost" icon="user" label="Sign out" onClick={signOut} /> : <Button kind="ghost" icon="user" label="Sign in" onClick={() => (signInNeeded.value = true)} />}
        </div>
      </nav>
      <div class="veil" onClick={() => (navOpen.value = false)} />
      <main id="main" tabIndex={-1}>{children}</main>
      {paletteOpen.value && <Palette />}
      {helpOpen.value && <Help />}
      {signInNeeded.value && <SignIn />}
      <Confirm />
      <Toasts />
    </div>
  )
}

function Logo() {
  return (
    <svg width="24" height="24" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" class="logo-bg" />
      <path class="logo-fg" d="M6 12h13a3.5 3.5 0 1 0-3.3-4.6M6 17h17.5M6 22h11a3.2 3.2 0 1 1-3 4.2" />
    </svg>
  )
}

function useShortcuts() {
  const g = useRef(0)
  useEffect(() => {
    const on = (e: KeyboardEvent) => {
      if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'k') {
        e.preventDefault()
        paletteOpen.value = !paletteOpen.value
        return
      }
      if (e.ctrlKey || e.metaKey || e.altKey || typing(e.target) || document.querySelector('dialog[open]')) return
      if (Date.now() - g.current < 1200) {
        const page = pages.find((p) => p.key === e.key)
        g.current = 0
        if (page) {
          e.preventDefault()
          go(page.path)
        }
        return
      }
      if (e.key === 'g') g.current = Date.now()
    }
    document.addEventListener('keydown', on)
    return () => document.removeEventListener('keydown', on)
  }, [])
  useKey('?', () => (helpOpen.value = true), [])
}

function Help() {
  const rows: [string, string][] = [
    ['Ctrl K', 'search and commands'], ['/', 'to the filter'], ['j  k', 'next and previous row or task'], ['Enter', 'open'], ['x', 'select the row'],
    ['r', 'rerun what has failed'], ['w', 'why? what it waits for'], ['Esc', 'close the drawer or dialog'], ['?', 'this page'],
    ...pages.map((p): [string, string] => [`g ${p.key}`, p.text]),
  ]
  return (
    <Dialog title="Keys" onClose={() => (helpOpen.value = false)}>
      <dl class="keys">{rows.map(([k, t]) => <div key={k}><dt>{k.split(/\s+/).map((x) => <kbd key={x}>{x}</kbd>)}</dt><dd>{t}</dd></div>)}</dl>
      <p class="dim">Everything that a page shows is in its address: copy it to show somebody the same.</p>
    </Dialog>
  )
}

function SignIn() {
  const [text, setText] = useState('')
  const [keep, setKeep] = useState(false)
  const [error, setError] = useState('')
  const enter = async (e: Event) => {
    e.preventDefault()
    setError('')
    const res = await fetch('/v2/executions?limit=1', { headers: { 'X-Auth-Token': text.trim() } }).catch(() => null)
    if (!res) setError('The server can not be reached.')
    else if (res.status === 401) setError('The server does not know this token. Look for typing mistakes, or ask for a new one.')
    else {
      signIn(text.trim(), keep)
      location.reload()
    }
  }
  return (
    <Dialog title="Sign in" onClose={() => (signInNeeded.value = false)}>
      <form onSubmit={enter}>
        <p>The token is what the command line takes as <code>OS_TOKEN</code>: one from the server's file of tokens, or from Keystone.</p>
        <Field label="Token" type="password" value={text} onInput={setText} error={error} required />
        <label class="check"><input type="checkbox" checked={keep} onChange={(e) => setKeep(e.currentTarget.checked)} /> Keep it in this browser</label>
        <Button kind="primary" submit>Sign in</Button>
      </form>
    </Dialog>
  )
}

interface Command {
  id: string
  text: string
  note: string
  icon: IconName | null
  state?: Execution['state']
  run: () => void
}

function Palette() {
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const [found, setFound] = useState<Command[]>([])
  const close = () => (paletteOpen.value = false)
  const fixed = useMemo<Command[]>(
    () => [
      ...pages.map((p) => ({ id: p.path, text: p.text, note: `g ${p.key}`, icon: p.icon, run: () => go(p.path) })),
      { id: 'failed', text: 'Executions that have failed', note: 'last 24 hours', icon: 'warn', run: () => go('/executions' + query({ q: 'state:ERROR since:24h' })) },
      { id: 'running', text: 'Executions that run or are paused', note: '', icon: 'play', run: () => go('/executions' + query({ q: 'state:RUNNING,PAUSED' })) },
      { id: 'new', text: 'Write a new workflow', note: '', icon: 'plus', run: () => go('/workflows?new=1') },
      { id: 'dark', text: 'Dark look', note: '', icon: 'moon', run: () => (theme.value = 'dark') },
      { id: 'light', text: 'Light look', note: '', icon: 'moon', run: () => (theme.value = 'light') },
      { id: 'help', text: 'Keys and help', note: '?', icon: 'why', run: () => (helpOpen.value = true) },
    ],
    [],
  )
  useEffect(() => {
    const stop = new AbortController()
    const timer = setTimeout(async () => {
      const want = text.trim()
      if (!want) return setFound([])
      const out: Command[] = []
      const ask = async (f: () => Promise<void>) => f().catch(() => undefined)
      await Promise.all([
        ask(async () => {
          const page = await call<{ workflows: Workflow[] }>('/v2/workflows' + query({ name: `has:${want}`, limit: 8, fields: 'id,name' }), { signal: stop.signal })
          for (const w of page.workflows) {
            out.push({ id: 'w' + w.id, text: w.name, note: 'workflow', icon: 'flow', run: () => go(`/workflows/${enc(w.name)}`) })
            out.push({ id: 's' + w.id, text: `Start ${w.name}`, note: '', icon: 'play', run: () => go(`/workflows/${enc(w.name)}?start=1`) })
          }
        }),
        ask(async () => {
          if (!/^[0-9a-f-]{6,}$/i.test(want)) return
          const e = await call<Execution>(`/v2/executions/${enc(want)}`, { signal: stop.signal })
          out.push({ id: e.id, text: e.workflow_name, note: e.id, icon: null, state: e.state, run: () => go(`/executions/${e.id}`) })
        }),
      ])
      if (!stop.signal.aborted) setFound(out)
    }, 120)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [text])
  const want = text.trim().toLowerCase()
  const list = [...found, ...fixed.filter((c) => c.text.toLowerCase().includes(want))].slice(0, 14)
  const run = (c: Command | undefined) => {
    if (!c) return
    close()
    c.run()
  }
  return (
    <Dialog title="Search and commands" onClose={close}>
      <div class="palette">
        <input
          aria-label="Name of a page, workflow or command, or the id of an execution" placeholder="A page, a workflow, the id of an execution…" value={text} autofocus
          role="combobox" aria-expanded={true} aria-controls="palette-list" aria-activedescendant={list[at] ? 'p-' + list[at].id : undefined}
          onInput={(e) => {
            setText(e.currentTarget.value)
            setAt(0)
          }}
          onKeyDown={(e) => {
            if (e.key === 'ArrowDown') setAt(Math.min(at + 1, list.length - 1))
            else if (e.key === 'ArrowUp') setAt(Math.max(at - 1, 0))
            else if (e.key === 'Enter') run(list[at])
            else return
            e.preventDefault()
          }}
        />
        <div id="palette-list" role="listbox" aria-label="Found">
          {list.map((c, i) => (
            <div key={c.id} id={'p-' + c.id} role="option" aria-selected={i === at} class="option" onMouseMove={() => setAt(i)} onClick={() => run(c)}>
              {c.state ? <StateGlyph state={c.state} /> : c.icon && <Icon name={c.icon} />}
              <span class="cut grow">{c.text}</span>
              <span class="dim cut">{c.note}</span>
            </div>
          ))}
          {list.length === 0 && <div class="dim pad">Nothing has this name. The whole id of an execution finds it.</div>}
        </div>
      </div>
    </Dialog>
  )
}
