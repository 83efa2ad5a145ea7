// The size of the first page, compressed: all files until the list is there. A build that makes it larger than it may be fails.
import { gzipSync } from 'node:zlib'
import { readFileSync } from 'node:fs'

const max = 40 * 1024
const read = (path) => readFileSync(new URL('dist/' + path, import.meta.url))
const html = read('index.html')
const files = [...String(html).matchAll(/(?:src|href)="\/ui\/(assets\/[^"]+)"/g)].map((m) => m[1])
const size = [html, ...files.map(read)].reduce((n, text) => n + gzipSync(text, { level: 9 }).length, 0)
if (files.length < 2 || size > max) {
  console.error(`ui: the first page is ${(size / 1024).toFixed(1)} kB compressed in ${files.length + 1} files; it may have ${max / 1024} kB: load what it does not need later`)
  process.exit(1)
}
