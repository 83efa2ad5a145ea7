// What people do with the pages, done by a browser with the real binary on a real store.
import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { define, start } from './seed.mjs'
import { accessibility, openPage, shot, startBrowser, startServer, until } from './world.mjs'

let server
let browser

before(async () => {
  browser = await startBrowser()
  server = await startServer()
  await define(server)
})

after(async () => {
  await browser?.close()
  await server?.stop()
})

/** A scenario on a page of its own; what the page complains of fails it. */
function scenario(name, path, act, options = {}) {
  test(name, { timeout: 300_000 }, async (t) => {
    const where = typeof path === 'function' ? await path() : path
    const p = await openPage(browser, server, where, options)
    try {
      await act(p.page, t)
    } catch (e) {
      await shot(p.page, 'failed-' + name.replace(/\W+/g, '-').slice(0, 60)).catch(() => undefined)
      throw e
    }
    await p.close()
  })
}

const state = (page, word) => page.locator('[data-testid=state]', { hasText: word }).waitFor()
const node = (page, task, s) => page.locator(`.node[data-task="${task}"]${s ? `[data-state=${s}]` : ''}`)
const button = (page, name, exact = true) => page.getByRole('button', { name, exact })
const idIn = (page) => /executions\/([0-9a-f-]{36})/.exec(page.url())[1]

