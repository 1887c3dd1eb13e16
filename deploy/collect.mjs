// Collects what an app needs to run into a folder: its bundle, of node_modules exactly the packages that the bundle leaves
// outside and what those need, in the layout of pnpm, and in licences/ the licence of every library that is in the bundle.
// Optional peers (the whole Prisma CLI is one) and our own packages stay behind.
//   node deploy/collect.mjs APP OUT
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { outside } from '../packages/tools/outside.mjs'

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

const isLicence = (path) => /^(licen[cs]e|notice|copying)/i.test(basename(path))

/** In the bundle: of these only the licence is taken, for whoever receives the image. */
function takeLicence(folder, manifest) {
  const place = join(out, 'licences', `${manifest.name.replace('/', '__')}@${manifest.version}`)
  const files = readdirSync(folder).filter(isLicence)
  mkdirSync(place, { recursive: true })
  for (const file of files) cpSync(join(folder, file), join(place, file), { recursive: true })
  // Some packages name their licence in the manifest and carry no text.
  if (files.length === 0) writeFileSync(join(place, 'LICENSE'), `${JSON.stringify(manifest.license ?? 'unknown')}\n`)
}

const seen = new Set()
/** One package and all that it needs; `isOutside`: of a library that the bundle asks for at run time. */
function take(folder, isOutside) {
  if (!folder.startsWith(`${store}${sep}`)) throw new Error(`"${folder}" is not in pnpm's store`)
  const key = `${isOutside} ${folder}`
  if (seen.has(key)) return
  seen.add(key)
  const manifest = manifestOf(folder)
  if (isOutside) cpSync(folder, placeOf(folder), { recursive: true, verbatimSymlinks: true, filter: isRead })
  else takeLicence(folder, manifest)
  // .pnpm/ID/node_modules, which holds the package and links to what it needs.
  const siblings = folder.slice(0, folder.length - manifest.name.length)
  takeAll(manifest, siblings, dirname(join(placeOf(folder), manifest.name.includes('/') ? '..' : '.')), () => isOutside)
}

function takeAll(manifest, look, place, isOutsideOf) {
  for (const { name, isOptional } of wanted(manifest)) {
    const path = join(look, name)
    if (!existsSync(path)) {
      if (isOptional) continue
      throw new Error(`"${manifest.name}" needs "${name}", which is not installed`)
    }
    const folder = realpathSync(path)
    take(folder, isOutsideOf(name))
    if (isOutsideOf(name)) link(name, place, placeOf(folder))
  }
}

mkdirSync(join(out, 'node_modules'), { recursive: true })
takeAll(manifestOf(from), join(from, 'node_modules'), join(out, 'node_modules'), (name) => outside.includes(name))
cpSync(join(from, 'dist'), join(out, 'dist'), { recursive: true })
cpSync(join(from, 'package.json'), join(out, 'package.json'))
process.stdout.write(`${app}: ${seen.size} packages\n`)
