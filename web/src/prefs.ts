// What a person has chosen, kept in the browser.
import { effect, signal, type Signal } from '@preact/signals'

export function stored<T>(key: string, initial: T): Signal<T> {
  let value = initial
  try {
    const text = localStorage.getItem('cierzo.' + key)
    if (text) value = JSON.parse(text) as T
  } catch {
    // Nothing was chosen, or it can't be read any more.
  }
  const s = signal(value)
  effect(() => {
    const text = JSON.stringify(s.value)
    try {
      localStorage.setItem('cierzo.' + key, text)
    } catch {
      // The choice holds as long as the page.
    }
  })
  return s
}

export type Theme = 'system' | 'light' | 'dark'
export const theme = stored<Theme>('theme', 'system')

effect(() => {
  if (theme.value === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme.value
})

/** Ticks each second while the page is looked at; for ages and durations. */
export const now = signal(Date.now())
setInterval(() => {
  if (!document.hidden) now.value = Date.now()
}, 1000)
