// The REST API as this page uses it: the types of its answers (from the OpenAPI document, see schema.ts), requests with the token, errors that say what to do.
import { signal } from '@preact/signals'
import type { components } from './schema'

type Schemas = components['schemas']

export type State = Schemas['Task']['state']

const finals: ReadonlySet<State> = new Set(['SUCCESS', 'ERROR', 'CANCELLED', 'SKIPPED'])
/** Whether nothing follows on a state by itself. */
export const final = (s: State | undefined): boolean => !!s && finals.has(s)

/** A type in which state is one of the states: of some types the document knows only that it is a text. */
type Stated<T> = Omit<T, 'state'> & { state: State }

export type Execution = Stated<Schemas['Execution']>
export type Task = Schemas['Task']
export type ActionExecution = Schemas['ActionExecution']
/** Lists and GET have the interface as JSON in a string. */
export type Workflow = Omit<Schemas['Workflow'], 'interface'> & { interface: string }
export type Workbook = Schemas['Workbook']
export type Action = Schemas['Action']
/** Whether an action is one that runners offer, rather than a definition: it has its name for an id. */
export function builtIn(a: { id: string; name: string; is_system?: boolean }): boolean {
  return !!a.is_system || a.id === a.name
}
export type Environment = Schemas['Environment']
export type CronTrigger = Schemas['CronTrigger']
export type EventTrigger = Schemas['EventTrigger']
export type Revision = Schemas['Revision']
export type ExpressionFunction = Schemas['ExpressionFunction']
export type Requester = Schemas['Requester']
export type Queue = Schemas['Queue']
export type GraphNode = Omit<Schemas['GraphNode'], 'state'> & { state?: State }
export type GraphEdge = Schemas['GraphEdge']
export type Graph = Omit<Stated<Schemas['Graph']>, 'nodes'> & { nodes: GraphNode[] }
export type TaskReason = Stated<Schemas['TaskReason']>
export type Explanation = Omit<Stated<Schemas['Explanation']>, 'tasks'> & { tasks: TaskReason[] }
export type HistoryEvent = Omit<Schemas['Event'], 'state'> & { state?: State }
export type Finding = Omit<Schemas['Finding'], 'severity'> & { severity: 'error' | 'warning' }
export type Lint = Omit<Schemas['Lint'], 'findings' | 'graphs'> & { findings: Finding[]; graphs: Graph[] }
export type BulkResult = Schemas['BulkResult']
export type Counts = Schemas['Counts']
export type PastEvents = Omit<Schemas['PastEvents'], 'events'> & { events: HistoryEvent[] }
export type ClusterNode = Schemas['Node']
export type Runner = Schemas['Runner']

/** What the server has refused, or that it can't be reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly hint: string,
  ) {
    super(message)
  }
}

const tokenKey = 'cierzo.token'

export const token = signal(readStored(tokenKey))
/** Set when the server wants to know who asks. */
export const signInNeeded = signal(false)

function readStored(key: string): string {
  try {
    return sessionStorage.getItem(key) ?? localStorage.getItem(key) ?? ''
  } catch {
    return ''
  }
}

export function signIn(text: string, remember: boolean): void {
  token.value = text
  try {
    sessionStorage.setItem(tokenKey, text)
    if (remember) localStorage.setItem(tokenKey, text)
  } catch {
    // Without storage the token lives as long as the page.
  }
  signInNeeded.value = false
}

export function signOut(): void {
  token.value = ''
  try {
    sessionStorage.removeItem(tokenKey)
    localStorage.removeItem(tokenKey)
  } catch {
    // Nothing was stored.
  }
  signInNeeded.value = true
}

export function headers(more?: Record<string, string>): Record<string, string> {
  return token.value ? { 'X-Auth-Token': token.value, ...more } : { ...more }
}

