// Bundles each app into apps/NAME/dist/main.js, and the demo into e2e/dist/demo.js, with the libraries that they use. With
// --console the console is built as well.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { outside } from './outside.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const bundles = [
  ...['agent', 'control-plane', 'cli'].map((name) => ({
    from: join(root, 'apps', name, 'src', 'main.ts'),
    to: join(root, 'apps', name, 'dist', 'main.js'),
  })),
  { from: join(root, 'e2e', 'demo', 'demo.ts'), to: join(root, 'e2e', 'dist', 'demo.js') },
]

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
      // The text of a bundle stays in memory, with --enable-source-maps its map too: names of functions and lines are enough there.
      sourcesContent: false,
      minifyWhitespace: true,
      minifySyntax: true,
      logLevel: 'warning',
      external: outside,
      // Some of the bundled libraries are CommonJS and ask for Node's modules and for their place.
      banner: {
        js: [
          "import { createRequire as __createRequire } from 'node:module'",
          "import { dirname as __dirnameOf } from 'node:path'",
          "import { fileURLToPath as __fileOf } from 'node:url'",
          'const require = __createRequire(import.meta.url)',
          'const __filename = __fileOf(import.meta.url)',
          'const __dirname = __dirnameOf(__filename)',
        ].join('; '),
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