test('browsers are led to the pages, other clients to the API', async () => {
  const html = await fetch(server.url + '/', { headers: { Accept: 'text/html' }, redirect: 'manual' })
  assert.equal(html.status, 302)
  assert.equal(html.headers.get('location'), '/ui/')
  const json = await (await fetch(server.url + '/', { headers: { Accept: 'application/json' } })).json()
  assert.equal(json.versions[0].id, 'v2.0')
  const page = await fetch(server.url + '/ui/')
  assert.match(page.headers.get('content-security-policy'), /default-src 'self'/)
  const text = await page.text()
  assert.doesNotMatch(text, /<script(?![^>]*src=)|<style|\son\w+=|\sstyle=/, 'nothing may be inline')
  for (const path of ['/ui/nonsense', '/ui/icon.svg', ...[...text.matchAll(/(?:src|href)="(\/ui\/assets\/[^"]+)"/g)].map((m) => m[1])]) {
    assert.match((await fetch(server.url + path)).headers.get('content-security-policy') ?? '', /default-src 'self'/, path)
  }
})

test('the policy keeps script out that gets into a page', { timeout: 60_000 }, async () => {
  const p = await openPage(browser, server, '/executions')
  await p.page.locator('h1').waitFor()
  const refused = await p.page.evaluate(() => new Promise((done) => {
    const seen = []
    document.addEventListener('securitypolicyviolation', (e) => seen.push(e.effectiveDirective))
    const s = document.createElement('script')
    s.textContent = 'window.hacked = 1'
    document.body.append(s)
    const b = document.createElement('div')
    b.innerHTML = '<img src="data:," onerror="window.hacked = 2"><a onclick="window.hacked = 3">a</a>'
    document.body.append(b)
    b.querySelector('a').click()
    const far = document.createElement('script')
    far.src = 'http://example.org/x.js'
    document.body.append(far)
    setTimeout(() => done({ seen, hacked: window.hacked }), 300)
  }))
  assert.equal(refused.hacked, undefined)
  assert.ok(refused.seen.filter((d) => d.startsWith('script-src')).length >= 3, JSON.stringify(refused))
  p.problems.length = 0 // the browser has complained of what was tried here
  await p.close()
})

scenario('an empty service teaches by an example that runs', '/executions', async (page) => {
  await page.getByText('Nothing has run yet').waitFor()
  await button(page, 'Run this example').click()
  await page.waitForURL(/executions\/[0-9a-f-]{36}/)
  await state(page, 'Success')
  await node(page, 'sign', 'SUCCESS').waitFor()
})

scenario('a workflow is started from its form, and its graph turns live', '/workflows/order', async (page) => {
  await button(page, 'Start').click()
  const form = page.getByRole('dialog')
  await form.getByLabel('customer').fill('Dora')
  await form.getByLabel('amount').fill('7')
  await form.getByLabel('express').check()
  await button(form, 'Start').click()
  await page.waitForURL(/executions\//)
  await node(page, 'approve', 'RUNNING').waitFor()
  await node(page, 'price', 'SUCCESS').waitFor()
  const e = await server.call('GET', `/v2/executions/${idIn(page)}`)
  assert.deepEqual(JSON.parse(e.input), { customer: 'Dora', amount: 7, express: true })
})

scenario('the form knows the last input, and says what it does not understand', '/workflows/order?start=1', async (page) => {
  const form = page.getByRole('dialog')
  await form.getByLabel('customer').waitFor()
  assert.equal(await form.getByLabel('customer').inputValue(), 'Dora')
  await form.getByLabel('amount').fill('many')
  await form.getByText('write JSON').waitFor()
  await button(form, 'Start').click()
  assert.match(page.url(), /workflows/)
})

scenario('an approval is completed by hand', async () => '/executions/' + (await start(server, 'order')), async (page) => {
  await node(page, 'approve', 'RUNNING').click()
  await button(page, 'Complete by hand').click()
  const d = page.getByRole('dialog')
  await d.getByText('The same as curl and command').click()
  await d.getByText(/curl -X PUT/).waitFor()
  await button(d, 'Complete').click()
  await state(page, 'Success')
  await node(page, 'ship', 'SUCCESS').waitFor()
})

scenario('why finds the task that has failed', async () => {
  const id = await start(server, 'flaky', { host: 'db-9.example.org' })
  await until(server, id, 'ERROR')
  return `/executions/${id}`
}, async (page) => {
  await state(page, 'Error')
  await button(page, 'Why?').click()
  const reason = page.locator('.reason', { hasText: 'migrate' })
  await reason.getByText('relation "orders" does not exist').waitFor()
  await reason.getByRole('button', { name: 'migrate' }).click()
  await page.getByRole('complementary', { name: 'Task migrate' }).getByText('As the engine says it').waitFor()
})

scenario('what has failed is rerun with another environment', async () => {
  const id = await start(server, 'flaky')
  await until(server, id, 'ERROR')
  return `/executions/${id}?task=migrate`
}, async (page) => {
  await button(page, 'Rerun from here').click()
  const d = page.getByRole('dialog')
  await d.getByLabel('Environment to change').fill('{"healthy": tru')
  assert.ok(await button(d, 'Rerun').isDisabled())
  await d.getByLabel('Environment to change').fill('{"healthy": true}')
  await button(d, 'Rerun').click()
  await state(page, 'Success')
  await node(page, 'verify', 'SUCCESS').waitFor()
})

scenario('what has failed is rerun with edited input', async () => {
  const id = await start(server, 'flaky')
  await until(server, id, 'ERROR')
  return `/executions/${id}?task=migrate`
}, async (page) => {
  await page.locator('.actioncard .json').first().waitFor()
  await button(page, 'Rerun from here').click()
  const d = page.getByRole('dialog')
  const given = JSON.parse(await d.getByLabel('Input').inputValue())
  assert.equal(given.context.healthy, false)
  await d.getByLabel('Input').fill(JSON.stringify({ ...given, context: { ...given.context, healthy: true } }))
  await button(d, 'Rerun').click()
  await state(page, 'Success')
  await node(page, 'verify', 'SUCCESS').waitFor()
})

scenario('an execution is run again with edited input', async () => {
  const id = await start(server, 'fan', { n: 2 })
  await until(server, id, 'SUCCESS')
  return `/executions/${id}`
}, async (page) => {
  const before = idIn(page)
  await button(page, 'Run again').click()
  const d = page.getByRole('dialog')
  await d.getByLabel('Input').fill('{"n": 5}')
  await button(d, 'Start').click()
  await page.waitForURL((u) => /executions\//.test(u.pathname) && !u.pathname.includes(before))
  await state(page, 'Success')
  assert.equal(JSON.parse((await server.call('GET', `/v2/executions/${idIn(page)}`)).input).n, 5)
})

scenario('a failed task is skipped', async () => {
  const id = await start(server, 'flaky')
  await until(server, id, 'ERROR')
  return `/executions/${id}?task=migrate`
}, async (page) => {
  await button(page, 'Skip').click()
  await button(page.getByRole('dialog'), 'Skip').click()
  await node(page, 'migrate', 'SKIPPED').waitFor()
})

scenario('an execution is paused and resumed', async () => '/executions/' + (await start(server, 'order')), async (page) => {
  await state(page, 'Running')
  await button(page, 'Pause').click()
  await state(page, 'Paused')
  await button(page, 'Resume').click()
  await state(page, 'Running')
})

scenario('an execution is cancelled with a reason', async () => '/executions/' + (await start(server, 'slow')), async (page) => {
  await button(page, 'Cancel').click()
  const d = page.getByRole('dialog')
  await d.getByLabel('Reason').fill('not needed')
  await button(d, 'Cancel the execution').click()
  await state(page, 'Cancelled')
  await page.locator('.note', { hasText: 'not needed' }).waitFor()
})

scenario('filters are chips, address and text', '/executions', async (page) => {
  const filter = page.getByRole('combobox', { name: 'Filter' })
  await filter.fill('workflow:flaky')
  await filter.press('Enter')
  await page.waitForURL(/q=workflow%3Aflaky/)
  await page.getByRole('button', { name: 'Remove the filter workflow:flaky' }).waitFor()
  await page.locator('.vspace .vrow').first().waitFor()
  await page.waitForFunction(() => [...document.querySelectorAll('.vspace .cell.workflow')].every((c) => c.textContent === 'flaky'))
  await filter.fill('sate:ERROR')
  await filter.press('Enter')
  await page.getByText('"sate:" is no filter').waitFor()
  await page.goto(server.url + '/ui/executions?q=workflow%3Afan+state%3ASUCCESS')
  await page.getByRole('button', { name: 'Remove the filter state:SUCCESS' }).click()
  await page.waitForURL((u) => u.searchParams.get('q') === 'workflow:fan')
})

scenario('the counts of the states filter', '/executions', async (page) => {
  const card = page.locator('.countcard.s-ERROR')
  await page.waitForFunction(() => /\d/.test(document.querySelector('.countcard.s-ERROR .n')?.textContent ?? ''))
  await card.click()
  await page.waitForURL(/state%3AERROR/)
  await page.waitForFunction(() => {
    const rows = [...document.querySelectorAll('.vspace .cell.state')]
    return rows.length > 0 && rows.every((r) => r.textContent.includes('Error'))
  })
})

scenario('many executions are cancelled at once, after a preview', async () => {
  for (let i = 0; i < 4; i++) await start(server, 'slow', undefined, { description: 'bulk' })
  return '/executions?q=workflow%3Aslow+state%3ARUNNING'
}, async (page) => {
  await page.locator('.vspace .vrow').nth(3).waitFor()
  await page.getByRole('checkbox', { name: 'Select all rows' }).check()
  await page.getByText('4 selected').waitFor()
  await button(page.getByRole('region', { name: 'Selection' }), 'Cancel').click()
  const d = page.getByRole('dialog')
  await d.getByText('4 executions', { exact: true }).waitFor()
  await button(d, 'Cancel 4').click()
  await page.getByText('Nothing matches').waitFor()
  const left = await server.call('GET', '/v2/executions?workflow_name=slow&state=RUNNING')
  assert.equal(left.executions.length, 0)
})

scenario('many that have failed are rerun at once; the dialog names them and shows the request', async () => {
  for (const host of ['db-41', 'db-42']) await until(server, await start(server, 'flaky', { host }, { description: 'bulk rerun' }), 'ERROR')
  return '/executions?q=' + encodeURIComponent('description:"bulk rerun"')
}, async (page) => {
  await page.locator('.vspace .vrow').nth(1).waitFor()
  await page.getByRole('checkbox', { name: 'Select all rows' }).check()
  await button(page.getByRole('region', { name: 'Selection' }), 'Rerun failed').click()
  const d = page.getByRole('dialog')
  await d.getByText('2 executions', { exact: true }).waitFor()
  await d.getByText('Which', { exact: true }).click()
  assert.equal(await d.locator('.plainlist li').count(), 2)
  await d.getByText('The same as curl').click()
  await d.getByText('"action":"rerun"').waitFor()
  await button(d, 'Rerun failed 2').click()
  await page.getByText('Runs again: 2 executions').waitFor()
})

scenario('the list says who has started an execution', async () => {
  await start(server, 'slow', undefined, { description: 'by somebody' }, 'dora')
  return '/executions?q=' + encodeURIComponent('description:"by somebody"')
}, async (page) => {
  await page.locator('.vspace .cell.by', { hasText: 'dora' }).waitFor()
  await button(page, 'Export').click()
  const [csv] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'As CSV' }).click()])
  assert.match(readFileSync(await csv.path(), 'utf8'), /,started_by\r\n[^]*,dora\r\n/)
})

