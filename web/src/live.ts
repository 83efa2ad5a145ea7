// Server-sent events over fetch: EventSource can't send a token. A stream is resumed behind the last event that was seen.
import { headers, signInNeeded, type HistoryEvent } from './api'
import { signal } from '@preact/signals'

interface LiveHandlers {
  /** Events that came together. */
  events(list: HistoryEvent[]): void
  /** The stream has been interrupted and goes on: what wasn't behind an event may have been missed. */
  again?(): void
  /** The stream has ended: the execution has. */
  end?(state: string): void
}

export type Connection = 'connecting' | 'live' | 'lost'

/** A tab that nobody looks at gives its stream back after this time: browsers allow few connections to one server. */
const hiddenMax = 60_000

const pauseMin = 1000
const pauseMax = 15_000

/** Follows a stream until the given signal is aborted. */
export function follow(path: string, on: LiveHandlers, stop: AbortSignal, state = signal<Connection>('connecting')): void {
  void run(path, on, stop, state)
}

async function run(path: string, on: LiveHandlers, stop: AbortSignal, state: { value: Connection }): Promise<void> {
  let last = ''
  let pause = pauseMin
  let times = 0
  while (!stop.aborted) {
    await lookedAt(stop)
    const watched = whileLookedAt(stop)
    try {
      const res = await fetch(path, {
        headers: headers({ Accept: 'text/event-stream', ...(last ? { 'Last-Event-ID': last } : {}) }),
        signal: watched.signal,
      })
      if (res.status === 401) signInNeeded.value = true
      if (res.status === 404) return
      if (!res.ok || !res.body) throw new Error(String(res.status))
      state.value = 'live'
      pause = pauseMin
      if (times++ > 0) on.again?.()
      const ended = await read(res.body, on, (id) => (last = id))
      if (ended) return
    } catch {
      if (stop.aborted) return
      if (watched.signal.aborted) continue // it goes on behind the last event when somebody looks again
    } finally {
      watched.end()
    }
    state.value = 'lost'
    await new Promise((done) => setTimeout(done, pause))
    pause = Math.min(pause * 2, pauseMax)
  }
}

/** Waits until somebody looks at the page. */
function lookedAt(stop: AbortSignal): Promise<void> {
  if (!document.hidden || stop.aborted) return Promise.resolve()
  return new Promise((done) => {
    const end = () => {
      if (document.hidden && !stop.aborted) return
      document.removeEventListener('visibilitychange', end)
      stop.removeEventListener('abort', end)
      done()
    }
    document.addEventListener('visibilitychange', end)
    stop.addEventListener('abort', end)
  })
}

/** A signal that is aborted with the given one, and when nobody has looked at the page for hiddenMax. */
function whileLookedAt(stop: AbortSignal): { signal: AbortSignal; end: () => void } {
  const own = new AbortController()
  let timer = 0
  const abort = () => own.abort()
  const change = () => {
    clearTimeout(timer)
    if (document.hidden) timer = window.setTimeout(abort, hiddenMax)
  }
  document.addEventListener('visibilitychange', change)
  stop.addEventListener('abort', abort)
  return {
    signal: own.signal,
    end() {
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', change)
      stop.removeEventListener('abort', abort)
    },
  }
}

async function read(body: ReadableStream<Uint8Array>, on: LiveHandlers, seen: (id: string) => void): Promise<boolean> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let buffer = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return false
    buffer += decoder.decode(value, { stream: true })
    const cut = buffer.lastIndexOf('\n\n')
    if (cut < 0) continue
    const blocks = buffer.slice(0, cut).split('\n\n')
    buffer = buffer.slice(cut + 2)
    const list: HistoryEvent[] = []
    let end: string | undefined
    for (const block of blocks) {
      let id = ''
      let name = ''
      let data = ''
      for (const line of block.split('\n')) {
        if (line.startsWith('id: ')) id = line.slice(4)
        else if (line.startsWith('event: ')) name = line.slice(7)
        else if (line.startsWith('data: ')) data += line.slice(6)
      }
      if (!data) continue
      if (name === 'end') {
        end = (JSON.parse(data) as { state: string }).state
        continue
      }
      list.push(JSON.parse(data) as HistoryEvent)
      if (id) seen(id)
    }
    if (list.length) on.events(list)
    if (end !== undefined) {
      on.end?.(end)
      return true
    }
  }
}
