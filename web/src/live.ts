// Server-sent events over fetch: EventSource can't send a token. A stream is resumed behind the last event that was seen.
import { headers, signInNeeded, type HistoryEvent } from './api'
import { signal } from '@preact/signals'

interface LiveHandlers {
  /** Events that came together. */
  events(list: HistoryEvent[]): void
  /** The stream has ended: the execution has. */
  end?(state: string): void
}

export type Connection = 'connecting' | 'live' | 'lost'

const pauseMin = 1000
const pauseMax = 15_000

/** Follows a stream until the given signal is aborted. */
export function follow(path: string, on: LiveHandlers, stop: AbortSignal, state = signal<Connection>('connecting')): void {
  void run(path, on, stop, state)
}

async function run(path: string, on: LiveHandlers, stop: AbortSignal, state: { value: Connection }): Promise<void> {
  let last = ''
  let pause = pauseMin
  while (!stop.aborted) {
    try {
      const res = await fetch(path, {
        headers: headers({ Accept: 'text/event-stream', ...(last ? { 'Last-Event-ID': last } : {}) }),
        signal: stop,
      })
      if (res.status === 401) signInNeeded.value = true
      if (res.status === 404) return
      if (!res.ok || !res.body) throw new Error(String(res.status))
      state.value = 'live'
      pause = pauseMin
      const ended = await read(res.body, on, (id) => (last = id))
      if (ended) return
    } catch {
      if (stop.aborted) return
    }
    state.value = 'lost'
    await new Promise((done) => setTimeout(done, pause))
    pause = Math.min(pause * 2, pauseMax)
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