scenario('what a filter can not say is told', '/executions?q=' + encodeURIComponent('-is:root -error:x'), async (page) => {
  await page.getByRole('alert').getByText('"-is:root": this one can\'t be turned round').waitFor()
})

scenario('each command of an execution is there as curl and on the command line', async () => '/executions/' + (await start(server, 'order')), async (page) => {
  await node(page, 'approve', 'RUNNING').waitFor()
  await button(page, 'More').click()
  await page.getByRole('menuitem', { name: 'Copy as curl or command' }).click()
  const d = page.getByRole('dialog')
  const id = idIn(page)
  await d.getByText(`cierzo execution pause ${id}`).waitFor()
  await d.getByText(`cierzo execution cancel ${id}`).waitFor()
  await d.getByText('{"state":"CANCELLED"}').waitFor()
  await button(d, 'Copy curl: Pause').click()
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^curl -X PUT http.*"PAUSED"/)
})

scenario('expressions are tried beside the text, on the newest execution', async () => {
  await until(server, await start(server, 'fan', { n: 2 }), 'SUCCESS')
  return '/workflows/fan?edit=1'
}, async (page) => {
  await page.getByText('No mistakes').waitFor()
  await page.getByLabel('Workflow', { exact: true }).selectOption('fan')
  await page.getByRole('tab', { name: 'Try an expression' }).click()
  await page.getByLabel(/^YAQL/).fill('<% $.n + 40 %>')
  await page.locator('.playground').getByRole('button', { name: 'Evaluate' }).click()
  await page.locator('.playground .j-number', { hasText: '42' }).waitFor()
  await page.getByLabel('On what').selectOption('')
  await page.getByLabel('Data ($)').waitFor()
})

scenario('long names stay in their places', async () => {
  const long = 'name_of_a_program_' + 'x'.repeat(120)
  const task = 'task_' + 'w'.repeat(80)
  await server.call('POST', '/v2/workflows', JSON.stringify({ version: '2.0', [long]: { tasks: { [task]: { action: 'std.fail' } } } }))
  const id = await start(server, long, undefined, { description: 'many words '.repeat(60) })
  await until(server, id, 'ERROR')
  return `/executions/${id}`
}, async (page) => {
  const card = page.locator('.node .card').first()
  await card.waitFor()
  const box = await card.boundingBox()
  const name = await page.locator('.node .name').first().boundingBox()
  assert.ok(name.x + name.width <= box.x + box.width, JSON.stringify({ box, name }))
  const title = await page.locator('h1 a').boundingBox()
  const actions = await page.locator('.pagehead > .actions').boundingBox()
  assert.ok(title.x + title.width <= actions.x || title.y >= actions.y + actions.height || title.y + title.height <= actions.y, JSON.stringify({ title, actions }))
})

test('when the server has gone the pages say so, and offer nothing that they do not know', { timeout: 120_000 }, async () => {
  const other = await startServer()
  const p = await openPage(browser, other, '/operations')
  await p.page.locator('tr', { hasText: 'engine' }).first().waitFor()
  await p.page.getByRole('link', { name: 'Executions' }).click()
  await p.page.getByText('Nothing has run yet').waitFor()
  await other.stop()
  await p.page.getByText('not connected, trying again').waitFor()
  await p.page.getByRole('link', { name: 'Operations' }).click()
  await p.page.getByText('The server can not be reached.').first().waitFor()
  assert.equal(await p.page.getByRole('button', { name: /aintenance/ }).count(), 0)
  await p.close()
})

scenario('new executions wait behind a button and move no rows', '/executions?q=workflow%3Afan', async (page) => {
  const first = page.locator('.vspace .vrow').first()
  await first.waitFor()
  const before = await first.getByRole('link').getAttribute('href')
  await page.waitForTimeout(1500) // the stream of events has begun by then, or the next start is seen by the one after
  let made = await start(server, 'fan', { n: 1 })
  const pill = page.locator('.freshpill')
  for (let i = 0; i < 20 && !(await pill.isVisible()); i++) {
    await page.waitForTimeout(700)
    if (i % 5 === 4) made = await start(server, 'fan', { n: 1 })
  }
  await pill.waitFor()
  assert.equal(await first.getByRole('link').getAttribute('href'), before)
  await pill.click()
  await page.locator(`.vspace a[href$="${made}"]`).waitFor()
})

scenario('views are kept', '/executions?q=state%3AERROR+since%3A1h', async (page) => {
  await button(page, 'Views').click()
  await page.getByRole('menuitem', { name: 'Save this view' }).click()
  await page.getByRole('dialog').getByLabel('Name').fill('My errors')
  await button(page.getByRole('dialog'), 'Save').click()
  await page.goto(server.url + '/ui/executions')
  await button(page, 'Views').click()
  await page.getByRole('menuitem', { name: 'My errors' }).click()
  await page.waitForURL((u) => u.searchParams.get('q') === 'state:ERROR since:1h')
})

