// Times, durations, sizes and JSON as people read them.

/** A time of the API ("2006-01-02 15:04:05", UTC) or RFC 3339, in milliseconds; NaN for none. */
export function millis(t: string | null | undefined): number {
  if (!t) return NaN
  return Date.parse(t.includes('T') ? t : t.replace(' ', 'T') + 'Z')
}

export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return '–'
  if (ms < 0) ms = 0
  if (ms < 1000) return `${Math.round(ms)} ms`
  const s = ms / 1000
  if (s < 10) return `${s.toFixed(1)} s`
  if (s < 60) return `${Math.round(s)} s`
  const m = Math.floor(s / 60)
  if (m < 60) return `${m} min ${Math.round(s % 60)} s`
  const h = Math.floor(m / 60)
  if (h < 24) return `${h} h ${m % 60} min`
  return `${Math.floor(h / 24)} d ${h % 24} h`
}

export function ago(ms: number, now: number): string {
  if (!Number.isFinite(ms)) return '–'
  const d = now - ms
  const text = (n: number, unit: string) => (d >= 0 ? `${n} ${unit} ago` : `in ${n} ${unit}`)
  const s = Math.abs(d) / 1000
  if (s < 5) return d >= 0 ? 'just now' : 'now'
  if (s < 60) return text(Math.floor(s), 's')
  if (s < 3600) return text(Math.floor(s / 60), 'min')
  if (s < 86_400) return text(Math.floor(s / 3600), 'h')
  return text(Math.floor(s / 86_400), 'd')
}

export function clock(ms: number): string {
  if (!Number.isFinite(ms)) return '–'
  return new Date(ms).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
}

export function timeOfDay(ms: number): string {
  return new Date(ms).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 })
}

export function count(n: number, what: string): string {
  return `${n.toLocaleString()} ${what}${n === 1 ? '' : 's'}`
}

export function parse(text: string | null | undefined): unknown {
  if (text === null || text === undefined || text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

export function pretty(v: unknown): string {
  return typeof v === 'string' ? v : (JSON.stringify(v, null, 2) ?? '')
}

/** The text in single quotes for a shell. */
export function shell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/** What went wrong in plain words, without the engine's frame around it: the task that has failed, and what its action has said. */
export function plainError(info: string | null | undefined): string {
  if (!info) return ''
  const frame = /^Failure caused by error in tasks: [^\n]*\n/.test(info)
  const line = frame ? (/^\s*(.+?) \[task_ex_id=[^\]]*\] -> ([^\n]*)/m.exec(info) ?? undefined) : undefined
  const task = line?.[1]
  let text = line?.[2] ?? info
  const said = /msg='([\s\S]*?)'\](?:\n|$)/.exec(text + '\n') ?? /msg="([\s\S]*?)"\](?:\n|$)/.exec(text + '\n')
  if (said) text = said[1]!
  else text = text.split('\n').map((l) => l.trim()).find(Boolean) ?? ''
  text = text.replace(/^\w+Action failed: /, '')
  const out = task ? `${task}: ${text}` : text
  return out.length > 300 ? out.slice(0, 300) + '…' : out
}

/** What somebody has written about an execution; of one that a trigger has started the trigger's kind, too. */
export function described(description: string): { text: string; trigger: string } {
  const d = parse(description) as { description?: string; triggered_by?: { type?: string } } | string | null | undefined
  const by = typeof d === 'object' ? d?.triggered_by?.type : undefined
  return by ? { text: (d as { description?: string }).description ?? '', trigger: by.replaceAll('_', ' ') } : { text: description, trigger: '' }
}

/** Who has asked for something; '' for nobody known. */
export function requester(by: { user?: string; name?: string; project?: string } | undefined): string {
  if (!by) return ''
  const who = by.name || by.user || ''
  // Without sign-in everybody is in one project.
  return by.project && by.project !== '<default-project>' ? `${who} of ${by.project}` : who
}

/** Who or what has started an execution, in words. */
export function startedBy(e: { task_execution_id?: string | null; started_by?: Parameters<typeof requester>[0]; description?: string }): string {
  if (e.task_execution_id) return 'a task of another workflow'
  if (e.started_by) return requester(e.started_by)
  const { trigger } = described(e.description ?? '')
  return trigger ? `${/^[aeiou]/.test(trigger) ? 'an' : 'a'} ${trigger}` : 'a request'
}

/** An object that somebody types as JSON, or what is wrong with the text. */
export function typedObject(text: string): { value: Record<string, unknown>; problem: string } {
  try {
    const value = JSON.parse(text) as unknown
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { value: value as Record<string, unknown>, problem: '' }
    return { value: {}, problem: 'A JSON object is meant: {"key": "value"}' }
  } catch (e) {
    return { value: {}, problem: e instanceof Error ? e.message : 'This is no JSON.' }
  }
}

/** What errors have in common when their ids and numbers are taken away. */
export function fingerprint(info: string | null | undefined): string {
  return plainError(info)
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22,}/gi, '…')
    .replace(/0x[0-9a-f]+/gi, '…')
    .replace(/\d+(\.\d+)*/g, '#')
    .slice(0, 160)
}
