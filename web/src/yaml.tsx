// A definition to be read: numbered lines, a little colour, one line perhaps marked.
import { useEffect, useRef } from 'preact/hooks'
import { Button, copy } from './ui'

export function Yaml({ text, line }: { text: string; line?: number }) {
  const marked = useRef<HTMLDivElement>(null)
  useEffect(() => marked.current?.scrollIntoView({ block: 'center' }), [line])
  return (
    <div class="code">
      <Button kind="ghost" small icon="copy" label="Copy the definition" onClick={() => copy(text)} />
      <div class="yaml" tabIndex={0} role="group" aria-label="Definition">
        {text.replace(/\n$/, '').split('\n').map((l, i) => (
          <div key={i} ref={i + 1 === line ? marked : null} class={`yl ${i + 1 === line ? 'marked' : ''}`}><span class="no" aria-hidden="true">{i + 1}</span><span class="tx">{paint(l)}</span></div>
        ))}
      </div>
    </div>
  )
}

function paint(l: string) {
  const comment = /^(\s*)(#.*)$/.exec(l)
  if (comment) return <>{comment[1]}<span class="y-c">{comment[2]}</span></>
  const key = /^(\s*(?:- )?)([\w.$-]+)(:)(\s.*|)$/.exec(l)
  if (key) return <>{key[1]}<span class="y-k">{key[2]}</span>{key[3]}{expressions(key[4] ?? '')}</>
  return expressions(l)
}

function expressions(t: string) {
  const parts = t.split(/(<%.*?%>|\{\{.*?\}\}|\{%.*?%\})/)
  return parts.map((p, i) => (i % 2 ? <span key={i} class="y-e">{p}</span> : p))
}
