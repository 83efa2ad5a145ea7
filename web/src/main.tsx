import { render } from 'preact'
import { lazy } from './lazy'
import './styles/base.css'
import { askAhead, enc } from './api'
import { go, parts } from './router'
import { Shell } from './shell'
import { Empty } from './ui'
import { Executions } from './pages/executions'

const loadExecution = () => import('./pages/execution').then((m) => m.ExecutionPage)
const ExecutionPage = lazy(loadExecution)
const Workflows = lazy(() => import('./pages/workflows').then((m) => m.Workflows))
const WorkflowPage = lazy(() => import('./pages/workflow').then((m) => m.DefinitionPage))
const Actions = lazy(() => import('./pages/actions').then((m) => m.Actions))
const Environments = lazy(() => import('./pages/environments').then((m) => m.Environments))
const CronTriggers = lazy(() => import('./pages/triggers').then((m) => m.CronTriggers))
const EventTriggers = lazy(() => import('./pages/triggers').then((m) => m.EventTriggers))
const Operations = lazy(() => import('./pages/operations').then((m) => m.Operations))
const Audit = lazy(() => import('./pages/operations').then((m) => m.Audit))

function Page() {
  const [page, id] = parts.value
  switch (page) {
    case undefined:
      queueMicrotask(() => go('/executions', true))
      return null
    case 'executions':
      return id ? <ExecutionPage key={id} id={id} /> : <Executions />
    case 'workflows':
      return id ? <WorkflowPage key={'w' + id} kind="workflows" name={id} /> : <Workflows key="w" kind="workflows" />
    case 'workbooks':
      return id ? <WorkflowPage key={'b' + id} kind="workbooks" name={id} /> : <Workflows key="b" kind="workbooks" />
    case 'actions':
      return id ? <WorkflowPage key={'a' + id} kind="actions" name={id} /> : <Actions />
    case 'environments':
      return <Environments name={id} />
    case 'cron-triggers':
      return <CronTriggers />
    case 'event-triggers':
      return <EventTriggers />
    case 'operations':
      return <Operations />
    case 'audit':
      return <Audit />
  }
  return <Empty icon="search" title="There is no such page">The address may be of a newer version, or mistyped.</Empty>
}

function App() {
  return (
    <Shell>
      <Page />
    </Shell>
  )
}

// The page that people are sent to: what it needs is asked for while its script is on the way.
const [first, id] = parts.value
if (first === 'executions' && id) {
  void loadExecution().catch(() => undefined)
  for (const part of ['', '/graph', '/definition']) askAhead(`/v2/executions/${enc(id)}${part}`)
}

render(<App />, document.getElementById('app')!)
