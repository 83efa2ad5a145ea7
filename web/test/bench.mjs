// How fast the pages are, and whether they keep their memory: node test/bench.mjs [parts] [minutes]
//
//   parts    a list with commas of open, seen, graph, items, rows, heap, hour; all but hour without
//   minutes  how long the part "hour" takes; 60 without
//
// CHANGES (3600) is how many the part "heap" makes, ROWS (100000) how long the list of the part "rows" is: with few one sees soon
// that they work.
//
// It prints figures and judges none: they depend on what else the machine does. The part "heap" runs the changes of an hour as fast
// as the server takes them; "hour" really takes its time.
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { openPage, out, startBrowser, startServer, until } from './world.mjs'
import { define, start } from './seed.mjs'

const parts = (process.argv[2] || 'open,seen,graph,items,rows,heap').split(',')
const minutes = Number(process.argv[3] || 60)
const changes = Math.max(4, Number(process.env.CHANGES || 3600))
const total = Math.max(1000, Number(process.env.ROWS || 100_000))
const results = {}

const sorted = (list) => [...list].sort((a, b) => a - b)
const at = (list, p) => sorted(list)[Math.min(list.length - 1, Math.floor(list.length * p))]
const say = (name, figures) => {
  results[name] = figures
  console.log(name.padEnd(44), Object.entries(figures).map(([k, v]) => `${k} ${typeof v === 'number' ? Math.round(v * 10) / 10 : v}`).join(', '))
}

/** Counts the long tasks of the main thread and the frames, from the page's first moment on. */
const watch = () => {
  window.tasks = []
  new PerformanceObserver((l) => window.tasks.push(...l.getEntries().map((e) => e.duration))).observe({ type: 'longtask', buffered: true })
  window.ready = new Promise((done) => {
    const look = () => (document.querySelector('.node[data-state]') && document.querySelector('.pagehead .actions button:not(:disabled)') ? done(performance.now()) : requestAnimationFrame(look))
    look()
  })
  window.frames = []
  window.countFrames = (ms) => new Promise((done) => {
    const from = performance.now()
    let last = from
    window.frames = []
    const frame = (now) => {
      window.frames.push(now - last)
      last = now
      if (now - from < ms) requestAnimationFrame(frame)
      else done(window.frames)
    }
    requestAnimationFrame(frame)
  })
}

const longest = (page) => page.evaluate(() => Math.max(0, ...window.tasks))
const forget = (page) => page.evaluate(() => void (window.tasks.length = 0))

async function open(browser, server, path, options = {}) {
  const p = await openPage(browser, server, '/nothing', options)
  await p.page.addInitScript(watch)
  await p.page.goto(server.url + '/ui' + path)
  return p
}

/** The heap after a collection, in MB, and the nodes of the document. */
async function heap(session) {
  for (let i = 0; i < 3; i++) await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  const { metrics } = await session.send('Performance.getMetrics')
  const of = (name) => metrics.find((m) => m.name === name)?.value ?? 0
  return { mb: usedSize / 1048576, nodes: of('Nodes'), listeners: of('JSEventListeners') }
}

async function measured(p) {
  const session = await p.page.context().newCDPSession(p.page)
  await session.send('Performance.enable')
  await session.send('HeapProfiler.enable')
  return session
}

