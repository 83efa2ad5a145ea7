// Pictures of each page for people to look at: node test/shots.mjs [pages] [looks], each a list with commas; all without.
import { openPage, shot, startBrowser, startServer } from './world.mjs'
import { populate } from './seed.mjs'

const looks = {
  light: {},
  dark: { colorScheme: 'dark' },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
}

const chosen = (list, name) => !list || list.split(',').includes(name)
const server = await startServer()
const browser = await startBrowser()
try {
  const ids = await populate(server)
  const pages = {
    executions: '/executions', failed: `/executions/${ids.failed}?task=migrate`, graph: `/executions/${ids.fleet}`, live: `/executions/${ids.order}?task=approve`, timeline: `/executions/${ids.fleet}?tab=timeline`,
    why: `/executions/${ids.order}?tab=why`, context: `/executions/${ids.fleet}?tab=context`, events: `/executions/${ids.order}?tab=events`, definition: `/executions/${ids.fleet}?tab=definition&task=create_servers`,
    children: `/executions/${ids.family}?tab=children`, workflows: '/workflows', workflow: '/workflows/order', start: '/workflows/order?start=1', edit: '/workflows/order?edit=1', workbook: '/workbooks/fleet', actions: '/actions',
    environments: '/environments', environment: '/environments/staging', cron: '/cron-triggers', 'event-triggers': '/event-triggers', operations: '/operations', queue: '/operations', causes: '/operations', audit: '/audit',
  }
  for (const [look, options] of Object.entries(looks)) {
    if (!chosen(process.argv[3], look)) continue
    const p = await openPage(browser, server, '/executions', { ...options, reducedMotion: 'reduce' })
    for (const [name, path] of Object.entries(pages)) {
      if (!chosen(process.argv[2], name)) continue
      await p.page.goto(server.url + '/ui' + path)
      await p.page.locator('h1').first().waitFor()
      await p.page.waitForFunction(() => !document.querySelector('.loading'))
      if (name === 'edit') await p.page.waitForTimeout(1500) // colours come when the text was read to its end
      if (name === 'operations') await p.page.waitForTimeout(6000) // the charts need a few points
      if (name === 'queue') await p.page.getByText('Queue by target').scrollIntoViewIfNeeded()
      if (name === 'causes') await p.page.getByText('Slowest').scrollIntoViewIfNeeded()
      await shot(p.page, `${name}-${look}`)
    }
    await p.close()
  }
} finally {
  await browser.close()
  await server.stop()
}
