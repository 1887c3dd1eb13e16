// The file system of an image as far as it is ours: what the COPY lines of its stage bring from the build stage, with the
// node_modules that deploy/collect.mjs picks. What they forget is not there for the program either.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from '../stack/root.ts'
import { inherited, type Stage } from './images.ts'

/** Fills `folder` with what the image has below /app; nothing is done twice. */
export function assemble(stages: readonly Stage[], target: string, folder: string): void {
  if (existsSync(folder)) return
  mkdirSync(folder, { recursive: true })
  for (const { name, text } of inherited(stages, target)) {
    const [source = '', destination = ''] = text.split(/\s+/).filter((word) => !word.startsWith('--'))
    if (name !== 'COPY' || !destination.startsWith('/app/')) continue
    const to = join(folder, destination.slice('/app/'.length))
    const app = /^\/out\/apps\/([a-z-]+)$/.exec(source)?.[1]
    if (app !== undefined) collect(app, to)
    else if (source.startsWith('/src/')) {
      mkdirSync(dirname(to), { recursive: true })
      cpSync(join(root, source.slice('/src/'.length)), to, { recursive: true })
    } else throw new Error(`nobody knows where "${source}" comes from`)
  }
}

function collect(app: string, to: string): void {
  const done = spawnSync(process.execPath, [join(root, 'deploy', 'collect.mjs'), app, to], { encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`collect.mjs ended with ${done.status}: ${done.stderr}`)
}
