// What every command is given: the world, the output, and the API with or without a login. One run of the program makes
// one of these from its global options.
import { SallyportError } from '@sallyport/base/errors'
import type { Command } from 'commander'
import { type Api, createApi } from './api.ts'
import { createOutput, type Output } from './output.ts'
import { controlPlaneUrl, requireLogin } from './settings.ts'
import type { World } from './world.ts'

export interface GlobalOptions {
  readonly url?: string
  readonly json?: boolean
  readonly quiet?: boolean
  readonly color?: boolean
}

export interface Session {
  readonly world: World
  readonly out: Output
  readonly url: string | undefined
  /** The API as nobody. */
  publicApi(): Api
  /** The API as the person who is logged in. Throws LOGIN_REQUIRED. */
  api(): Api
  /** The exit status when it is not 0 and nothing was thrown. */
  exit(status: number): void
}

export interface App {
  /** Runs a command's body. */
  run(body: (session: Session) => Promise<void>): Promise<void>
  /** Options that stand on every command. */
  options(): GlobalOptions
}

/** Adds the commands of one noun or verb to the program. */
export type AddCommand = (parent: Command, app: App) => void

export function createSession(world: World, options: GlobalOptions, exit: (status: number) => void): Session {
  const color = options.color !== false && (world.env['NO_COLOR'] ?? '') === ''
  const out = createOutput(world.stdout, world.stderr, {
    json: options.json === true,
    quiet: options.quiet === true,
    color,
  })
  return {
    world,
    out,
    url: options.url,
    publicApi: () => createApi(world, controlPlaneUrl(world, options.url), null),
    api() {
      const origin = controlPlaneUrl(world, options.url)
      return createApi(world, origin, requireLogin(world, origin).accessToken)
    },
    exit,
  }
}

export const usage = (message: string, hint: string): SallyportError =>
  new SallyportError('REQUEST_INVALID', message, { hint })
