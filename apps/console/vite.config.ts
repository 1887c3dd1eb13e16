// Builds the console into dist/, which the control plane serves. No inlined asset: the content policy allows files only.
import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const controlPlane = process.env['SALLYPORT_CONTROL_PLANE'] ?? 'http://127.0.0.1:7400'

export default defineConfig({
  plugins: [react(), tailwindcss()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    sourcemap: true,
    manifest: true,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': controlPlane, '/auth': controlPlane } },
})
