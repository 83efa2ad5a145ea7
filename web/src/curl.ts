// Requests as commands of curl.
import { shell } from './format'

export function curl(r: { method: string; path: string; body?: unknown }): string {
  const parts = ['curl']
  if (r.method !== 'GET') parts.push('-X', r.method)
  parts.push(shell(location.origin + r.path), '-H', '"X-Auth-Token: $OS_TOKEN"')
  if (r.body !== undefined) parts.push('-H', "'Content-Type: application/json'", '-d', shell(JSON.stringify(r.body)))
  return parts.join(' ')
}