scenario('the list is exported', '/executions?q=workflow%3Afan', async (page) => {
  await button(page, 'Export').click()
  const [csv] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'As CSV' }).click()])
  const text = readFileSync(await csv.path(), 'utf8')
  assert.match(text, /^id,workflow_name,state/)
  assert.match(text, /,fan,SUCCESS,/)
  await button(page, 'Export').click()
  const [json] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'As JSON' }).click()])
  assert.ok(JSON.parse(readFileSync(await json.path(), 'utf8')).every((e) => e.workflow_name === 'fan'))
})

scenario('columns are chosen', '/executions', async (page) => {
  await page.getByRole('columnheader', { name: 'Tags' }).waitFor()
  await button(page, 'Columns').click()
  await page.getByRole('menuitem', { name: 'Tags' }).click()
  await page.getByRole('columnheader', { name: 'Tags' }).waitFor({ state: 'detached' })
})

scenario('the keyboard does it all', '/executions', async (page) => {
  await page.locator('.vspace .vrow').nth(1).waitFor()
  await page.locator('#main').focus()
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  await page.locator('.vrow.active[aria-rowindex="3"]').waitFor()
  await page.keyboard.press('k')
  await page.keyboard.press('x')
  await page.getByText('1 selected').waitFor()
  await page.keyboard.press('/')
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Filter')
  await page.keyboard.press('Escape')
  await page.keyboard.press('?')
  await page.getByRole('dialog', { name: 'Keys' }).waitFor()
  await page.keyboard.press('Escape')
  await page.keyboard.press('Control+k')
  await page.keyboard.type('order')
  await page.getByRole('option', { name: /^order/ }).waitFor()
  await page.keyboard.press('Enter')
  await page.waitForURL(/workflows\/order/)
  await page.locator('#main').focus()
  await page.keyboard.press('g')
  await page.keyboard.press('o')
  await page.waitForURL(/operations/)
})

scenario('the timeline shows who ran when, and drives the drawer', async () => {
  const id = await start(server, 'fan', { n: 8 })
  await until(server, id, 'SUCCESS')
  return `/executions/${id}?tab=timeline`
}, async (page) => {
  await page.locator('.trow .tbar').first().waitFor()
  await button(page, 'Show the 8 actions of spread').click()
  assert.equal(await page.locator('.trow.item').count(), 8)
  await page.locator('.trow .tname', { hasText: 'gather' }).click()
  await page.getByRole('complementary', { name: 'Task gather' }).waitFor()
  await page.getByRole('tab', { name: 'Graph' }).click()
  await page.locator('.node.selected[data-task=gather]').waitFor()
})

scenario('items are folded into one task, and opened', async () => {
  const id = await start(server, 'fan', { n: 70 })
  await until(server, id, 'SUCCESS')
  return `/executions/${id}`
}, async (page) => {
  await node(page, 'spread', 'SUCCESS').locator('text.sub', { hasText: '70 of 70' }).waitFor()
  await node(page, 'spread').click()
  const drawer = page.getByRole('complementary', { name: 'Task spread' })
  await drawer.locator('.actioncard').nth(49).waitFor()
  await drawer.getByRole('button', { name: 'More of 70' }).click()
  await drawer.locator('.actioncard').nth(69).waitFor()
})

scenario('sub-workflows are one node, and lead to their executions and back', async () => {
  const id = await start(server, 'family')
  await until(server, id, 'SUCCESS')
  return `/executions/${id}`
}, async (page) => {
  await node(page, 'children', 'SUCCESS').click()
  const drawer = page.getByRole('complementary', { name: 'Task children' })
  await drawer.locator('.rowlink').nth(2).click()
  await page.getByRole('heading', { name: 'fan' }).waitFor()
  await page.getByRole('link', { name: 'family / children' }).click()
  await page.getByRole('heading', { name: 'family' }).waitFor()
  await page.getByRole('tab', { name: 'Sub-executions' }).click()
  await page.locator('table.plain tbody tr').nth(2).waitFor()
  assert.equal(await page.locator('table.plain tbody tr').count(), 3)
})

scenario('the context of two moments is compared, and expressions are tried on it', async () => {
  const id = await start(server, 'order', { customer: 'Eva', amount: 21 })
  for (let i = 0; ; i++) {
    const { tasks } = await server.call('GET', `/v2/executions/${id}/tasks`)
    if (tasks.some((t) => t.name === 'approve' && t.state === 'RUNNING') || i > 200) break
    await new Promise((r) => setTimeout(r, 50))
  }
  return `/executions/${id}?tab=context`
}, async (page) => {
  await page.locator('.diff .add', { hasText: '"price": 42' }).waitFor()
  await page.getByLabel('To').selectOption({ label: 'At the start' })
  await page.getByText('No difference.').waitFor()
  await page.getByLabel(/^YAQL between/).fill('<% $.price + 1 %>')
  await button(page, 'Evaluate').click()
  await page.locator('.playground .json', { hasText: '43' }).waitFor()
  await page.getByLabel(/^YAQL between/).fill('<% $.price + %>')
  await button(page, 'Evaluate').click()
  await page.locator('.playground .errorbox').waitFor()
})

