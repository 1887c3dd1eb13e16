// Runs what a unit of systemd or a pod of the chart starts, on this machine and without either: its exact command and variables,
// with exactly the files that it is given, below a folder that stands for the root of the machine or container.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Child, lastLines, startChild } from '../stack/child.ts'
import type { Reaper } from '../stack/reaper.ts'
import { root } from '../stack/root.ts'
import { until } from '../stack/until.ts'
import { assemble } from './assemble.ts'
import { imageOf, readDockerfile } from './images.ts'

/** What is started: paths are those that the unit or the pod knows. */
export interface Placed {
  readonly name: string
  readonly app: 'control-plane' | 'agent'
  /** node, its flags, the script and its words. */
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

export interface Machine {
  /** Where this path of the machine or container lies here. */
  at(path: string): string
  write(path: string, text: string): void
  start(placed: Placed, metricsPort: number): Promise<Child>
}

const places = /(\/etc\/sallyport|\/run\/credentials|\/var\/lib\/sallyport)/g

/** `dir` holds its files; paths in variables and in files that it is given lead there. */
export function openMachine(dir: string, reaper: Reaper): Machine {
  const stages = readDockerfile()
  const here = (text: string): string => text.replaceAll(places, (path) => join(dir, 'root', path))
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(here(path)), { recursive: true, mode: 0o700 })
    writeFileSync(here(path), here(text), { mode: 0o600 })
  }
  return {
    at: here,
    write,
    async start({ name, app, command: [program, ...words], env }, metricsPort) {
      if (program !== 'node') throw new Error(`"${name}" starts "${program}"`)
      const image = join(dir, 'images', app)
      assemble(stages, app, image)
      const [script = '', ...flags] = words.filter((word) => word.startsWith('-') || word.startsWith('/')).reverse()
      const rest = words.filter((word) => !word.startsWith('-') && !word.startsWith('/'))
      const logFile = join(dir, `${name}.log`)
      const child = startChild({
        name,
        script: script.replace(/^\/(app|opt\/sallyport)\//, `${image}/`),
        nodeFlags: flags.reverse(),
        parameters: rest,
        // Only what it is told, on an address of this machine alone.
        env: Object.fromEntries(
          Object.entries(env).map(([key, value]) => [key, value === '0.0.0.0' ? '127.0.0.1' : here(value)]),
        ),
        logFile,
        cwd: dir,
        reaper,
      })
      await until(`"${name}" to be ready`, async () => {
        if (!child.isRunning) throw new Error(`"${name}" ended: ${lastLines(logFile)}`)
        return (await fetch(`http://127.0.0.1:${metricsPort}/readyz`)).ok
      })
      return child
    },
  }
}

/** A unit of deploy/systemd, with its credentials loaded as systemd does (systemd.exec, "Credentials"). */
export function unitOf(machine: Machine, name: string): Placed {
  const [, app = '', instance = ''] = /^sallyport-(control-plane|agent)(?:@([a-z0-9-]+))?\.service$/.exec(name) ?? []
  const file = instance === '' ? name : `sallyport-${app}@.service`
  const credentials = `/run/credentials/${name}`
  const text = readFileSync(join(root, 'deploy', 'systemd', file), 'utf8')
    .replaceAll('%i', instance)
    .replaceAll('%d', credentials)
    .replaceAll('%S', '/var/lib')
  const all = (key: string): string[] =>
    [...text.matchAll(new RegExp(`^${key}=(.+)$`, 'gm'))].map(([, value = '']) => value)
  for (const loaded of all('LoadCredential')) {
    const [id = '', from = ''] = loaded.split(':')
    const source = machine.at(from)
    // What is not there stops the unit.
    const isFolder = statSync(source).isDirectory()
    const files = isFolder ? readdirSync(source).map((one) => [`${id}_${one}`, join(source, one)]) : [[id, source]]
    for (const [to = '', path = ''] of files) {
      mkdirSync(machine.at(credentials), { recursive: true, mode: 0o700 })
      copyFileSync(path, join(machine.at(credentials), to))
    }
  }
  for (const state of all('StateDirectory'))
    mkdirSync(machine.at(`/var/lib/${state}`), { recursive: true, mode: 0o700 })
  const [start = ''] = all('ExecStart')
  const [program, ...words] = start.split(' ')
  if (program !== '/usr/bin/node') throw new Error(`"${name}" starts "${program}"`)
  const env = Object.fromEntries(
    all('Environment').map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  )
  return { name, app: app === 'agent' ? 'agent' : 'control-plane', command: ['node', ...words], env }
}

/** The one container of a pod of the chart, with the image's own command and variables where it says nothing. */
export function podOf(machine: Machine, workload: any): Placed {
  const { name } = workload.metadata
  const { containers, volumes = [] } = workload.spec.template.spec
  const [container, ...others] = containers
  if (others.length > 0) throw new Error(`"${name}" has several containers`)
  const app = /^sallyport\/(control-plane|agent):/.exec(container.image)?.[1]
  const image = imageOf(readDockerfile(), app ?? '')
  for (const { name: mount, mountPath } of container.volumeMounts) {
    const isSecret = volumes.some(
      (volume: { name: string; secret?: unknown }) => volume.name === mount && volume.secret,
    )
    if (!isSecret) mkdirSync(machine.at(mountPath), { recursive: true, mode: 0o700 })
    else if (!existsSync(machine.at(mountPath))) throw new Error(`"${name}" lacks the secret of ${mountPath}`)
  }
  const said = Object.fromEntries(container.env.map((one: { name: string; value: string }) => [one.name, one.value]))
  const command = [...(container.command ?? image.entrypoint), ...(container.args ?? image.command)]
  return { name, app: app === 'agent' ? 'agent' : 'control-plane', command, env: { ...image.env, ...said } }
}
