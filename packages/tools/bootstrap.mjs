// What `npm run demo` and `npm test` start: does all set-up on a machine with only Node and git, then runs the thing.
// No dependency and no TypeScript in here: it runs before anything is installed. Set-up that is done is not done again.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const cache = join(root, 'node_modules', '.cache', 'sallyport')
const pnpmVersion = '10.34.8'
const nodeMin = [20, 19]

const say = (text) => process.stderr.write(`${text}\n`)
function stop(text, fix) {
  say(`error: ${text}`)
  if (fix) say(`  fix: ${fix}`)
  process.exit(1)
}

const environment = {
  ...process.env,
  COREPACK_ENABLE_DOWNLOAD_PROMPT: '0',
  CHECKPOINT_DISABLE: '1',
  // "npm run --silent" would silence the reason of a failure, too.
  npm_config_loglevel: 'warn',
  // tsx would leave its cache in the temporary folder.
  TSX_DISABLE_CACHE: '1',
  PRISMA_SCHEMA_ENGINE_BINARY: join(root, 'prisma', 'schema-engine.mjs'),
  PRISMA_HIDE_UPDATE_MESSAGE: '1',
  PATH: `${join(root, 'node_modules', '.bin')}:${process.env.PATH ?? ''}`,
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < nodeMin[0] || (major === nodeMin[0] && minor < nodeMin[1]))
    stop(`Node ${process.versions.node} is too old`, `install Node ${nodeMin.join('.')} or later`)
}

function digestOf(files) {
  const hash = createHash('sha256').update(process.version)
  for (const file of files.filter(existsSync)) hash.update(file.slice(root.length)).update(readFileSync(file))
  return hash.digest('hex')
}

/** Runs `work` unless the same inputs were done before. */
function once(name, files, work) {
  const stamp = join(cache, `${name}.stamp`)
  const digest = digestOf(files)
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return
  // Who may not write here is told so at once, and in our words.
  accessSync(root, constants.W_OK)
  mkdirSync(cache, { recursive: true })
  work()
  writeFileSync(stamp, digest)
}

function run(label, command, parameters, options = {}) {
  const done = spawnSync(command, parameters, {
    cwd: root,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 28,
    ...options,
  })
  if (done.status === 0) return
  process.stderr.write(done.stdout ?? '')
  process.stderr.write(done.stderr ?? '')
  const text = `${done.stdout ?? ''}${done.stderr ?? ''}${done.error?.message ?? ''}`
  if (/ENOSPC|EDQUOT|[Nn]o space left/.test(text))
    stop(`${label}: no space left on the disk`, 'free 3 GiB and run it again')
  if (/EACCES|EPERM|EROFS|[Pp]ermission denied|[Rr]ead-only file system/.test(text))
    stop(`${label}: no permission`, `make ${root} writable for this user`)
  if (/ENOTFOUND|ETIMEDOUT|ECONNREFUSED|EAI_AGAIN/.test(text))
    stop(`${label}: the package registry cannot be reached`, "check the network or npm's proxy settings")
  stop(`${label} failed`, 'the lines above say why')
}

/** Corepack checks the pinned hash; npx is for machines without it. */
function findPnpm() {
  for (const [command, ...parameters] of [
    ['corepack', 'pnpm'],
    ['npx', '-y', `pnpm@${pnpmVersion}`],
  ]) {
    const probe = spawnSync(command, [...parameters, '--version'], { cwd: root, env: environment, encoding: 'utf8' })
    if (probe.status === 0 && probe.stdout.trim() === pnpmVersion) return [command, parameters]
  }
  return stop(
    'pnpm cannot be started',
    `check that "npx -y pnpm@${pnpmVersion} --version" works (it needs the npm registry)`,
  )
}