scenario('a mistake is shown with its line, mended, stored as a revision, compared and taken back', '/workflows/fan?edit=1', async (page) => {
  const editor = page.locator('[data-testid=editor]')
  await editor.locator('.cm-content').waitFor()
  const text = await server.call('GET', '/v2/workflows/fan')
  const lines = text.definition.split('\n')
  const at = lines.findIndex((l) => l.includes('on-success: gather'))
  // The cursor is put behind the word, and a letter is taken away.
  await editor.locator('.cm-line').nth(at).click()
  await page.keyboard.press('Home')
  for (let i = 0; i < 'on-suc'.length; i++) await page.keyboard.press('ArrowRight')
  await page.keyboard.press('Backspace')
  const finding = page.locator('.findings li.error', { hasText: `line ${at + 1}` }).first()
  await finding.waitFor()
  assert.ok(await button(page, 'Save a revision').isDisabled())
  await finding.getByRole('button', { name: 'Use on-success' }).click()
  await page.getByTestId('lint').getByText(/No mistakes|warning/).waitFor()
  // A change that is meant.
  await editor.locator('.cm-line').nth(at).click()
  await page.keyboard.press('End')
  await page.keyboard.press('Enter')
  await page.keyboard.type('wait-after: 1')
  await page.getByTestId('lint').getByText(/No mistakes|warning/).waitFor()
  await button(page, 'Save a revision').click()
  await page.getByText('Saved as a new revision').waitFor()
  await page.getByRole('tab', { name: 'Revisions' }).click()
  await page.locator('.diff .add', { hasText: 'wait-after: 1' }).waitFor()
  await button(page, 'Restore').first().click()
  await button(page.getByRole('dialog'), 'Restore').click()
  await page.getByText('Revision 3').first().waitFor()
  assert.doesNotMatch((await server.call('GET', '/v2/workflows/fan')).definition, /wait-after/)
})

scenario('the editor completes keys, actions and tasks', '/workflows?new=1', async (page) => {
  const editor = page.locator('[data-testid=editor]')
  await node(page, 'hello').waitFor()
  await editor.locator('.cm-content').click()
  await page.keyboard.press('Control+End')
  await page.keyboard.type('      on-su')
  await editor.locator('.cm-tooltip-autocomplete', { hasText: 'on-success' }).waitFor()
  await page.waitForTimeout(200) // what has just been offered is not taken at once, lest a key meant for the text takes it
  await page.keyboard.press('Enter')
  await editor.locator('.cm-line', { hasText: 'on-success:' }).nth(1).waitFor()
  await page.getByTestId('lint').getByText('1 mistake').waitFor()
  await node(page, 'hello').waitFor() // the graph stays while a line is being written
})

scenario('the editor completes what expressions know, as the server says', '/workflows?new=1', async (page) => {
  const { functions } = await server.call('GET', '/v2/expressions/functions')
  assert.ok(functions.length > 200)
  const editor = page.getByTestId('editor')
  const content = editor.locator('.cm-content')
  await content.click()
  const offers = async (text, label, ...not) => {
    await page.keyboard.press('Control+End')
    await page.keyboard.type('\n' + text)
    await editor.locator('.cm-tooltip-autocomplete li', { hasText: label }).first().waitFor()
    for (const n of not) assert.equal(await editor.locator('.cm-completionLabel', { hasText: new RegExp(`^${n}$`) }).count(), 0, n)
    await page.keyboard.press('Escape')
  }
  await offers('x: <% json_d', 'json_dump')
  await offers('x: <% $.name.toU', 'toUpper', 'json_dump')
  await offers('x: "{{ _.name | wordc', 'wordcount', 'toUpper')
  await offers('x: "{{ _.name is divi', 'divisibleby')
  await offers('x: "{{ tas', 'task_name')
})

scenario('a new workflow, workbook and action are written', '/workbooks?new=1', async (page) => {
  await page.locator('[data-testid=editor] .cm-content').waitFor()
  await node(page, 'hello').waitFor()
  await button(page, 'Save').click()
  await page.waitForURL(/workbooks\/my_workbook/)
  await page.goto(server.url + '/ui/actions?new=1')
  await page.locator('[data-testid=editor] .cm-content').waitFor()
  await button(page, 'Save').click()
  await page.waitForURL(/actions\/greet/)
  await page.goto(server.url + '/ui/workflows/my_workbook.main')
  await button(page, 'Edit its workbook').waitFor()
})

scenario('actions are found and tried', '/actions', async (page) => {
  await page.getByLabel('Name, or what it does').fill('std.echo')
  await page.locator('article', { hasText: 'std.echo' }).getByRole('button', { name: 'Try' }).click()
  const d = page.getByRole('dialog')
  await d.getByLabel('Input').fill('{"output": "tried"}')
  await button(d, 'Run it').click()
  await d.locator('.json', { hasText: 'tried' }).waitFor()
})

scenario('an environment is made, changed and compared', '/environments', async (page) => {
  await button(page, 'New environment').click()
  let d = page.getByRole('dialog')
  await d.getByLabel('Name').fill('staging')
  await d.getByLabel('Variables').fill('{"region": "north"')
  assert.ok(await button(d, 'Save').isDisabled())
  await d.getByLabel('Variables').fill('{"region": "north"}')
  await button(d, 'Save').click()
  await page.waitForURL(/environments\/staging/)
  await button(page, 'Edit').click()
  d = page.getByRole('dialog')
  await d.getByLabel('Variables').fill('{"region": "south"}')
  await button(d, 'Save').click()
  await page.locator('.json', { hasText: 'south' }).waitFor()
  await page.getByRole('tab', { name: 'Revisions' }).click()
  await page.locator('.diff .add', { hasText: 'south' }).waitFor()
})

scenario('a cron trigger shows its next five runs, of its time zone', '/cron-triggers', async (page) => {
  await button(page, 'New cron trigger').click()
  const d = page.getByRole('dialog')
  await d.getByLabel('Name').fill('each-hour')
  await d.getByLabel(/^Workflow/).fill('fan')
  await d.getByLabel(/^Pattern/).fill('0 99 * * *')
  await d.locator('.error-text').waitFor()
  await d.getByLabel(/^Pattern/).fill('0 * * * *')
  await d.locator('.nextruns li').nth(4).waitFor()
  await d.getByLabel(/^Time zone/).fill('Mars/Olympus')
  await d.locator('.error-text').waitFor()
  await d.getByLabel(/^Time zone/).fill('Asia/Tokyo')
  await d.getByLabel(/^Pattern/).fill('30 9 * * *')
  const utc = { hasText: '00:30:00' } // half past nine in Tokyo, all year round
  await d.locator('.nextruns li', utc).nth(4).waitFor()
  await d.getByLabel('Missed runs').selectOption('skip')
  await button(d, 'Make it').click()
  const card = page.locator('article', { hasText: 'each-hour' })
  await card.locator('.nextruns li', utc).nth(4).waitFor()
  await card.getByText('Asia/Tokyo').waitFor()
  await card.getByText('Missed runs are skipped').waitFor()
  await button(card, 'Delete').click()
  await button(page.getByRole('dialog'), 'Delete').click()
  await card.waitFor({ state: 'detached' })
})

