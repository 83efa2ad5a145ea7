// Environments: named sets of variables that executions take.
import { useState } from 'preact/hooks'
import { all, call, enc, type Environment } from '../api'
import { parse, pretty, typedObject } from '../format'
import { base, go } from '../router'
import { Ago, Button, Dialog, Empty, ErrorBox, Field, Json, Menu, PageHead, Pending, Tabs, confirm, tell, useLoad, useTitle } from '../ui'
import { Revisions } from './workflow'

export function Environments({ name }: { name: string | undefined }) {
  useTitle(name ?? 'Environments')
  const list = useLoad((s) => all<Environment>('/v2/environments', 'environments', 5000, s), [])
  const [edit, setEdit] = useState<Environment | 'new' | null>(null)
  const [tab, setTab] = useState<'variables' | 'revisions'>('variables')
  const one = list.data?.find((e) => e.name === name)
  const remove = async (e: Environment) => {
    if ((await confirm({ title: `Delete ${e.name}`, text: 'Executions that run keep what they have taken from it.', verb: 'Delete', danger: true })) === null) return
    await call(`/v2/environments/${enc(e.name)}`, { method: 'DELETE' })
    tell(`${e.name} is deleted`)
    go('/environments')
    list.reload()
  }
  return (
    <div class="page">
      <PageHead title={one ? one.name : 'Environments'} sub={one ? (one.description ?? ' ') : list.data ? `${list.data.length} named ${list.data.length === 1 ? 'set' : 'sets'} of variables` : ' '}>
        {one ? (
          <>
            <Button icon="left" onClick={() => go('/environments')}>All</Button>
            <Button kind="primary" icon="edit" onClick={() => setEdit(one)}>Edit</Button>
            <Menu label="More" icon="more" items={[{ text: 'Delete…', icon: 'trash', danger: true, onClick: () => remove(one) }]} />
          </>
        ) : <Button kind="primary" icon="plus" onClick={() => setEdit('new')}>New environment</Button>}
      </PageHead>
      {!list.data ? <Pending of={list} /> : one ? (
        <>
          <Tabs label="Views of the environment" at={tab} onSelect={setTab} tabs={[['variables', 'Variables'], ['revisions', 'Revisions']]} />
          {tab === 'variables' ? <div class="pad"><Json value={parse(one.variables)} name="Variables" /></div> : <Revisions kind="environments" name={one.name} onRestored={list.reload} />}
        </>
      ) : name ? <Empty icon="box" title="There is no such environment" action={<Button onClick={() => go('/environments')}>All environments</Button>} /> : list.data.length === 0 ? (
        <Empty icon="box" title="No environment yet" action={<Button kind="primary" icon="plus" onClick={() => setEdit('new')}>Make the first one</Button>}>
          What differs between places (addresses, sizes, names) is kept here, so that one workflow serves all of them: <code>{'<% env().region %>'}</code>
        </Empty>
      ) : (
        <div class="tablewrap"><table class="plain hover stacked">
          <thead><tr><th>Name</th><th>Description</th><th>Variables</th><th>Scope</th><th>Changed</th></tr></thead>
          <tbody>
            {list.data.map((e) => (
              <tr key={e.id}>
                <td><a class="strong" href={`${base}/environments/${enc(e.name)}`}>{e.name}</a></td>
                <td class="dim break">{e.description}</td>
                <td class="dim cut inputs">{Object.keys((parse(e.variables) ?? {}) as object).join(', ')}</td>
                <td class="dim">{e.scope}</td>
                <td class="dim"><Ago at={e.updated_at || e.created_at} /></td>
              </tr>
            ))}
          </tbody>
        </table></div>
      )}
      {edit && <EditEnvironment of={edit === 'new' ? null : edit} onClose={(saved) => {
        setEdit(null)
        if (saved) {
          list.reload()
          go(`/environments/${enc(saved)}`)
        }
      }} />}
    </div>
  )
}

function EditEnvironment({ of, onClose }: { of: Environment | null; onClose: (saved: string) => void }) {
  const [name, setName] = useState(of?.name ?? '')
  const [description, setDescription] = useState(of?.description ?? '')
  const [text, setText] = useState(of ? pretty(parse(of.variables)) : '{\n  "region": "north"\n}')
  const [error, setError] = useState<unknown>()
  const { value: variables, problem } = typedObject(text)
  const save = async () => {
    try {
      await call('/v2/environments', { method: of ? 'PUT' : 'POST', body: { name, description: description || undefined, variables } })
      tell(of ? 'Saved as a new revision' : `${name} is made`)
      onClose(name)
    } catch (e) {
      setError(e)
    }
  }
  return (
    <Dialog title={of ? `Edit ${of.name}` : 'New environment'} wide onClose={() => onClose('')} foot={<><Button onClick={() => onClose('')}>Back</Button><Button kind="primary" icon="save" disabled={!!problem || !name} onClick={save}>Save</Button></>}>
      {error ? <ErrorBox error={error} /> : null}
      {!of && <Field label="Name" value={name} onInput={setName} required />}
      <Field label="Description" value={description} onInput={setDescription} />
      <Field label="Variables" area mono rows={12} value={text} onInput={setText} {...(problem ? { error: problem } : {})} />
    </Dialog>
  )
}