const hints: Record<number, string> = {
  0: 'Is the server running? This page tries again by itself.',
  403: 'Your roles do not allow it: ask who keeps the policy.',
  404: 'It may have been deleted meanwhile.',
  409: 'Somebody else was faster, or it is still in use.',
  423: 'The service is in maintenance: wait until it goes on.',
  503: 'The engine did not answer in time: try again, it is safe.',
}

async function refusal(res: Response): Promise<ApiError> {
  const text = await res.text().catch(() => '')
  let message = text
  try {
    const body = JSON.parse(text) as { faultstring?: string; error?: string | { message?: string } }
    const error = typeof body.error === 'object' ? body.error.message : body.error
    message = body.faultstring ?? error ?? text
  } catch {
    // Plain text.
  }
  return new ApiError(res.status, message || `${res.status} ${res.statusText}`, hints[res.status] ?? '')
}

export interface Request {
  method?: string
  /** A JSON body. */
  body?: unknown
  /** A body that is a text. */
  text?: string
  signal?: AbortSignal
  accept?: string
}

/** Answers that were asked for before the part of the page had come that wants them. */
const ahead = new Map<string, Promise<unknown>>()

/** Asks for something that the page is about to want. */
export function askAhead(path: string): void {
  const answer = call(path)
  answer.catch(() => undefined) // who wants it hears of it
  ahead.set(path, answer)
}

export async function call<T>(path: string, req: Request = {}): Promise<T> {
  const asked = ahead.get(path)
  if (asked && !req.method) {
    ahead.delete(path)
    return asked as Promise<T>
  }
  const head: Record<string, string> = { Accept: req.accept ?? 'application/json' }
  if (req.body !== undefined) head['Content-Type'] = 'application/json'
  if (req.text !== undefined) head['Content-Type'] = 'text/plain; charset=utf-8'
  const init: RequestInit = { method: req.method ?? 'GET', headers: headers(head) }
  const body = req.text ?? (req.body === undefined ? undefined : JSON.stringify(req.body))
  if (body !== undefined) init.body = body
  if (req.signal) init.signal = req.signal
  let res: Response
  try {
    res = await fetch(path, init)
  } catch (e) {
    if (e instanceof DOMException && e.name === 'AbortError') throw e
    throw new ApiError(0, 'The server can not be reached.', hints[0]!)
  }
  if (res.status === 401) {
    signInNeeded.value = true
    throw new ApiError(401, 'Sign in first.', 'Your token is missing, wrong or has expired.')
  }
  if (!res.ok) throw await refusal(res)
  if (res.status === 204) return undefined as T
  return (await res.json()) as T
}

/** A query string; what is undefined or empty is left out. */
export function query(params: Record<string, string | number | boolean | undefined | null>): string {
  const q = new URLSearchParams()
  for (const [k, v] of Object.entries(params)) if (v !== undefined && v !== null && v !== '') q.append(k, String(v))
  const text = q.toString()
  return text ? '?' + text : ''
}

export const enc = encodeURIComponent

/** The newest executions that fit the parameters. */
export async function newest(params: Parameters<typeof query>[0], signal: AbortSignal): Promise<Execution[]> {
  return (await call<{ executions: Execution[] }>('/v2/executions' + query({ ...params, sort_keys: 'created_at', sort_dirs: 'desc' }), { signal })).executions
}

/** All items of a list, page by page, at most max. */
export async function all<T>(path: string, key: string, max = 5000, signal?: AbortSignal): Promise<T[]> {
  const out: T[] = []
  let marker = ''
  while (out.length < max) {
    const sep = path.includes('?') ? '&' : '?'
    const opts: Request = signal ? { signal } : {}
    const page = await call<Record<string, unknown>>(`${path}${sep}limit=1000${marker ? '&marker=' + enc(marker) : ''}`, opts)
    const items = page[key] as T[]
    out.push(...items)
    if (!page['next'] || items.length === 0) break
    marker = (items[items.length - 1] as { id: string }).id
  }
  return out
}