scenario('an event trigger is made, and what it has started says so', '/event-triggers', async (page) => {
  await button(page, 'New event trigger').click()
  const d = page.getByRole('dialog')
  await d.getByLabel('Name').fill('at-create')
  await d.getByLabel(/^Workflow/).fill('fan')
  await d.getByLabel(/^Event/).fill('compute.instance.create.end')
  await button(d, 'Make it').click()
  await page.locator('tr', { hasText: 'compute.instance.create.end' }).waitFor()
  const { triggers } = await server.call('POST', '/v2/event_engine/events', { event_type: 'compute.instance.create.end', exchange: 'openstack', topic: 'notifications' })
  await page.goto(`${server.url}/ui/executions/${triggers[0].execution_id}`)
  await page.getByText('an event trigger', { exact: true }).waitFor()
  await page.getByText('Workflow execution created by event trigger').waitFor()
})

scenario('operations show nodes, runners, causes of errors', '/operations', async (page) => {
  await page.locator('tr', { hasText: 'engine' }).first().waitFor()
  await page.locator('tr', { hasText: 'local' }).locator('.dot.up').waitFor()
  await page.locator('.causes li', { hasText: 'relation "orders"' }).first().waitFor()
  await page.locator('.chart canvas').first().waitFor()
})

scenario('the queue is shown by target, and when nobody serves it', async () => {
  await start(server, 'lunar')
  return '/operations'
}, async (page) => {
  const row = page.locator('tr', { hasText: 'moon' })
  await row.getByText('none: start a runner').waitFor()
  await page.getByText('Nothing had to be mended').waitFor()
})

scenario('a cause leads to all executions that have it', async () => {
  const id = await start(server, 'flaky', { host: 'db-3.example.org' })
  await until(server, id, 'ERROR')
  return '/operations'
}, async (page) => {
  const cause = page.locator('.causes li', { hasText: 'relation "orders"' }).first()
  const n = Number(await cause.locator('.n').textContent())
  await cause.getByRole('link', { name: 'All of them' }).click()
  await page.locator('.vrow.head + *').first().waitFor()
  await page.locator('.sub', { hasText: 'match' }).waitFor()
  assert.ok(parseInt(await page.locator('.pagehead .sub').textContent()) >= n)
})

scenario('commands are in the audit trail', '/audit', async (page) => {
  await page.locator('tr', { hasText: 'stop as CANCELLED' }).first().waitFor()
})

scenario('the audit trail is read page by page', '/nothing', async (page) => {
  const asked = []
  await page.route(/\/v2\/events\?/, async (route) => {
    if (!/^application\/json/.test(route.request().headers().accept)) return route.abort()
    const marker = new URL(route.request().url()).searchParams.get('marker') ?? ''
    asked.push(marker)
    const n = Number(marker || 0)
    const event = { execution_id: `00000000-0000-4000-8000-00000000000${n}`, workflow_name: 'made_up', seq: 1, at: `2026-11-01T10:0${9 - n}:00Z`, kind: 'command', info: `command ${n}`, state: 'PAUSED' }
    await route.fulfill({ json: { events: [event], executions: 100, since: '2026-11-01 09:00:00', ...(n < 4 ? { next: String(n + 1) } : {}) } })
  })
  await page.goto(server.url + '/ui/audit')
  await page.getByText('3 commands to the newest 300 executions').waitFor()
  await button(page, 'Look further back').click()
  await page.locator('tr', { hasText: 'command 4' }).waitFor()
  await page.getByText('5 commands to the newest 500 executions').waitFor()
  assert.deepEqual(asked, ['', '1', '2', '3', '4'])
  assert.equal(await button(page, 'Look further back').count(), 0)
})

scenario('there is a page for what is not there', '/executions/00000000-0000-4000-8000-000000000000', async (page) => {
  await page.getByText('WorkflowExecution not found').waitFor()
  await page.goto(server.url + '/ui/nonsense')
  await page.getByText('There is no such page').waitFor()
})

scenario('why says what follows, and completes by hand', async () => {
  const id = await start(server, 'order')
  return `/executions/${id}?tab=why`
}, async (page) => {
  // What leads to approve names it, too, while that runs.
  const reason = page.locator('.reason', { hasText: 'approve' }).filter({ has: page.getByRole('button', { name: 'refund' }) })
  await reason.getByText('on success').waitFor()
  await button(reason, 'Complete by hand').click()
  await button(page.getByRole('dialog'), 'Complete').click()
  await state(page, 'Success')
})

const hostile = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'"&\u202e{{7*7}}`

let hostileFlow = ''

