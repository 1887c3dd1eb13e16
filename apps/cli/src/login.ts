// sallyport login: the device flow (RFC 8628) at the identity provider that the control plane names, then an exchange of
// the ID token for a login of ours; or, where a provider has none, a code that a person confirms in the console. logout
// ends it, whoami shows it.
import { AuthConfig, CliLoginResponse, Me } from '@sallyport/api/signin'
import { boundBy } from '@sallyport/base/bound'
import { SallyportError } from '@sallyport/base/errors'
import { strengthOf, strengthText } from '@sallyport/policy/strength'
import * as openid from 'openid-client'
import { reasonOf } from './api.ts'
import { type AddCommand, type Session, usage } from './app.ts'
import { loginInConsole } from './device-login.ts'
import { escapeText } from './escape.ts'
import { checkedUrl, isLoopback, readLogin, removeLogin, writeLogin } from './settings.ts'

/** The provider's own answers, in seconds. */
const providerSecondsMax = 30

type Provider = AuthConfig['providers'][number]

export const addLogin: AddCommand = (parent, app) => {
  parent
    .command('login')
    .description('log in through your identity provider; opens nothing, prints an address and a code')
    .option('--provider <name>', 'by the device flow of this identity provider')
    .option('--console', 'confirm in the console, signed in there by any provider')
    .addHelpText(
      'after',
      '\nExamples:\n  sallyport login --url https://sallyport.example.com\n  sallyport login\n  sallyport login --console',
    )
    .action((options: Wanted) => app.run((session) => login(session, options)))
  parent
    .command('logout')
    .description('end the login, here and at the control plane')
    .action(() => app.run(logout))
  parent
    .command('whoami')
    .description('show who you are: name, groups, roles, end of the login')
    .action(() => app.run(whoami))
}

interface Wanted {
  readonly provider?: string
  readonly console?: boolean
}

/** What the control plane let in, and by which provider. */
interface Admitted extends CliLoginResponse {
  readonly provider: string
}

async function login(session: Session, wanted: Wanted): Promise<void> {
  const { world, out } = session
  const api = session.publicApi()
  const config = await api.call('authConfig', AuthConfig)
  const done = await admit(session, config, wanted)
  writeLogin(world, {
    v: 1,
    url: checkedUrl(api.origin),
    provider: done.provider,
    accessToken: done.accessToken,
    expiresAt: done.expiresAt,
    me: { ...done.me, csrfToken: null },
  })
  out.message(`logged in at ${api.origin} as ${escapeText(done.me.display)}, until ${done.expiresAt}`)
  out.result(shownMe(done.me), () => '')
}

async function admit(session: Session, config: AuthConfig, wanted: Wanted): Promise<Admitted> {
  const provider = chooseProvider(config, wanted)
  const idToken = provider === null ? null : await deviceFlow(session, provider, config.deviceLogin)
  if (provider === null || idToken === null) {
    const confirmed = await loginInConsole(session)
    return { ...confirmed.login, provider: confirmed.provider }
  }
  const body = { provider: provider.name, idToken }
  return { ...(await session.publicApi().call('cliLogin', CliLoginResponse, { body })), provider: provider.name }
}

/** The provider whose device flow it is; null for the console's own. */
function chooseProvider(config: AuthConfig, wanted: Wanted): Provider | null {
  const names = config.providers.map((provider) => provider.name)
  if (names.length === 0)
    throw new SallyportError('LOGIN_FAILED', 'the control plane has no identity provider', {
      hint: 'an operator sets one up; see docs/operations.md',
    })
  const [only, ...others] = config.providers
  const single = others.length === 0 ? only : undefined
  const found =
    wanted.provider === undefined ? single : config.providers.find((provider) => provider.name === wanted.provider)
  if (wanted.provider !== undefined && found === undefined)
    throw usage(
      `there is no identity provider "${wanted.provider}"`,
      `pass --provider with one of: ${names.join(', ')}`,
    )
  const hasDeviceFlow = found !== undefined && found.cliClientId !== ''
  if (hasDeviceFlow && wanted.console !== true) return found
  if (config.deviceLogin) return null
  // Control planes of before know the providers' device flow only.
  if (found !== undefined || wanted.console === true)
    throw new SallyportError('LOGIN_FAILED', 'this control plane confirms no logins in its console', {
      hint: 'an operator upgrades it, or pass --provider with a provider of OpenID Connect',
    })
  throw usage('there are several identity providers', `pass --provider with one of: ${names.join(', ')}`)
}