const manifests = () =>
  [
    '.',
    'prisma',
    'e2e',
    ...['apps', 'packages'].flatMap((folder) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`)),
  ].map((folder) => join(root, folder, 'package.json'))

function install() {
  once('install', [join(root, 'pnpm-lock.yaml'), join(root, 'pnpm-workspace.yaml'), ...manifests()], () => {
    say('installing packages (about a minute the first time) …')
    const [command, parameters] = findPnpm()
    run('installing packages', command, [...parameters, 'install', '--frozen-lockfile', '--prefer-offline'])
  })
}

function generate() {
  once('generate', [join(root, 'prisma', 'schema.prisma'), join(root, 'pnpm-lock.yaml')], () => {
    run(
      'generating the store client',
      process.execPath,
      [join(root, 'prisma', 'node_modules', 'prisma', 'build', 'index.js'), 'generate'],
      {
        cwd: join(root, 'prisma'),
      },
    )
  })
}

/** Files below a folder that a bundle could be made of. */
function sourcesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return ['node_modules', 'dist', 'build'].includes(entry.name) ? [] : sourcesBelow(path)
    return /\.(test|d)\.tsx?$/.test(entry.name) ? [] : [path]
  })
}

/** Bundles apps, demo and console, each only when its sources have changed. */
function bundle() {
  const tools = [join(root, 'pnpm-lock.yaml'), join(root, 'packages', 'tools', 'build.mjs')]
  const packages = sourcesBelow(join(root, 'packages')).filter((path) => /\.(ts|json)$/.test(path))
  const apps = ['agent', 'control-plane', 'cli'].flatMap((name) => sourcesBelow(join(root, 'apps', name)))
  const demo = ['stack', 'demo'].flatMap((name) => sourcesBelow(join(root, 'e2e', name)))
  const made = ['apps/agent', 'apps/control-plane', 'apps/cli'].map((app) => join(root, app, 'dist', 'main.js'))
  const build = (...flags) =>
    run('building', process.execPath, [join(root, 'packages', 'tools', 'build.mjs'), ...flags])
  const page = join(root, 'apps', 'console', 'dist', 'index.html')
  if (!made.every(existsSync)) rmSync(join(cache, 'build.stamp'), { force: true })
  if (!existsSync(page)) rmSync(join(cache, 'console.stamp'), { force: true })
  const own = sourcesBelow(join(root, 'apps', 'console'))
  let withConsole = false
  once('console', [...tools, ...packages, ...own], () => {
    withConsole = true
    say('building (a few seconds) …')
    build('--console')
  })
  once('build', [...tools, ...packages, ...apps, ...demo], () => {
    if (!withConsole) build()
  })
}

/** The children get the terminal and its signals; we only wait for them. */
function become(command, parameters, extra = {}) {
  const child = spawn(command, parameters, { cwd: root, env: { ...environment, ...extra }, stdio: 'inherit' })
  process.on('SIGINT', () => {})
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => stop(error.message))
  child.on('exit', (code, signal) => process.exit(signal ? 130 : (code ?? 1)))
}

checkNode()
const [verb, ...rest] = process.argv.slice(2)
if (verb === 'clean') {
  rmSync(cache, { recursive: true, force: true })
  process.exit(0)
}
if (!['demo', 'test', 'build', 'setup'].includes(verb))
  stop(`unknown command "${verb ?? ''}"`, 'use demo, test, build, setup or clean')
try {
  install()
  if (!existsSync(join(root, 'apps', 'control-plane', 'src', 'gen')))
    rmSync(join(cache, 'generate.stamp'), { force: true })
  generate()
  if (verb !== 'setup') bundle()
} catch (error) {
  if (error.code === 'ENOSPC') stop('no space left on the disk', 'free 3 GiB and run it again')
  if (['EACCES', 'EPERM', 'EROFS'].includes(error.code))
    stop(`no permission to write in ${root}`, 'make it writable for this user, or clone it elsewhere')
  throw error
}
if (verb === 'setup' || verb === 'build') process.exit(0)
const tsx = ['--import', join(root, 'node_modules', 'tsx', 'dist', 'loader.mjs')]
if (verb === 'demo') become(process.execPath, ['--enable-source-maps', join(root, 'e2e', 'dist', 'demo.js'), ...rest])
else become(process.execPath, [...tsx, join(root, 'packages', 'tools', 'test.ts'), ...rest])
