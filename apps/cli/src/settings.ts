// Where the CLI finds its control plane and its login: --url beats SALLYPORT_URL beats the stored login. The login's
// bearer is in one file that only its owner can read, and is sent to the origin that it came from and nowhere else.

import { Me } from '@sallyport/api/signin'
import { SallyportError } from '@sallyport/base/errors'
import { z } from 'zod'
import type { World } from './world.ts'

const Login = z.object({
  v: z.literal(1),
  url: z.url(),
  provider: z.string(),
  accessToken: z.string().min(1),
  expiresAt: z.iso.datetime(),
  me: Me,
})
export type Login = z.infer<typeof Login>

const loopback = new Set(['127.0.0.1', 'localhost', '[::1]'])

/** The folder for the CLI's own files (XDG Base Directory Specification). */
export function configFolder(env: World['env']): string {
  const xdg = env['XDG_CONFIG_HOME']
  if (xdg?.startsWith('/')) return `${xdg}/sallyport`
  const home = env['HOME']
  if (home === undefined || home === '')
    throw new SallyportError('CONFIG_INVALID', 'neither XDG_CONFIG_HOME nor HOME is set', {
      hint: 'set XDG_CONFIG_HOME to a folder for the configuration',
    })
  return `${home}/.config/sallyport`
}

const loginPath = (env: World['env']): string => `${configFolder(env)}/login.json`

/** The stored login, whatever its age; null when there is none or the file is not ours. */
export function readLogin(world: World): Login | null {
  const text = world.files.readText(loginPath(world.env))
  if (text === null) return null
  try {
    return Login.parse(JSON.parse(text))
  } catch {
    return null
  }
}

export const writeLogin = (world: World, login: Login): void =>
  world.files.writePrivate(loginPath(world.env), `${JSON.stringify(login, undefined, 2)}\n`)

export const removeLogin = (world: World): void => world.files.remove(loginPath(world.env))

/** Origin of the control plane. Throws CONFIG_INVALID with what to do when nobody said where it is. */
export function controlPlaneUrl(world: World, option: string | undefined): string {
  const said = option ?? nonEmpty(world.env['SALLYPORT_URL']) ?? readLogin(world)?.url
  if (said === undefined)
    throw new SallyportError('CONFIG_INVALID', 'the address of the control plane is not known', {
      hint: 'pass --url https://…, set SALLYPORT_URL, or log in once: sallyport login --url https://…',
    })
  return checkedUrl(said)
}

const nonEmpty = (text: string | undefined): string | undefined => (text === '' ? undefined : text)

/** An https origin, or http on this very machine: a bearer never crosses a network in clear text. */
export function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.username !== '')
    throw new SallyportError('CONFIG_INVALID', `"${text}" is no address of a control plane`, {
      hint: 'write it as https://host[:port]',
    })
  if (url.protocol === 'http:' && !loopback.has(url.hostname))
    throw new SallyportError('CONFIG_INVALID', `"${url.origin}" is not https`, {
      hint: 'use https; plain http is for this machine only (localhost)',
    })
  return url.origin
}

export const isLoopback = (url: URL): boolean => loopback.has(url.hostname)

/** The login for this origin. Throws LOGIN_REQUIRED when there is none or it is over. */
export function requireLogin(world: World, origin: string): Login {
  const login = readLogin(world)
  if (login === null || login.url !== origin)
    throw new SallyportError('LOGIN_REQUIRED', `you are not logged in at "${origin}"`, {
      hint: login === null ? 'run: sallyport login' : `run: sallyport login --url ${origin}`,
    })
  if (Date.parse(login.expiresAt) <= world.clock.nowMs())
    throw new SallyportError('LOGIN_REQUIRED', 'your login has ended', { hint: 'run: sallyport login' })
  return login
}
