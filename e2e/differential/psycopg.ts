// Scripts by psycopg 3, in a Python process of its own that is told one script at a time and answers with its trace.
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { root } from '../stack/root.ts'
import { bounded, type Driver, isTidy, tidyUp } from './driver.ts'
import type { Trace } from './trace.ts'

const python = '/usr/bin/python3'
const program = join(root, 'e2e', 'differential', 'psycopg_driver.py')

/** Debian's package python3-psycopg; npm does not bring it. */
export const hasPsycopg = spawnSync(python, ['-c', 'import psycopg']).status === 0

export function startPsycopg(): Driver {
  const child: ChildProcessWithoutNullStreams = spawn(python, [program], { stdio: ['pipe', 'pipe', 'pipe'] })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-4_000)
  })
  let failed: (error: Error) => void = () => {}
  child.once('exit', (code) => failed(new Error(`psycopg's process ended with ${code}: ${errors}`)))
  const lines = createInterface({ input: child.stdout })
  const tell = (line: unknown) => child.stdin.write(`${JSON.stringify(line)}\n`)
  return {
    async run(place, script) {
      const { running, ...rest } = place
      const answered = new Promise<Trace>((resolve, reject) => {
        const read = (line: string) => {
          const said = JSON.parse(line)
          if (said.running !== undefined)
            void running(said.running).then(
              () => tell({ runs: true }),
              () => tell({ runs: false }),
            )
          else {
            lines.off('line', read)
            resolve(said.trace)
          }
        }
        lines.on('line', read)
        failed = reject
      })
      tell({ place: rest, steps: script.steps, tidyUp: isTidy(script) ? tidyUp : [] })
      return await bounded(answered, script.name)
    },
    async close() {
      child.stdin.end()
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}