const server = await startServer()
const browser = await startBrowser()
const has = (part) => parts.includes(part)
try {
  console.log(`${cpus().length} × ${cpus()[0].model}, Chromium ${browser.version()}`)
  await define(server)

  if (has('open')) {
    const id = await start(server, 'order')
    await until(server, id, 'RUNNING')
    const cold = []
    const warm = []
    const cpu = []
    for (let i = 0; i < 7; i++) {
      const p = await open(browser, server, `/executions/${id}`)
      cold.push(await p.page.evaluate(() => window.ready))
      await p.page.reload()
      warm.push(await p.page.evaluate(() => window.ready))
      // The processor's time of the main thread says what the page costs, whatever else the machine does.
      const session = await p.page.context().newCDPSession(p.page)
      await session.send('Performance.enable', { timeDomain: 'threadTicks' })
      const spent = async () => (await session.send('Performance.getMetrics')).metrics.find((m) => m.name === 'TaskDuration').value * 1000
      const before = await spent()
      await p.page.reload()
      await p.page.evaluate(() => window.ready)
      const after = await spent()
      cpu.push(after < before ? after : after - before) // a reload may begin to count anew
      await p.close()
    }
    say('execution page interactive, empty cache', { 'median ms': at(cold, 0.5), 'worst ms': at(cold, 1) })
    say('execution page interactive, again', { 'median ms': at(warm, 0.5), 'worst ms': at(warm, 1), 'processor time of the main thread ms': at(cpu, 0.5) })
  }

  if (has('seen')) {
    const names = [...Array(40).keys()].map((i) => `t${i}`)
    const tasks = Object.fromEntries(names.map((n, i) => [n, { action: 'std.echo', input: { output: n, delay: 0.25 }, ...(names[i + 1] ? { 'on-success': names[i + 1] } : {}) }]))
    await server.call('POST', '/v2/workflows', JSON.stringify({ version: '2.0', sequence: { tasks } }))
    const p = await open(browser, server, '/executions')
    const id = await start(server, 'sequence')
    await p.page.goto(`${server.url}/ui/executions/${id}`)
    await p.page.evaluate(() => {
      window.seen = {}
      const look = () => {
        const now = Date.now()
        for (const n of document.querySelectorAll('.node[data-state]')) window.seen[`${n.dataset.task} ${n.dataset.state}`] ??= now
      }
      new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-state'] })
    })
    await until(server, id, 'SUCCESS')
    await p.page.locator('.node[data-task=t39][data-state=SUCCESS]').waitFor()
    const { events } = await server.call('GET', `/v2/executions/${id}/events?limit=1000`, undefined, { Accept: 'application/json' })
    const seen = await p.page.evaluate(() => window.seen)
    // The first tasks were there before the page was.
    const lags = events.filter((e) => e.kind === 'task.state' && e.state === 'SUCCESS' && Number(e.task.slice(1)) >= 10).map((e) => seen[`${e.task} SUCCESS`] - Date.parse(e.at))
    say('a change of state is seen after', { changes: lags.length, 'median ms': at(lags, 0.5), 'p95 ms': at(lags, 0.95), 'worst ms': at(lags, 1) })
    await p.close()
  }

  if (has('graph')) {
    const tasks = {}
    const layer = 25
    for (let i = 0; i < 1000; i++) {
      const next = i + layer
      tasks[`task_${i}`] = { action: 'std.noop', ...(i >= layer ? { join: 1 } : {}), ...(next < 1000 ? { 'on-success': i % 5 === 0 && next + 1 < 1000 && (next + 1) % layer ? [`task_${next}`, `task_${next + 1}`] : [`task_${next}`] } : {}) }
    }
    await server.call('POST', '/v2/workflows', JSON.stringify({ version: '2.0', thousand: { tasks } }))
    const id = await start(server, 'thousand')
    await until(server, id, 'SUCCESS', 'ERROR')
    const p = await open(browser, server, `/executions/${id}`)
    p.page.setDefaultTimeout(120_000)
    await p.page.evaluate(() => window.ready)
    say('graph of 1,000 tasks, drawn', { 'ms after the request': await p.page.evaluate(() => window.ready), 'longest main-thread task ms': await longest(p.page) })
    await forget(p.page)
    const box = await p.page.locator('.graph > svg').boundingBox()
    await p.page.mouse.move(box.x + 300, box.y + 200)
    const frames = p.page.evaluate(() => window.countFrames(4000))
    frames.catch(() => undefined) // it is waited for below
    for (let i = 0; i < 40; i++) await p.page.mouse.wheel(0, i % 2 ? 60 : -60)
    await p.page.mouse.down()
    for (let i = 0; i < 40; i++) await p.page.mouse.move(box.x + 300 + i * 5, box.y + 200 + (i % 9) * 4)
    await p.page.mouse.up()
    const list = await frames
    say('graph of 1,000 tasks, moved and zoomed', { frames: list.length, 'median frame ms': at(list, 0.5), 'p95 frame ms': at(list, 0.95), 'longest main-thread task ms': await longest(p.page) })
    await p.close()
  }

  if (has('items')) {
    await server.call('POST', '/v2/workflows', JSON.stringify({ version: '2.0', many: { tasks: { spread: { 'with-items': 'i in <% range(10000) %>', action: 'std.echo output=<% $.i %>', 'keep-result': false } } } }))
    const p = await open(browser, server, '/executions')
    p.page.setDefaultTimeout(600_000)
    const id = await start(server, 'many')
    const from = Date.now()
    await p.page.goto(`${server.url}/ui/executions/${id}`)
    await p.page.locator('.node[data-task=spread][data-state=SUCCESS]').waitFor()
    say('10,000 items, watched while they ran', { 'took s': (Date.now() - from) / 1000, 'longest main-thread task ms': await longest(p.page) })
    await p.page.reload()
    await p.page.locator('.node[data-task=spread][data-state=SUCCESS]').waitFor()
    say('10,000 items, opened', { 'ms until all are counted': await p.page.evaluate(() => performance.now()), 'longest main-thread task ms': await longest(p.page) })
    await forget(p.page)
    const click = Date.now()
    await p.page.locator('.node[data-task=spread]').click()
    await p.page.locator('.actioncard').nth(10).waitFor()
    say('10,000 items, drawer', { 'ms until the first 50 are listed': Date.now() - click, 'longest main-thread task ms': await longest(p.page) })
    await p.close()
  }

  if (has('rows')) {
    // The server's own speed with such lists is measured by make bench-lists: here pages of a list are made up.
    const p = await openPage(browser, server, '/nothing')
    await p.page.addInitScript(watch)
    await p.page.route(/\/v2\/executions\?/, async (route) => {
      const q = new URL(route.request().url()).searchParams
      const first = q.get('marker') ? Number(q.get('marker').slice(-6)) + 1 : 0
      const n = Math.min(Number(q.get('limit')), total - first)
      const executions = [...Array(n).keys()].map((i) => ({
        id: `00000000-0000-4000-8000-${String(first + i).padStart(12, '0')}`, workflow_name: `workflow_${(first + i) % 17}`, description: 'a description of some length', tags: ['nightly', 'shop'],
        state: ['SUCCESS', 'ERROR', 'RUNNING'][(first + i) % 3], state_info: (first + i) % 3 === 1 ? 'Failure caused by error in tasks: a\n\n  a [task_ex_id=x] -> something has failed' : null,
        created_at: '2026-11-01 10:00:00', updated_at: '2026-11-01 10:00:05', task_execution_id: null, project_id: 'p',
      }))
      await route.fulfill({ json: { executions, ...(first + n < total ? { next: 'more' } : {}) } })
    })
    await p.page.goto(server.url + '/ui/executions')
    await p.page.locator('.vrow.head + *').first().waitFor()
    const loaded = () => p.page.evaluate(() => Number(document.querySelector('.vtable').getAttribute('aria-rowcount')) - 1)
    const from = Date.now()
    while ((await loaded()) < total) {
      await p.page.evaluate(() => {
        const t = document.querySelector('.vtable')
        t.scrollTop = t.scrollHeight
      })
      await p.page.waitForTimeout(30)
    }
    const session = await measured(p)
    say(`list of ${total.toLocaleString('en')} rows, loaded to its end`, { 's': (Date.now() - from) / 1000, 'longest main-thread task ms': await longest(p.page), 'heap MB': (await heap(session)).mb })
    await p.page.waitForTimeout(500)
    await forget(p.page)
    const box = await p.page.locator('.vtable').boundingBox()
    await p.page.mouse.move(box.x + 300, box.y + 300)
    const frames = p.page.evaluate(() => window.countFrames(5000))
    frames.catch(() => undefined) // it is waited for below
    for (let i = 0; i < 60; i++) {
      await p.page.mouse.wheel(0, i < 40 ? -900 : -20_000)
      await p.page.waitForTimeout(30)
    }
    const list = await frames
    say(`list of ${total.toLocaleString('en')} rows, scrolled`, { frames: list.length, 'median frame ms': at(list, 0.5), 'p95 frame ms': at(list, 0.95), 'long tasks': await p.page.evaluate(() => window.tasks.length), 'longest ms': await longest(p.page) })
    await p.close()
  }

  if (has('heap')) {
    // An hour with a change each second: of an execution that is paused and resumed, and of a list in which executions begin and end.
    const id = await start(server, 'slow')
    const execution = await open(browser, server, `/executions/${id}?tab=events`)
    const list = await open(browser, server, '/executions')
    const pages = { execution: await measured(execution), list: await measured(list) }
    const look = async () => Object.fromEntries(await Promise.all(Object.entries(pages).map(async ([k, s]) => [k, await heap(s)])))
    const seen = []
    const from = Date.now()
    for (let i = 1; i <= changes; i++) {
      await Promise.all([server.call('PUT', `/v2/executions/${id}`, { state: i % 2 ? 'PAUSED' : 'RUNNING' }), i % 2 ? start(server, 'hello_heap').catch(() => undefined) : undefined])
      if (i === 1) await server.call('POST', '/v2/workflows', JSON.stringify({ version: '2.0', hello_heap: { tasks: { a: { action: 'std.echo output=1' } } } }))
      if (i % Math.floor(changes / 4) === 0 && seen.length < 4) {
        await execution.page.waitForTimeout(1500)
        seen.push(await look())
      }
    }
    const took = (Date.now() - from) / 1000
    for (const k of Object.keys(pages)) {
      say(`heap of the page "${k}", ${changes} changes`, { 'in s': took, 'MB at each quarter': seen.map((s) => s[k].mb.toFixed(2)).join(' '), 'nodes': seen.map((s) => s[k].nodes).join(' '), 'listeners': seen.map((s) => s[k].listeners).join(' ') })
    }
    await execution.close()
    await list.close()
  }

  if (has('hour')) {
    await server.call('POST', '/v2/workflows', JSON.stringify({ version: '2.0', hello_hour: { tasks: { a: { action: 'std.echo', input: { output: 1, delay: 1 }, 'on-success': 'b' }, b: { action: 'std.echo output=2' } } } }))
    const id = await start(server, 'slow')
    const opened = {}
    for (const [k, path] of Object.entries({ graph: `/executions/${id}`, events: `/executions/${id}?tab=events`, list: '/executions', operations: '/operations', audit: '/audit' })) opened[k] = await open(browser, server, path)
    const sessions = Object.fromEntries(await Promise.all(Object.entries(opened).map(async ([k, p]) => [k, await measured(p)])))
    const seen = []
    const from = Date.now()
    let next = from + 60_000 // what is loaded later is there
    for (let i = 0; Date.now() - from < minutes * 60_000; i++) {
      const tick = Date.now()
      await server.call('PUT', `/v2/executions/${id}`, { state: i % 2 ? 'RUNNING' : 'PAUSED' })
      if (i % 2) await start(server, 'hello_hour')
      if (Date.now() >= next) {
        next += (minutes * 60_000) / 12
        const now = Object.fromEntries(await Promise.all(Object.entries(sessions).map(async ([k, s]) => [k, await heap(s)])))
        seen.push(now)
        console.log(`after ${Math.round((Date.now() - from) / 60_000)} min:`, Object.entries(now).map(([k, h]) => `${k} ${h.mb.toFixed(2)} MB, ${h.nodes} nodes`).join('; '))
      }
      await new Promise((r) => setTimeout(r, Math.max(0, 1000 - (Date.now() - tick))))
    }
    for (const k of Object.keys(opened)) {
      say(`heap of the page "${k}", ${minutes} minutes`, { 'first MB': seen[0][k].mb.toFixed(2), 'last MB': seen.at(-1)[k].mb.toFixed(2), 'most MB': Math.max(...seen.map((s) => s[k].mb)).toFixed(2), 'nodes first': seen[0][k].nodes, 'nodes last': seen.at(-1)[k].nodes })
      await opened[k].close()
    }
  }
  mkdirSync(out, { recursive: true })
  writeFileSync(join(out, 'bench.json'), JSON.stringify(results, null, 2))
} finally {
  await browser.close()
  await server.stop()
}
