// The REST API as this page uses it: types of its answers, requests with the token, errors that say what to do.
import { signal } from '@preact/signals'

export type State = 'RUNNING' | 'PAUSED' | 'SUCCESS' | 'ERROR' | 'CANCELLED' | 'IDLE' | 'WAITING' | 'DELAYED' | 'SKIPPED'

export interface Execution {
  id: string
  workflow_id: string
  workflow_name: string
  workflow_namespace: string
  description: string
  tags: string[]
  params: string
  task_execution_id: string | null
  root_execution_id: string | null
  source_execution_id: string | null
  state: State
  state_info: string | null
  input: string
  output?: string | null
  published_global?: string | null
  created_at: string
  updated_at: string | null
  project_id: string
}

export interface Task {
  id: string
  name: string
  type: string
  state: State
  state_info: string | null
  workflow_name: string
  workflow_execution_id: string
  runtime_context: string
  result?: string | null
  published: string | null
  published_global?: string | null
  processed: boolean
  created_at: string
  started_at: string | null
  finished_at: string | null
}

export interface ActionExecution {
  id: string
  name: string
  task_name: string | null
  task_execution_id: string | null
  state: State
  accepted: boolean
  input: string
  output?: string | null
  created_at: string
  updated_at: string | null
}

export interface Workflow {
  id: string
  name: string
  namespace: string
  input: string
  interface: string
  definition: string
  checksum: string | null
  tags: string[]
  scope: string
  project_id: string
  created_at: string
  updated_at?: string | null
}

export interface Action {
  id: string
  name: string
  namespace: string
  is_system: boolean
  input: string | null
  description: string | null
  tags: string[] | null
  definition: string | null
  scope: string | null
  created_at: string | null
  updated_at?: string | null
}

export interface Environment {
  id: string
  name: string
  description: string | null
  variables: string
  scope: string
  created_at: string
  updated_at?: string | null
}

export interface CronTrigger {
  id: string
  name: string
  workflow_name: string
  workflow_input: string
  workflow_params: string
  pattern: string | null
  remaining_executions: number | null
  first_execution_time: string | null
  next_execution_time: string | null
  created_at: string
}

export interface EventTrigger {
  id: string
  name: string
  workflow_id: string
  workflow_input: string
  workflow_params: string
  exchange: string
  topic: string
  event: string
  scope: string
  created_at: string
}

export interface Revision {
  id: string
  revision: number
  name: string
  hash: string
  scope: string
  tags: string[]
  created_at: string
  created_by: string | null
  definition?: string
}

export interface GraphNode {
  name: string
  kind: 'action' | 'workflow' | 'command'
  runs?: string
  join?: string
  items?: boolean
  state?: State
  task_ids: string[]
  children: string[]
  retries?: number
  item_count?: number
  line?: number
}

export interface GraphEdge {
  from: string
  to: string
  on: 'success' | 'error' | 'complete' | 'skip' | 'requires'
  conditional?: boolean
  taken: boolean
}

export interface Graph {
  id: string
  workflow: string
  state: State
  nodes: GraphNode[]
  edges: GraphEdge[]
}

export interface TaskReason {
  task_id: string
  task: string
  state: State
  waits_for: string
  text: string
  since: string | null
  until: string | null
  holder: string | null
}

export interface Explanation {
  id: string
  state: State
  summary: string
  tasks: TaskReason[]
}

export interface HistoryEvent {
  execution_id: string
  workflow_name?: string
  seq: number
  at: string
  kind: string
  task_id?: string
  task?: string
  action_id?: string
  state?: State
  info?: string
  detail?: unknown
}

export interface Finding {
  line: number
  column: number
  end_column?: number
  severity: 'error' | 'warning'
  code: string
  path?: string
  message: string
  hint?: string
}

export interface Lint {
  valid: boolean
  findings: Finding[]
  graphs: Graph[]
}

export interface BulkResult {
  action: string
  dry_run: boolean
  matched: number
  done: number
  ids: string[]
  failed: { id: string; error: string }[]
  marker?: string
}

export interface Counts {
  states: Record<string, number>
  total: number
  more?: boolean
}

export interface ClusterNode {
  id: string
  address: string
  roles: string[]
  state: string
  version: string
  started_at: string | null
}

export interface Runner {
  id: string
  address: string
  targets: string[] | null
  version: string
  slots: number
  used: number
  state: string
  heard_at: string | null
}

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

export async function call<T>(path: string, req: Request = {}): Promise<T> {
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