scenario('names and outputs that are markup are shown as text', async () => {
  const wf = 'h' + Math.random().toString(36).slice(2)
  await server.call('POST', '/v2/workflows', JSON.stringify({
    version: '2.0',
    [wf]: {
      description: hostile, tags: [hostile.slice(0, 60)], input: [{ text: hostile }], output: { o: '<% $.text %>' },
      tasks: { '<b onclick=alert(1)>t</b>': { action: 'std.echo', input: { output: '<% $.text %>' }, publish: { [hostile]: '<% task().result %>' }, 'on-success': 'bad' }, bad: { action: 'std.fail', input: { error_data: hostile } } },
    },
  }))
  await server.call('POST', '/v2/environments', { name: hostile.slice(0, 60), description: hostile, variables: { [hostile]: hostile } })
  await server.call('POST', '/v2/actions', JSON.stringify({ version: '2.0', ['a' + wf]: { description: hostile, base: 'std.echo', 'base-input': { output: hostile }, input: [{ text: hostile }] } }))
  await server.call('POST', '/v2/workbooks', JSON.stringify({ version: '2.0', name: 'b' + wf, description: hostile, tags: [hostile.slice(0, 60)], workflows: { w: { description: hostile, tasks: { t: { action: 'std.echo', input: { output: hostile } } } } } }))
  await server.call('POST', '/v2/cron_triggers', { name: hostile.slice(0, 60), workflow_name: wf, pattern: '0 3 1 1 *', workflow_input: { text: hostile } })
  const { id: flow } = await server.call('GET', `/v2/workflows/${wf}`)
  await server.call('POST', '/v2/event_triggers', { name: hostile.slice(0, 60), workflow_id: flow, exchange: hostile.slice(0, 60), topic: hostile.slice(0, 60), event: hostile.slice(0, 60), workflow_input: {} })
  hostileFlow = wf
  const id = await start(server, wf, { text: hostile }, { description: hostile })
  await until(server, id, 'ERROR', 'SUCCESS')
  return `/executions/${id}`
}, async (page) => {
  const id = idIn(page)
  await state(page, /Error|Success/)
  // What a page complains of fails the scenario, whichever page it was.
  await page.addInitScript(() => Object.defineProperty(window, 'hacked', { set: () => console.error('script of a name or an output has run') }))
  for (const q of ['', '?task=%3Cb+onclick%3Dalert(1)%3Et%3C%2Fb%3E', '?task=bad', '?tab=timeline', '?tab=why', '?tab=data', '?tab=context', '?tab=events', '?tab=definition']) {
    await page.goto(`${server.url}/ui/executions/${id}${q}`)
    await page.locator('[data-testid=state] .badge').waitFor()
    await page.waitForLoadState('load')
    await page.locator('.pane > *').first().waitFor()
  }
  const name = encodeURIComponent(hostile.slice(0, 60))
  for (const p of [
    '/executions', '/executions?q=' + encodeURIComponent(`tag:"${hostile}"`), '/executions?q=' + encodeURIComponent(`${hostile}:x "`), `/executions/${encodeURIComponent(hostile)}`, '/environments', `/environments/${name}`, `/environments/${name}?tab=revisions`,
    '/workflows', `/workflows/${hostileFlow}`, `/workflows/${hostileFlow}?tab=revisions`, `/workflows/${hostileFlow}?tab=executions`, `/workflows/${hostileFlow}?start=1`, `/workflows/${hostileFlow}?edit=1`, `/workflows/${encodeURIComponent(hostile)}`,
    '/workbooks', `/workbooks/b${hostileFlow}`, '/actions', `/actions/a${hostileFlow}`, '/cron-triggers', '/event-triggers', '/operations', '/audit', `/${encodeURIComponent(hostile)}`,
  ]) {
    await page.goto(server.url + '/ui' + p)
    await page.locator('h1, h2, .errorbox').first().waitFor()
    await page.waitForFunction(() => !document.querySelector('.loading'))
    assert.equal(await page.locator('img').count(), 0, p)
  }
  assert.equal(await page.evaluate(() => window.hacked), undefined)
})

scenario('what somebody types, and what the server says of it, is shown as text', async () => {
  const id = await start(server, 'fan', { n: 1 })
  await until(server, id, 'SUCCESS')
  return `/executions/${id}?tab=context`
}, async (page) => {
  await page.getByLabel('YAQL between').fill(`<% "${hostile.replace(/["%{}]/g, '')}" %>`)
  await button(page, 'Evaluate').click()
  await page.getByLabel('Result', { exact: true }).waitFor()
  await page.getByLabel('YAQL between').fill(`<% ${hostile} %>`)
  await button(page, 'Evaluate').click()
  await page.locator('.playground .errorbox').waitFor()
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: 'Name of a page' }).fill(hostile)
  await page.getByText('Nothing has this name').waitFor()
  assert.equal(await page.evaluate(() => window.hacked), undefined)
  assert.equal(await page.locator('img').count(), 0)
})

test('who has no token signs in with one', { timeout: 120_000 }, async () => {
  const file = join(server.dir, 'tokens.yaml')
  writeFileSync(file, '- {token: alice-0123456789abcdef, user: alice, project: web, roles: [member]}\n', { mode: 0o600 })
  const guarded = await startServer('--auth', 'tokens', '--auth-tokens', file)
  try {
    const p = await openPage(browser, guarded, '/executions')
    const d = p.page.getByRole('dialog', { name: 'Sign in' })
    await d.getByLabel('Token').fill('mallory-0123456789ab')
    await button(d, 'Sign in').click()
    await d.getByText('does not know this token').waitFor()
    await d.getByLabel('Token').fill('alice-0123456789abcdef')
    await button(d, 'Sign in').click()
    await p.page.getByText('Nothing has run yet').waitFor()
    await button(p.page, 'Run this example').click()
    await state(p.page, 'Success')
    await p.page.locator('.facts', { hasText: 'Started by' }).getByText('alice of web').waitFor()
    await p.page.goto(guarded.url + '/ui/audit')
    const row = p.page.locator('tr', { hasText: 'start' })
    await row.getByText('alice of web').waitFor()
    await p.page.getByLabel('Find a command').fill('nobody')
    await p.page.getByText('No command that is loaded has this in it').waitFor()
    await button(p.page, 'Sign out').click()
    await d.waitFor()
    await p.close()
  } finally {
    await guarded.stop()
  }
})

test('the first page is small: at most 40 kB compressed until the list is there', async () => {
  const html = await (await fetch(server.url + '/ui/')).text()
  let size = gzipSync(html).length
  const files = [...html.matchAll(/(?:src|href)="(\/ui\/assets\/[^"]+)"/g)].map((m) => m[1])
  assert.ok(files.length >= 2, html)
  for (const f of files) size += gzipSync(Buffer.from(await (await fetch(server.url + f)).arrayBuffer()), { level: 9 }).length
  console.log(`first page: ${(size / 1024).toFixed(1)} kB compressed in ${files.length + 1} files`)
  assert.ok(size <= 40 * 1024, `${size} bytes`)
})

