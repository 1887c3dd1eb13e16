// Collects what an app needs to run into a folder: its bundle, and of node_modules exactly the packages that it depends on
// in production, in the layout of pnpm. Optional peers (the whole Prisma CLI is one) and our own packages, which the
// bundle holds, stay behind.
//   node deploy/collect.mjs APP OUT
import { cpSync, existsSync, lstatSync, mkdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const [app, out] = process.argv.slice(2)
if (app === undefined || out === undefined) throw new Error('usage: node deploy/collect.mjs APP OUT')
const from = join(root, 'apps', app)
const manifestOf = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))

/** Packages that must be beside this one, or may be. */
function wanted(manifest) {
  const { dependencies = {}, optionalDependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = manifest
  const peers = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true)
  const optional = new Set(Object.keys(optionalDependencies))
  return [...new Set([...Object.keys(dependencies), ...peers, ...optional])]
    .filter((name) => !name.startsWith('@sallyport/'))
    .map((name) => ({ name, isOptional: optional.has(name) }))
}

/** Where a package's own folder goes: the same place below the store of `out` as below that of the checkout. */
const store = join(root, 'node_modules', '.pnpm')
const placeOf = (folder) => join(out, 'node_modules', '.pnpm', relative(store, folder))

function link(name, folder, target) {
  const path = join(folder, name)
  if (existsSync(path) || lstatSync(path, { throwIfNoEntry: false }) !== undefined) return
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(relative(dirname(path), target), path)
}

/** Types, sources, maps and manuals of libraries: nothing reads them at run time. Licences stay. */
const isRead = (path) => !/\.(map|md|markdown|[cm]?ts)$/.test(path)

const seen = new Set()
function take(folder) {
  if (!folder.startsWith(`${store}${sep}`)) throw new Error(`"${folder}" is not in pnpm's store`)
  if (seen.has(folder)) return
  seen.add(folder)
  cpSync(folder, placeOf(folder), { recursive: true, verbatimSymlinks: true, filter: isRead })
  const manifest = manifestOf(folder)
  // .pnpm/ID/node_modules, which holds the package and links to what it needs.
  const siblings = folder.slice(0, folder.length - manifest.name.length)
  takeAll(manifest, siblings, dirname(join(placeOf(folder), manifest.name.includes('/') ? '..' : '.')))
}

function takeAll(manifest, look, place) {
  for (const { name, isOptional } of wanted(manifest)) {
    const path = join(look, name)
    if (!existsSync(path)) {
      if (isOptional) continue
      throw new Error(`"${manifest.name}" needs "${name}", which is not installed`)
    }
    const folder = realpathSync(path)
    take(folder)
    link(name, place, placeOf(folder))
  }
}

mkdirSync(join(out, 'node_modules'), { recursive: true })
takeAll(manifestOf(from), join(from, 'node_modules'), join(out, 'node_modules'))
cpSync(join(from, 'dist'), join(out, 'dist'), { recursive: true })
cpSync(join(from, 'package.json'), join(out, 'package.json'))
process.stdout.write(`${app}: ${seen.size} packages\n`)