/** RFC 8628: shows address and code, then asks until the person has confirmed. Null where the provider has no such flow. */
async function deviceFlow(session: Session, provider: Provider, hasOther: boolean): Promise<string | null> {
  const { out, world } = session
  const issuer = new URL(provider.issuer)
  if (issuer.protocol !== 'https:' && !isLoopback(issuer))
    throw new SallyportError('LOGIN_FAILED', `the identity provider "${provider.name}" is not https`)
  try {
    const configuration = await openid.discovery(issuer, provider.cliClientId, undefined, openid.None(), {
      execute: issuer.protocol === 'http:' ? [openid.allowInsecureRequests] : [],
      timeout: providerSecondsMax,
    })
    if (configuration.serverMetadata().device_authorization_endpoint === undefined && hasOther) return null
    const started = await openid.initiateDeviceAuthorization(configuration, { scope: provider.scopes })
    showCode(session, started)
    out.message('waiting until you have confirmed; Ctrl-C stops')
    const { signal, release } = boundBy([world.interrupted], started.expires_in * 1_000)
    const tokens = await openid
      .pollDeviceAuthorizationGrant(configuration, started, undefined, { signal })
      .finally(release)
    if (tokens.id_token === undefined) throw new Error('no ID token; the client lacks the scope "openid"')
    return tokens.id_token
  } catch (cause) {
    throw flowFailure(provider, cause)
  }
}

function showCode(session: Session, started: openid.DeviceAuthorizationResponse): void {
  const address = started.verification_uri_complete ?? started.verification_uri
  session.out.message(`open  ${escapeText(address)}\ncode  ${escapeText(started.user_code)}`)
}

function flowFailure(provider: Provider, cause: unknown): SallyportError {
  if (cause instanceof SallyportError) return cause
  const code = cause instanceof openid.ResponseBodyError ? cause.error : ''
  const name = `"${provider.name}"`
  const again = 'run: sallyport login'
  if (code === 'access_denied')
    return new SallyportError('LOGIN_FAILED', `the login was refused at ${name}`, { cause, hint: again })
  if (code === 'expired_token' || (cause instanceof Error && cause.name === 'TimeoutError'))
    return new SallyportError('LOGIN_FAILED', 'the code was not confirmed in time', { cause, hint: again })
  if (code !== '')
    return new SallyportError('LOGIN_FAILED', `${name} refused the login of this client (${code})`, {
      cause,
      hint: 'an operator checks the client of the device flow at the provider',
    })
  return new SallyportError('UPSTREAM_UNREACHABLE', `the identity provider ${name} cannot be used${reasonOf(cause)}`, {
    cause,
    hint: `check that ${provider.issuer} can be reached from here`,
  })
}

async function logout(session: Session): Promise<void> {
  const stored = readLogin(session.world)
  if (stored === null) {
    session.out.message('you were not logged in')
    session.out.result({ loggedOut: false }, () => '')
    return
  }
  try {
    await session.api().send('logout')
  } catch (thrown) {
    const known = thrown instanceof SallyportError && thrown.code === 'LOGIN_REQUIRED'
    // The login is forgotten here in any case; that the server does not know yet must be said.
    if (!known) session.out.message('the control plane could not be told; the login ends there by itself')
  } finally {
    removeLogin(session.world)
  }
  session.out.message(`logged out from ${stored.url}`)
  session.out.result({ loggedOut: true }, () => '')
}

async function whoami(session: Session): Promise<void> {
  const me = await session.api().call('me', Me)
  session.out.result(shownMe(me), () =>
    [
      `name      ${escapeText(me.display)}`,
      `subject   ${escapeText(me.subject)}`,
      `issuer    ${escapeText(me.issuer)}`,
      `groups    ${escapeText(me.groups.join(', ') || 'none')}`,
      `roles     ${me.roles.join(', ')}`,
      // Of the login that was shown just now; each way into a target has its own (docs/policy.md).
      `login     ${me.login ?? 'cli'}, ${strengthText('bearer')}`,
      `until     ${me.expiresAt}`,
    ].join('\n'),
  )
}

const shownMe = ({ issuer, subject, display, groups, roles, login, expiresAt }: Me) => ({
  issuer,
  subject,
  display,
  groups,
  roles,
  login,
  strength: strengthOf('bearer'),
  expiresAt,
})
