// The filter of executions: one text that is also the chips, the address and the API's parameters.
//
//   state:ERROR,PAUSED workflow:fleet.provision tag:nightly since:24h error:"timed out" -state:SUCCESS roots

export interface Term {
  key: Key
  not: boolean
  value: string
}

export const keys = {
  state: 'one or more states: ERROR,PAUSED',
  workflow: 'name of the workflow; * at the end for a part of one',
  tag: 'has the tag',
  since: 'created within (15m, 24h, 7d) or after a time',
  until: 'created before a time, or longer ago than 24h',
  error: 'its error has the text',
  description: 'its description has the text',
  id: 'of this id',
  root: 'belongs to the tree of this execution',
  is: 'is:root hides sub-workflows',
} as const

export type Key = keyof typeof keys

export const states = ['RUNNING', 'PAUSED', 'ERROR', 'SUCCESS', 'CANCELLED', 'IDLE'] as const

/** Reads a text; words without a key are names of workflows. What is no filter is named in problems. */
export function parseFilter(text: string): { terms: Term[]; problems: string[] } {
  const terms: Term[] = []
  const problems: string[] = []
  for (const m of text.matchAll(/(-?)(?:(\w+):)?(?:"((?:[^"\\]|\\.)*)"|(\S+))/g)) {
    const value = m[3] !== undefined ? m[3].replace(/\\(.)/g, '$1') : (m[4] ?? '')
    const key = (m[2] ?? 'workflow').toLowerCase()
    if (!(key in keys)) {
      problems.push(`"${key}:" is no filter; there are ${Object.keys(keys).join(', ')}`)
      continue
    }
    const t: Term = { key: key as Key, not: m[1] === '-', value }
    if (t.key === 'state') {
      t.value = value.toUpperCase()
      const wrong = t.value.split(',').filter((s) => !(states as readonly string[]).includes(s))
      if (wrong.length) {
        problems.push(`"${wrong.join(',')}" is no state; there are ${states.join(', ')}`)
        continue
      }
    }
    if ((t.key === 'since' || t.key === 'until') && Number.isNaN(moment(value))) {
      problems.push(`"${value}" is no time: write 15m, 24h, 7d or 2026-01-31`)
      continue
    }
    if (t.not && (['error', 'description', 'is'].includes(t.key) || (t.key === 'workflow' && value.endsWith('*')))) {
      problems.push(`"${termText(t)}": this one can't be turned round by a "-"`)
      continue
    }
    terms.push(t)
  }
  return { terms, problems }
}

export function filterText(terms: Term[]): string {
  return terms.map(termText).join(' ')
}

export function termText(t: Term): string {
  const v = /[\s"]/.test(t.value) || t.value === '' ? `"${t.value.replace(/["\\]/g, '\\$&')}"` : t.value
  return `${t.not ? '-' : ''}${t.key}:${v}`
}

/** A time, or how long ago, as milliseconds. */
export function moment(v: string): number {
  const m = /^(\d+)\s*(s|m|h|d|w)$/.exec(v)
  if (m) return Date.now() - Number(m[1]) * { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 }[m[2] as 's']
  return Date.parse(/\d{4}-\d\d-\d\d$/.test(v) ? v + 'T00:00:00Z' : v.replace(' ', 'T') + (/Z|[+-]\d\d:?\d\d$/.test(v) ? '' : 'Z'))
}

/** The parameters of the API's list: a column may have several conditions. */
export function parameters(terms: Term[]): [string, string][] {
  const out: [string, string][] = []
  for (const t of terms) {
    const v = t.value
    switch (t.key) {
      case 'state':
        out.push(['state', `${t.not ? 'nin' : 'in'}:${v}`])
        break
      case 'workflow':
        if (v.endsWith('*')) out.push(['workflow_name', `has:${v.replace(/\*+$/, '')}`])
        else out.push(['workflow_name', `${t.not ? 'neq' : 'eq'}:${v}`])
        break
      case 'tag':
        out.push(['tags', t.not ? `nin:${v}` : v])
        break
      case 'since':
      case 'until':
        out.push(['created_at', `${(t.key === 'since') !== t.not ? 'gte' : 'lt'}:${apiTime(moment(v))}`])
        break
      case 'error':
        out.push(['state_info', `has:${v}`])
        break
      case 'description':
        out.push(['description', `has:${v}`])
        break
      case 'id':
        out.push(['id', `${t.not ? 'neq' : 'eq'}:${v}`])
        break
      case 'root':
        out.push(['root_execution_id', `${t.not ? 'neq' : 'eq'}:${v}`])
        break
      case 'is':
        out.push(['nulls', 'task_execution_id'])
        break
    }
  }
  return out
}

function apiTime(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ')
}

export function queryString(pairs: [string, string][]): string {
  const q = new URLSearchParams()
  for (const [k, v] of pairs) q.append(k, v)
  return q.toString()
}

/** Sets, or with '' takes away, the terms of a key. */
export function withTerm(terms: Term[], key: Key, value: string, not = false): Term[] {
  const rest = terms.filter((t) => t.key !== key || t.not !== not)
  return value ? [...rest, { key, not, value }] : rest
}
