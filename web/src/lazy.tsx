// Pages are loaded when they are first shown.
import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { ErrorBox, Loading } from './ui'

export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let ready: ComponentType<P> | undefined
  return function Lazy(props: P) {
    const [, turn] = useState(0)
    const [error, setError] = useState<unknown>()
    useEffect(() => {
      if (!ready)
        load().then(
          (c) => {
            ready = c
            turn((n) => n + 1)
          },
          () => setError(new Error('A part of this page could not be loaded: the server can not be reached, or has a new version. Load the page again.')),
        )
    }, [])
    if (error) return <div class="page"><ErrorBox error={error} retry={() => location.reload()} /></div>
    const Ready = ready
    return Ready ? <Ready {...props} /> : <Loading />
  }
}
