// Addresses: everything that a page shows can be said by its address, so that it can be sent to somebody else.
import { computed, signal } from '@preact/signals'

export const base = '/ui'

const here = signal(location.pathname + location.search)

export const path = computed(() => new URL(here.value, location.origin).pathname.slice(base.length) || '/')
export const search = computed(() => new URLSearchParams(new URL(here.value, location.origin).search))

/** The decoded parts of the path. */
export const parts = computed(() => path.value.split('/').filter(Boolean).map(decode))

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

export function go(to: string, replace = false): void {
  const url = base + to
  if (url === location.pathname + location.search) return
  history[replace ? 'replaceState' : 'pushState'](null, '', url)
  const samePage = new URL(url, location.origin).pathname === new URL(here.value, location.origin).pathname
  here.value = url
  if (!samePage) document.getElementById('main')?.scrollTo(0, 0)
}

/** Changes parameters of the present address; '' takes one away. */
export function setSearch(changes: Record<string, string>, replace = true): void {
  const q = new URLSearchParams(search.value)
  for (const [k, v] of Object.entries(changes)) {
    if (v) q.set(k, v)
    else q.delete(k)
  }
  const text = q.toString()
  go(path.value + (text ? '?' + text : ''), replace)
}

addEventListener('popstate', () => (here.value = location.pathname + location.search))

// Links within the pages don't load the page anew.
document.addEventListener('click', (e) => {
  if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return
  const a = (e.target as Element).closest?.('a')
  if (!a || a.target || a.hasAttribute('download') || a.origin !== location.origin || !a.pathname.startsWith(base + '/')) return
  e.preventDefault()
  go(a.pathname.slice(base.length) + a.search)
})
