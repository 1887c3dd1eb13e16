// What a schema cannot say about a Target: roles and routes that are given twice, credentials that would go in clear text.
import { schemaProblem, schemasCharsMax } from './body-schema.ts'
import { type CheckProblem, problem } from './check-problem.ts'
import type { CredentialReference } from './credential.ts'
import type { TargetDocument } from './document.ts'
import type { McpServer } from './mcp-target.ts'
import { type NamedRoute, templateKey, templateProblem } from './named-routes.ts'

export function checkTarget({ spec }: TargetDocument): CheckProblem[] {
  if (spec.protocol === 'http') return checkHttpTarget(spec)
  const names = spec.roles.map(({ name }) => name)
  const repeated = names.findIndex((name, index) => names.indexOf(name) !== index)
  const twice = `role "${names[repeated]}" is given twice; remove one`
  return [...(repeated === -1 ? [] : [problem(['spec', 'roles', repeated, 'name'], twice)]), ...settingProblems(spec)]
}

/** It is said when a connection is opened, so no two people may have turns at one. */
function settingProblems({
  initiatorSetting: name,
  pool,
}: Extract<TargetDocument['spec'], { protocol: 'postgres' }>): CheckProblem[] {
  if (name === undefined) return []
  const path = ['spec', 'initiatorSetting']
  const isOurs = name.startsWith('sallyport.')
  return [
    ...(isOurs ? [problem(path, '"sallyport." is how callers name initiators; choose another first part')] : []),
    ...(pool.mode === 'transaction'
      ? [problem(path, 'connections are shared by the transaction; use pool mode "session", or remove it')]
      : []),
  ]
}

function checkHttpTarget({
  url,
  network,
  tls,
  credential,
  routes,
  passFields,
  mcp,
  webSocket,
}: Extract<TargetDocument['spec'], { protocol: 'http' }>): CheckProblem[] {
  const isOpen = (text: string): boolean => !text.startsWith('https:') && network === 'public'
  const clear = (text: string): string =>
    `"${text}" has no TLS, so the credential would cross a public network in clear text; use https`
  const tokenUrl = credential !== 'none' && 'oauth' in credential ? credential.oauth.tokenUrl : null
  return [
    ...(isOpen(url) ? [problem(['spec', 'url'], clear(url))] : []),
    ...roleCredentialProblems(credential, tls),
    ...listProblems(routes?.list ?? []),
    ...schemasProblems(routes?.list ?? []),
    ...(mcp === undefined ? [] : mcpProblems(mcp, { routes, passFields })),
    ...(mcp === undefined || webSocket === undefined
      ? []
      : [problem(['spec', 'webSocket'], 'an MCP server is asked over HTTP alone; remove it')]),
    ...(webSocket === undefined || credential === 'none' || !('sigv4' in credential)
      ? []
      : [problem(['spec', 'webSocket'], 'a handshake is not signed; choose another credential, or remove it')]),
    ...(tokenUrl !== null && isOpen(tokenUrl)
      ? [problem(['spec', 'credential', 'oauth', 'tokenUrl'], clear(tokenUrl))]
      : []),
    ...(tls.client !== undefined && !url.startsWith('https:')
      ? [problem(['spec', 'tls', 'client'], `"${url}" has no TLS, so no certificate is shown; use https, or remove it`)]
      : []),
  ]
}

/** What makes a login for a role of a database is of no use to an API. */
function roleCredentialProblems(credential: HttpSpec['credential'], tls: HttpSpec['tls']): CheckProblem[] {
  const isForRoles = (reference: CredentialReference): boolean =>
    'rdsIam' in reference || ('vault' in reference && reference.vault.dynamic === true)
  const message = 'this is a login for roles of databases; name a credential of the API'
  const inTls = tls.client === undefined ? [] : [tls.client.certificate, tls.client.key]
  return [
    ...(referencesIn(credential).some(isForRoles) ? [problem(['spec', 'credential'], message)] : []),
    ...(inTls.some(isForRoles) ? [problem(['spec', 'tls', 'client'], message)] : []),
  ]
}

type HttpSpec = Extract<TargetDocument['spec'], { protocol: 'http' }>

function referencesIn(credential: HttpSpec['credential']): readonly CredentialReference[] {
  if (credential === 'none') return []
  if ('oauth' in credential) return [credential.oauth.clientSecret]
  if ('bearer' in credential) return [credential.bearer]
  if ('basic' in credential) return [credential.basic.password]
  if ('header' in credential) return [credential.header.value]
  if ('query' in credential) return [credential.query.value]
  const { accessKeyId, secretAccessKey, sessionToken } = credential.sigv4
  return [accessKeyId, secretAccessKey, ...(sessionToken === undefined ? [] : [sessionToken])]
}

type ListedRoute = NonNullable<Extract<TargetDocument['spec'], { protocol: 'http' }>['routes']>['list'][number]

function schemasProblems(list: readonly ListedRoute[]): CheckProblem[] {
  const characters = list.reduce((sum, { body, query }) => sum + JSON.stringify([body, query]).length, 0)
  if (characters > schemasCharsMax)
    return [
      problem(['spec', 'routes', 'list'], `the schemas of a target are at most ${schemasCharsMax} characters long`),
    ]
  return list.flatMap((route, index) =>
    (['body', 'query'] as const).flatMap((name) => {
      const schema = route[name]
      const found = schema === undefined ? null : schemaProblem(schema)
      return found === null ? [] : [problem(['spec', 'routes', 'list', index, name], found)]
    }),
  )
}

/** What is about requests says nothing of messages, and would read as if it did. */
function mcpProblems(
  { sql, pins, pinning }: McpServer,
  { routes, passFields }: { readonly routes?: unknown; readonly passFields: readonly string[] },
): CheckProblem[] {
  const named = sql.map(({ tool, argument }) => `${tool} ${argument}`)
  const repeated = named.findIndex((name, index) => named.indexOf(name) !== index)
  return [
    ...(routes === undefined
      ? []
      : [problem(['spec', 'routes'], 'an MCP server has one endpoint and no routes; remove them')]),
    ...(passFields.length === 0
      ? []
      : [problem(['spec', 'passFields'], 'to an MCP server no field of a caller goes on; remove them')]),
    ...(repeated === -1 ? [] : [problem(['spec', 'mcp', 'sql', repeated], 'the argument is given twice; remove one')]),
    ...(pinning === 'off' && Object.keys(pins).length > 0
      ? [problem(['spec', 'mcp', 'pins'], '"pinning: off" reads no pins; remove one of the two')]
      : []),
  ]
}

function listProblems(list: readonly NamedRoute[]): CheckProblem[] {
  const names = new Set<string>()
  const taken = new Map<string, string>()
  return list.flatMap(({ name, methods, path }, index) => {
    const at = ['spec', 'routes', 'list', index]
    const repeated = names.has(name)
    names.add(name)
    const template = templateProblem(path)
    const keys = methods.map((method) => `${method} ${templateKey(path)}`)
    const other = keys.map((key) => taken.get(key)).find((known) => known !== undefined)
    for (const key of keys) taken.set(key, name)
    return [
      ...(repeated ? [problem([...at, 'name'], `the name "${name}" is given twice; choose another`)] : []),
      ...(template === null ? [] : [problem([...at, 'path'], template)]),
      ...(other === undefined
        ? []
        : [problem([...at, 'path'], `the route is the same as "${other}" but for its names`)]),
    ]
  })
}
