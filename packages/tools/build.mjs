// Bundles each app into apps/NAME/dist/main.js: our own packages and the pure libraries that they use go in, the app's
// own libraries stay outside (some open files beside themselves, libpg-query's WebAssembly for one).
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const apps = ['agent', 'control-plane', 'cli']

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
      return importer.startsWith(join(root, 'apps')) && !importer.includes('node_modules')
        ? { external: true }
        : undefined
    })
  },
}

await Promise.all(
  apps.map((name) =>
    build({
      entryPoints: [join(root, 'apps', name, 'src', 'main.ts')],
      outfile: join(root, 'apps', name, 'dist', 'main.js'),
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
