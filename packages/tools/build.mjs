// Bundles each app into apps/NAME/dist/main.js, and the demo into e2e/dist/demo.js: our own packages and the pure libraries
// that they use go in, the app's own libraries stay outside (some open files beside themselves, libpg-query's WebAssembly
// for one). With --console the console is built as well.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const bundles = [
  ...['agent', 'control-plane', 'cli'].map((name) => ({
    from: join(root, 'apps', name, 'src', 'main.ts'),
    to: join(root, 'apps', name, 'dist', 'main.js'),
  })),
  { from: join(root, 'e2e', 'demo', 'demo.ts'), to: join(root, 'e2e', 'dist', 'demo.js') },
]
const rooms = [join(root, 'apps'), join(root, 'e2e')]

/** A bare import of an app is a library of that app; of a package of ours, it is bundled. */
const outsideLibraries = {
  name: 'outside-libraries',
  setup(context) {
    context.onResolve({ filter: /^[^./]/ }, ({ path, importer, kind }) => {
      if (kind === 'entry-point') return undefined
      if (path.startsWith('@sallyport/')) return undefined
      if (path.startsWith('node:')) return { external: true }
      // Two copies of grpc-js would not know each other's classes: packages/proto uses the app's.
      if (path.startsWith('@grpc/')) return { external: true }
      const isApp = rooms.some((room) => importer.startsWith(room)) && !importer.includes('node_modules')
      return isApp ? { external: true } : undefined
    })
  },
}

await Promise.all(
  bundles.map(({ from, to }) =>
    build({
      entryPoints: [from],
      outfile: to,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      sourcemap: true,
      logLevel: 'warning',
      plugins: [outsideLibraries],
      // Some of the bundled libraries are CommonJS and ask for Node's modules.
      banner: {
        js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
      },
    }),
  ),
)

if (process.argv.includes('--console')) {
  const folder = join(root, 'apps', 'console')
  const done = spawnSync(process.execPath, [join(folder, 'node_modules', 'vite', 'bin', 'vite.js'), 'build'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  })
  if (done.status !== 0) {
    process.stderr.write(`${done.stdout}${done.stderr}`)
    process.exitCode = 1
  }
}
