// The context: what expressions see, at any moment, and what has changed between two of them.
import { useMemo, useState } from 'preact/hooks'
import { all, call, type Execution, type Task } from '../../api'
import { millis, parse } from '../../format'
import { Button, Code, Diff, ErrorBox, Field, Json, Pending, Select, useLoad } from '../../ui'
import { lineDiff } from '../../linediff'

export function Context({ execution, version }: { execution: Execution; version: number }) {
  const tasks = useLoad((s) => all<Task>(`/v2/executions/${execution.id}/tasks`, 'tasks', 2000, s), [execution.id, version])
  const [from, setFrom] = useState('start')
  const [to, setTo] = useState('end')
  const moments = useMemo(() => {
    const ended = (tasks.data ?? []).filter((t) => t.finished_at && t.published && t.published !== '{}').sort((a, b) => millis(a.finished_at) - millis(b.finished_at))
    const out: { id: string; text: string; context: Record<string, unknown> }[] = [{ id: 'start', text: 'At the start', context: { ...(parse(execution.input) as object | undefined) } }]
    for (const t of ended) out.push({ id: t.id, text: `After ${t.name}`, context: { ...out[out.length - 1]!.context, ...(parse(t.published) as object) } })
    return out
  }, [tasks.data, execution.input])
  if (!tasks.data) return <Pending of={tasks} />
  const find = (id: string) => moments.find((m) => m.id === id) ?? moments[moments.length - 1]!
  const options: [string, string][] = [...moments.map((m): [string, string] => [m.id, m.text])]
  const a = find(from)
  const b = to === 'end' ? moments[moments.length - 1]! : find(to)
  return (
    <div class="context">
      <div class="tools">
        <Select label="From" value={from} options={options} onChange={setFrom} />
        <Select label="To" value={to} options={[...options, ['end', 'Now, or the end']]} onChange={setTo} />
      </div>
      <div class="cols">
        <section>
          <h3>What changed</h3>
          <Diff text={lineDiff(lines(a.context), lines(b.context))} />
        </section>
        <section>
          <h3>{to === 'end' ? 'Now, or at the end' : b.text}</h3>
          <Json value={b.context} name="Context" />
          <p class="hint">What tasks have published, in the order of their ends. Branches that run side by side see only what lies behind them.</p>
        </section>
      </div>
      <Playground execution={execution.id} task={to === 'end' ? '' : b.id === 'start' ? '' : b.id} />
    </div>
  )
}

/** JSON whose lines don't change when others follow: without the commas. */
function lines(v: unknown): string {
  return JSON.stringify(v, null, 2).replace(/,$/gm, '')
}

/** Tries an expression on what an execution knows. */
export function Playground({ execution, task, data }: { execution?: string; task?: string; data?: string }) {
  const [text, setText] = useState('<% $ %>')
  const [result, setResult] = useState<{ value?: unknown; error?: unknown }>({})
  const run = async () => {
    try {
      const body = execution ? { expression: text, execution_id: execution, task_id: task || undefined } : { expression: text, data: JSON.parse(data || '{}') as unknown }
      const r = await call<{ result: unknown }>('/v2/expressions/evaluate', { method: 'POST', body })
      setResult({ value: r.result })
    } catch (error) {
      setResult({ error })
    }
  }
  return (
    <section class="playground" aria-label="Try an expression">
      <h3>Try an expression</h3>
      <form onSubmit={(e) => {
        e.preventDefault()
        void run()
      }}>
        <Field label="YAQL between <% %>, or Jinja between {{ }}" mono value={text} onInput={setText} />
        <Button kind="primary" submit icon="play">Evaluate</Button>
      </form>
      <div aria-live="polite">
        {result.error ? <ErrorBox error={result.error} /> : 'value' in result ? (typeof result.value === 'string' ? <Code label="Result" text={result.value} /> : <Json value={result.value} name="Result" />) : null}
      </div>
    </section>
  )
}

