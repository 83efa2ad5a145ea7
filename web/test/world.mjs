// A world for the tests: the real binary on a SQLite file, a browser, and what both need.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const here = fileURLToPath(new URL('.', import.meta.url))
export const root = join(here, '..', '..')
export const out = join(here, 'out')
const binary = process.env.CIERZO ?? join(root, 'bin', 'cierzo')

function browserPath() {
  const found = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((p) => p && existsSync(p))
  if (!found) throw new Error('no Chromium: apt-get install chromium, or set CHROMIUM')
  return found
}

function freePort() {
  return new Promise((done, fail) => {
    const s = createServer()
    s.once('error', fail)
    s.listen(0, '127.0.0.1', () => {
      const { port } = s.address()
      s.close(() => done(port))
    })
  })
}

/** Starts a node; flags are added to its command line. */
export async function startServer(...flags) {
  const dir = mkdtempSync(join(tmpdir(), 'cierzo-ui-'))
  const port = await freePort()
  const child = spawn(binary, ['server', '--listen', `127.0.0.1:${port}`, '--store', `sqlite://${dir}/ui.db`, '--targets', 'local', ...flags], { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr.on('data', (d) => (log = (log + d).slice(-20_000)))
  const ended = new Promise((done) => child.once('exit', done))
  const url = `http://127.0.0.1:${port}`
  for (let i = 0; ; i++) {
    if (child.exitCode !== null) throw new Error(`the server has ended:\n${log}`)
    const res = await fetch(url + '/healthcheck').catch(() => null)
    if (res?.ok) break
    if (i > 300) throw new Error(`the server does not answer:\n${log}`)
    await new Promise((r) => setTimeout(r, 50))
  }
  const call = async (method, path, body, header = {}) => {
    const text = typeof body === 'string'
    const res = await fetch(url + path, { method, headers: { ...(body === undefined ? {} : { 'Content-Type': text ? 'text/plain' : 'application/json' }), ...header }, body: body === undefined ? undefined : text ? body : JSON.stringify(body) })
    const answer = await res.text()
    if (!res.ok) throw new Error(`${method} ${path}: ${res.status} ${answer}`)
    return answer ? JSON.parse(answer) : undefined
  }
  return {
    url, dir, call, log: () => log,
    async stop() {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
      await ended
      clearTimeout(timer)
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

export async function startBrowser() {
  const browser = await chromium.launch({ executablePath: browserPath(), args: ['--no-sandbox', '--force-color-profile=srgb', '--disable-lcd-text'] })
  return browser
}

/** A page whose errors make the test fail: scripts that break, and what the policy has refused. */
export async function openPage(browser, server, path, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', timezoneId: 'UTC', ...options })
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const page = await context.newPage()
  page.setDefaultTimeout(40_000)
  const problems = []
  page.on('pageerror', (e) => problems.push(String(e.stack ?? e)))
  page.on('console', (m) => {
    if (m.type() === 'error' && !/Failed to load resource/.test(m.text())) problems.push(m.text())
  })
  await page.goto(server.url + '/ui' + path)
  return {
    page, problems,
    async close() {
      await context.close()
      if (problems.length) throw new Error('the page has complained:\n' + problems.join('\n'))
    },
  }
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** The serious findings of axe on the page, as lines; only of some rules if they are named. */
export async function accessibility(page, rules) {
  await page.evaluate(axeSource)
  const result = await page.evaluate((only) => window.axe.run(document, { resultTypes: ['violations'], ...(only ? { runOnly: only } : {}) }), rules)
  return result.violations
    .filter((v) => ['serious', 'critical'].includes(v.impact))
    .map((v) => `${v.id}: ${v.help}\n` + v.nodes.slice(0, 4).map((n) => `   ${n.html.slice(0, 160)}\n   ${n.failureSummary?.split('\n').slice(1, 3).join(' ')}`).join('\n'))
}

export async function shot(page, name) {
  mkdirSync(out, { recursive: true })
  await page.screenshot({ path: join(out, name + '.png') })
}

/** Waits until an execution is in one of the states. */
export async function until(server, id, ...states) {
  for (let i = 0; i < 400; i++) {
    const e = await server.call('GET', `/v2/executions/${id}`)
    if (states.includes(e.state)) return e
    await new Promise((r) => setTimeout(r, 50))
  }
  throw new Error(`execution ${id} is not ${states.join(' or ')}`)
}

export const example = (name) => readFileSync(join(root, 'examples', name), 'utf8')
