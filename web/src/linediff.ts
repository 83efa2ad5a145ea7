// Differences of two texts, line by line, in the form of `diff -u`.

const linesMax = 3000
const around = 3

export function lineDiff(a: string, b: string): string {
  if (a === b) return ''
  const x = a.split('\n')
  const y = b.split('\n')
  if (x.length > linesMax || y.length > linesMax) return '@@ too long to be compared line by line @@'
  let head = 0
  while (head < x.length && head < y.length && x[head] === y[head]) head++
  let tail = 0
  while (tail < x.length - head && tail < y.length - head && x[x.length - 1 - tail] === y[y.length - 1 - tail]) tail++
  const mx = x.slice(head, x.length - tail)
  const my = y.slice(head, y.length - tail)
  const w = my.length + 1
  const lcs = new Uint16Array((mx.length + 1) * w)
  for (let i = mx.length - 1; i >= 0; i--)
    for (let j = my.length - 1; j >= 0; j--) lcs[i * w + j] = mx[i] === my[j] ? lcs[(i + 1) * w + j + 1]! + 1 : Math.max(lcs[(i + 1) * w + j]!, lcs[i * w + j + 1]!)
  const out: string[] = x.slice(0, head).map((l) => ' ' + l)
  let i = 0
  let j = 0
  while (i < mx.length || j < my.length) {
    if (i < mx.length && j < my.length && mx[i] === my[j]) {
      out.push(' ' + mx[i++])
      j++
    } else if (j >= my.length || (i < mx.length && lcs[(i + 1) * w + j]! >= lcs[i * w + j + 1]!)) out.push('-' + mx[i++])
    else out.push('+' + my[j++])
  }
  out.push(...x.slice(x.length - tail).map((l) => ' ' + l))
  // Only what is near a change.
  const near = new Array<boolean>(out.length).fill(false)
  out.forEach((l, n) => {
    if (l[0] !== ' ') for (let k = Math.max(0, n - around); k <= Math.min(out.length - 1, n + around); k++) near[k] = true
  })
  const short: string[] = []
  out.forEach((l, n) => {
    if (near[n]) short.push(l)
    else if (near[n - 1]) short.push('@@ … @@')
  })
  return short.join('\n')
}
