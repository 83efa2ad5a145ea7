import { defineConfig } from 'vite'

// The page is served below /ui/ by the binary, under a policy that allows neither inline scripts nor inline styles: nothing may be
// inlined, and no polyfill may write itself into the page.
export default defineConfig({
  base: '/ui/',
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
    reportCompressedSize: true,
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: { format: 'es' },
  server: { proxy: { '/v2': 'http://127.0.0.1:8989', '/metrics': 'http://127.0.0.1:8989' } },
})
