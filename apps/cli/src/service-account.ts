// sallyport service-account: workloads that no platform vouches for, and their keys; sallyport revoke: what somebody has shown until
// now. A key's secret is printed once.
import { NewServiceKeyResponse, ServiceAccount, ServiceAccountList, serviceKeyDaysMax } from '@sallyport/api/workloads'
import { type AddCommand, type Session, usage } from './app.ts'

export const addServiceAccount: AddCommand = (parent, app) => {
  const accounts = parent
    .command('service-account')
    .description('workloads that no platform vouches for; their keys are standing credentials')
  accounts
    .command('list')
    .description('list accounts and their keys')
    .action(() => app.run(list))
  accounts
    .command('create <name>')
    .description('make an account; a key comes with "key"')
    .option('--description <text>', 'what it is for', '')
    .action((name: string, { description }: { description: string }) =>
      app.run((session) => create(session, name, description)),
    )
  accounts
    .command('key <name>')
    .description('make a key; two live beside each other, so that one takes the place of the other')
    .option('--days <n>', `how long it is good: 1 to ${serviceKeyDaysMax} days`, '30')
    .addHelpText('after', '\nExample:\n  sallyport service-account key nightly --json | jq -r .result.secret')
    .action((name: string, { days }: { days: string }) => app.run((session) => key(session, name, days)))
  accounts
    .command('revoke-key <name> <key>')
    .description('end a key, its tokens and their sessions')
    .action((name: string, id: string) => app.run((session) => revokeKey(session, name, id)))
  accounts
    .command('disable <name>')
    .description('end the account with its keys and sessions, for good')
    .action((name: string) => app.run((session) => disable(session, name)))
}

export const addRevoke: AddCommand = (parent, app) => {
  parent
    .command('revoke [issuer] [subject]')
    .description('end everything that a person or workload has shown until now: logins, tokens, sessions')
    .option('--token <id>', 'end one token or client certificate instead')
    .option('--reason <text>', 'for the audit', '')
    .action((issuer: string | undefined, subject: string | undefined, { token, reason }: RevokeOptions) =>
      app.run((session) => revoke(session, revoked(issuer, subject, token), reason)),
    )
}

interface RevokeOptions {
  readonly token?: string
  readonly reason: string
}

type Revoked = { readonly issuer: string; readonly subject: string } | { readonly jti: string }

function revoked(issuer: string | undefined, subject: string | undefined, token: string | undefined): Revoked {
  if (token !== undefined && issuer === undefined) return { jti: token }
  if (token === undefined && issuer !== undefined && subject !== undefined) return { issuer, subject }
  throw usage('either an issuer and a subject, or --token with an id', 'see: sallyport revoke --help')
}

async function list(session: Session): Promise<void> {
  const { items } = await session.api().call('serviceAccounts', ServiceAccountList, {})
  if (items.length === 0)
    session.out.message('there is no service account; make one with: sallyport service-account create NAME')
  session.out.result({ items }, () => {
    if (items.length === 0) return ''
    const names = ['account', 'state', 'credential', 'key', 'key state', 'expires', 'last used']
    const rows = items.flatMap(({ name, state, credential, keys }) =>
      (keys.length === 0 ? [null] : keys).map((one) => [
        name,
        state,
        credential,
        one?.id ?? '',
        one?.state ?? '',
        one?.expiresAt ?? '',
        one?.lastUsedAt ?? '',
      ]),
    )
    return session.out.table({ columns: names.map((name) => ({ name })), rows })
  })
}

async function create(session: Session, name: string, description: string): Promise<void> {
  const made = await session.api().call('serviceAccountCreate', ServiceAccount, { body: { name, description } })
  session.out.message('name it in a Group: issuer and subject as below')
  session.out.result(made, () => `${made.issuer} ${made.subject}\n`)
}

async function key(session: Session, name: string, text: string): Promise<void> {
  const days = /^[1-9][0-9]?$/.test(text) ? Number(text) : 0
  if (days < 1 || days > serviceKeyDaysMax) throw usage(`"${text}" is no number of days`, `1 to ${serviceKeyDaysMax}`)
  const made = await session
    .api()
    .call('serviceAccountKeyCreate', NewServiceKeyResponse, { path: { name }, body: { days } })
  session.out.message('the secret is shown this once; where the platform gives an identity, use that in its place')
  session.out.result(made, () => `${made.secret}\n`)
}

async function revokeKey(session: Session, name: string, id: string): Promise<void> {
  await session.api().send('serviceAccountKeyRevoke', { path: { name, id }, body: {} })
  session.out.result({ name, id, state: 'revoked' }, () => '')
}

async function disable(session: Session, name: string): Promise<void> {
  await session.api().send('serviceAccountDisable', { path: { name }, body: {} })
  session.out.result({ name, state: 'disabled' }, () => '')
}

async function revoke(session: Session, what: Revoked, reason: string): Promise<void> {
  await session.api().send('revoke', { body: { ...what, reason } })
  session.out.message('sessions end within seconds; who may come back is for the issuer and the groups to say')
  session.out.result({ ...what, state: 'revoked' }, () => '')
}
