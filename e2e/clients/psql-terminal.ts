// psql as a person has it: in a terminal of its own, where Ctrl-C is a byte that the terminal makes a SIGINT of.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Place } from '../differential/driver.ts'
import { until } from '../stack/until.ts'
import { python } from './programs.ts'
import { environmentOf } from './tools.ts'

/** Python's own bridge: what comes on stdin is typed, what the terminal shows goes to stdout. */
const bridge = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]))'
const prompt = 'ready> '
const flags = ['-X', '-q', '-n', '-A', '-t', '-v', 'VERBOSITY=verbose', '-P', 'pager=off']

export class PsqlTerminal {
  readonly #child: ChildProcess
  #shown = ''

  constructor(place: Place) {
    const prompts = ['-v', `PROMPT1=${prompt}`, '-v', 'PROMPT2=more> ']
    this.#child = spawn(python, ['-c', bridge, 'psql', ...flags, ...prompts], {
      env: environmentOf(place),
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#child.stdin?.on('error', () => {})
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#shown += text
    })
  }

  /** Waits until this is on the screen, behind what was seen before. */
  async sees(what: RegExp): Promise<string> {
    return await until(`psql shows ${what}; it shows ${JSON.stringify(this.#shown.slice(-500))}`, () => {
      const found = what.exec(this.#shown)
      if (found === null) return null
      this.#shown = this.#shown.slice(found.index + found[0].length)
      return found[0]
    })
  }

  /** The next line is asked for. */
  async isReady(): Promise<void> {
    await this.sees(/ready> $/)
  }

  type(line: string): void {
    this.#child.stdin?.write(`${line}\n`)
  }

  interrupt(): void {
    this.#child.stdin?.write('\x03')
  }

  async quit(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const closed = once(this.#child, 'close')
    this.type('\\q')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5_000)
    await closed
    clearTimeout(timer)
  }
}