// Printed and not judged: how long things take depends on what else the machine does.
test('how soon a change is seen', { timeout: 120_000 }, async () => {
  const id = await start(server, 'slow')
  const p = await openPage(browser, server, `/executions/${id}`)
  await state(p.page, 'Running')
  await node(p.page, 'nap').waitFor()
  await p.page.evaluate(() => {
    window.seen = []
    const badge = document.querySelector('[data-testid=state]')
    new MutationObserver(() => window.seen.push([badge.textContent, Date.now()])).observe(badge, { subtree: true, childList: true, characterData: true, attributes: true })
  })
  for (let i = 0; i < 5; i++) {
    await server.call('PUT', `/v2/executions/${id}`, { state: i % 2 ? 'RUNNING' : 'PAUSED' })
    await state(p.page, i % 2 ? 'Running' : 'Paused')
  }
  const { events } = await server.call('GET', `/v2/executions/${id}/events`, undefined, { Accept: 'application/json' })
  const at = events.filter((e) => e.kind === 'execution.state').slice(1).map((e) => Date.parse(e.at))
  const seen = await p.page.evaluate(() => window.seen)
  const after = at.map((t, i) => seen.find(([text, when]) => text === (i % 2 ? 'Running' : 'Paused') && when >= t)?.[1] - t)
  console.log(`a change of state is seen after ${after.join(', ')} ms`)
  assert.ok(after.every(Number.isFinite), JSON.stringify({ at, seen }))
  const ready = await p.page.evaluate(() => Math.round(performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd))
  console.log(`the page's script has run ${ready} ms after the request`)
  await p.close()
})

const paths = (id) => [
  '/executions', `/executions/${id}?task=migrate`, `/executions/${id}?tab=timeline`, `/executions/${id}?tab=why`, `/executions/${id}?tab=context`, `/executions/${id}?tab=events`, `/executions/${id}?tab=definition`,
  '/workflows', '/workflows/order', '/workflows/order?start=1', '/workflows/order?edit=1', '/workbooks', '/actions', '/environments', '/cron-triggers', '/event-triggers', '/operations', '/audit',
]

async function eachPage(options, act) {
  const id = await start(server, 'flaky')
  await until(server, id, 'ERROR')
  const p = await openPage(browser, server, '/executions', { reducedMotion: 'reduce', ...options })
  for (const path of paths(id)) {
    await p.page.goto(server.url + '/ui' + path)
    await p.page.locator('h1').first().waitFor()
    await p.page.waitForFunction(() => !document.querySelector('.loading'))
    await act(p.page, path)
  }
  await p.close()
}

test('no page has a serious finding of accessibility', { timeout: 600_000 }, async () => {
  const found = []
  await eachPage({}, async (page, path) => found.push(...(await accessibility(page)).map((l) => `${path}: ${l}`)))
  assert.deepEqual(found, [])
})

test('nor has the dark look', { timeout: 600_000 }, async () => {
  const found = []
  await eachPage({ colorScheme: 'dark' }, async (page, path) => found.push(...(await accessibility(page)).map((l) => `${path}: ${l}`)))
  assert.deepEqual(found, [])
})

for (const colorScheme of ['light', 'dark']) {
  scenario(`nor have dialogs, menus and empty pages (${colorScheme})`, async () => '/executions/' + (await start(server, 'order')), async (page) => {
    const found = []
    const look = async (what) => found.push(...(await accessibility(page)).map((l) => `${what}: ${l}`))
    await button(page, 'Cancel').click()
    await look('a command')
    await page.keyboard.press('Escape')
    await button(page, 'More').click()
    await look('a menu')
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+k')
    await look('the palette')
    await page.keyboard.press('Escape')
    await page.keyboard.press('?')
    await look('the keys')
    await page.goto(server.url + '/ui/executions?q=workflow%3Anothing')
    await page.getByText('Nothing matches').waitFor()
    await look('nothing')
    await page.goto(server.url + '/ui/executions')
    await page.locator('.vrow:not(.head) input').first().check()
    await button(page, 'Cancel').click()
    await page.getByRole('dialog').getByText('is meant').waitFor()
    await look('many at once')
    await page.goto(server.url + '/ui/cron-triggers')
    await button(page, 'New cron trigger').click()
    await look('a form')
    assert.deepEqual(found, [])
  }, { colorScheme, reducedMotion: 'reduce' })
}

scenario('who wants no motion sees none', async () => '/executions/' + (await start(server, 'order')), async (page) => {
  await node(page, 'approve', 'RUNNING').waitFor()
  await page.keyboard.press('Control+k')
  assert.equal(await page.evaluate(() => document.getAnimations().filter((a) => a.playState === 'running').length), 0)
}, { reducedMotion: 'reduce' })

scenario('where nothing is yet, each page says what to do', '/executions', async (page, t) => {
  const empty = await startServer()
  t.after(() => empty.stop())
  for (const [path, action] of [['/executions', 'Run this example'], ['/workflows', 'Write the first workflow'], ['/workbooks', 'Write the first workbook'], ['/environments', 'Make the first one'], ['/cron-triggers', 'Make the first one'], ['/event-triggers', 'Make the first one']]) {
    await page.goto(empty.url + '/ui' + path)
    await page.locator('.empty').getByRole('button', { name: action }).waitFor()
  }
  await page.goto(empty.url + '/ui/audit')
  await page.getByText('No command was given').waitFor()
  // The example of the editor runs as it is.
  await page.goto(empty.url + '/ui/workflows?new=1')
  await page.getByText('No mistakes').waitFor()
  await button(page, 'Save').click()
  await button(page, 'Start').click()
  await button(page.getByRole('dialog'), 'Start').click()
  await state(page, 'Success')
})

test('pages fit a phone', { timeout: 600_000 }, async () => {
  const found = []
  await eachPage({ viewport: { width: 390, height: 844 } }, async (page, path) => {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    if (wide > 1) found.push(`${path} is ${wide} px wider than a phone`)
  })
  assert.deepEqual(found, [])
})
