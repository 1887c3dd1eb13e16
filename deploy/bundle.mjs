// Bundles the programs of the demo's containers (e2e/deploy) into e2e/dist, each one file with every library in it: their
// images need no node_modules. Plain JavaScript, like packages/tools/build.mjs: it runs while images are built.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

await build({
  entryPoints: ['init', 'idp', 'setup', 'handout', 'report'].map((name) => ({
    in: join(root, 'e2e', 'deploy', `${name}.ts`),
    out: `compose-${name}`,
  })),
  // Two folders below the root, where e2e/stack/root.ts counts from.
  outdir: join(root, 'e2e', 'dist'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
  // Optional and native; node-postgres asks for it in a try.
  external: ['pg-native'],
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
})
