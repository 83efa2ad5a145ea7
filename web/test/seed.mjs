// Things to look at: definitions, and executions in every state.
import { example, until } from './world.mjs'

export const definitions = `version: '2.0'

order:
  description: Takes an order, asks somebody, ships it
  tags: [shop, demo]
  input:
    - customer: Ana
    - amount: 120
    - express: false
  output:
    parcel: <% $.get(parcel) %>
  tasks:
    check_stock:
      action: std.echo
      input: {output: {stock: 14}, delay: 0.2}
      publish: {stock: <% task().result.stock %>}
      on-success: [reserve, price]
    reserve:
      action: std.echo
      input: {output: reserved, delay: 0.3}
      on-success: approve
    price:
      action: std.echo
      input: {output: <% $.amount * 2 %>, delay: 0.1}
      publish: {price: <% task().result %>}
      on-success: approve
    approve:
      join: all
      action: std.async_noop
      on-success: ship
      on-error: refund
    ship:
      action: std.echo output="parcel for <% $.customer %>"
      publish: {parcel: <% task().result %>}
    refund:
      action: std.echo output="refunded"

fan:
  description: Many items side by side
  input:
    - n: 24
  tasks:
    spread:
      with-items: i in <% range($.n) %>
      concurrency: 6
      action: std.echo output=<% $.i %>
      on-success: gather
    gather:
      action: std.echo output="all"

lunar:
  description: Wants a runner that is not there
  tasks:
    land:
      action: std.http
      input: {url: 'http://localhost:1/'}
      target: moon

slow:
  description: Waits for a long time
  tags: [nightly]
  tasks:
    nap:
      action: std.noop
      wait-before: 3600

family:
  description: Calls other workflows
  tasks:
    children:
      with-items: i in <% range(3) %>
      workflow: fan n=4
      on-success: done
    done:
      action: std.noop
`

export const failing = `version: '2.0'

flaky:
  description: Fails unless the environment says otherwise
  tags: [nightly]
  input:
    - host: db-1.example.org
  tasks:
    connect:
      action: std.echo output=<% $.host %>
      on-success: migrate
    migrate:
      action: std.javascript
      input:
        context: <% dict(host => $.host, healthy => env().get(healthy, false)) %>
        script: |
          if (!$.healthy) { throw new Error('relation "orders" does not exist on ' + $.host); }
          return 'migrated';
      on-success: verify
    verify:
      action: std.echo output="done"
`

/** Uploads the definitions. */
export async function define(server) {
  await server.call('POST', '/v2/workflows', definitions)
  await server.call('POST', '/v2/workflows', failing)
}

export async function start(server, workflow, input, more = {}, user = '') {
  return (await server.call('POST', '/v2/executions', { workflow_name: workflow, input, ...more }, user ? { 'X-User-Id': user } : {})).id
}

/** Fills the lists. */
export async function populate(server) {
  await define(server)
  for (const f of ['approval.yaml', 'canary-deployment.yaml', 'etl.yaml', 'nightly-backup.yaml']) await server.call('POST', '/v2/workflows', example(f))
  await server.call('POST', '/v2/workbooks', example('provision-fleet.yaml'))
  await server.call('POST', '/v2/environments', { name: 'staging', description: 'Where things are tried', variables: { region: 'north', replicas: 2, endpoints: { api: 'https://api.staging.example.org' } } })
  await server.call('POST', '/v2/environments', { name: 'production', description: 'Where they are used', variables: { region: 'south', replicas: 12 } })
  await server.call('POST', '/v2/actions', `version: '2.0'\ngreet:\n  description: Says hello to somebody\n  base: std.echo\n  base-input:\n    output: hello <% $.name %>\n  input:\n    - name\n`)
  await server.call('POST', '/v2/cron_triggers', { name: 'backup-at-three', workflow_name: 'nightly_backup', pattern: '0 3 * * *', tz: 'Europe/Madrid', catch_up: 'skip' })
  await server.call('POST', '/v2/cron_triggers', { name: 'etl-each-quarter', workflow_name: 'etl', pattern: '*/15 * * * *', remaining_executions: 96 })
  const etl = await server.call('GET', '/v2/workflows/etl')
  await server.call('POST', '/v2/event_triggers', { name: 'new-instance', workflow_id: etl.id, exchange: 'nova', topic: 'notifications', event: 'compute.instance.create.end', workflow_input: {} })
  const ids = {}
  for (let i = 0; i < 6; i++) await start(server, 'fan', { n: 3 + i })
  for (const host of ['db-1.example.org', 'db-2.example.org', 'db-7.example.org']) ids.failed = await start(server, 'flaky', { host })
  ids.order = await start(server, 'order', { customer: 'Chi', amount: 75 }, { description: 'rush order 1881' }, 'chi')
  ids.slow = await start(server, 'slow')
  ids.paused = await start(server, 'order', { customer: 'Ben' })
  ids.cancelled = await start(server, 'slow', undefined, { description: 'not needed any more' })
  ids.family = await start(server, 'family')
  ids.fleet = await start(server, 'fleet.provision', { servers: 4 })
  ids.etl = await start(server, 'etl')
  await start(server, 'lunar')
  await server.call('PUT', `/v2/executions/${ids.paused}`, { state: 'PAUSED' }, { 'X-User-Id': 'ben' })
  await server.call('PUT', `/v2/executions/${ids.cancelled}`, { state: 'CANCELLED', state_info: 'the customer has called' }, { 'X-User-Id': 'ana' })
  await until(server, ids.failed, 'ERROR')
  await until(server, ids.fleet, 'SUCCESS', 'ERROR')
  await until(server, ids.family, 'SUCCESS', 'ERROR')
  return ids
}
