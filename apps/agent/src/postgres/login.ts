// The login at a target as a conversation: StartupMessage, authentication, parameters, ReadyForQuery. It sends the
// credential only in the forms that DESIGN allows, and takes no target whose settings our parser does not speak.
import { unreachable } from '@sallyport/base/assert'
import { SallyportError } from '@sallyport/base/errors'
import type { Secret } from '@sallyport/base/secret'
import { encodeFrontend, passwordBytes, saslInitialBytes } from '@sallyport/wire/postgres/encode'
import type { Authentication, BackendMessage, NoticeFields } from '@sallyport/wire/postgres/messages'
import type { Conversation } from './conversation.ts'
import { type Binding, endPointBinding, openScram, proveScram, verifyScram } from './scram.ts'

export interface LoginRequest {
  readonly user: string
  readonly password: Secret
  readonly random: (bytes: number) => Uint8Array
  /** The target's certificate in DER, null without TLS. */
  readonly certificate: Buffer | null
  /** StartupMessage as bytes. */
  readonly startup: Buffer
}

export interface LoggedIn {
  readonly parameters: Map<string, string>
  readonly backendKey: { readonly processId: number; readonly key: Uint8Array } | null
}

/** A target that sends more than this before ReadyForQuery is not one. */
const loginMessagesMax = 1_000

/** Returns at the first ReadyForQuery. Throws UPSTREAM_REFUSED, or what ended the stream. */
export async function logIn(conversation: Conversation, request: LoginRequest): Promise<LoggedIn> {
  conversation.write(request.startup)
  await authenticate(conversation, request)
  const parameters = new Map<string, string>()
  let backendKey: LoggedIn['backendKey'] = null
  for (let count = 0; count < loginMessagesMax; count++) {
    const message = await nextOrRefused(conversation, request.password)
    switch (message.type) {
      case 'parameterStatus':
        parameters.set(message.name, message.value)
        break
      case 'backendKeyData':
        backendKey = { processId: message.processId, key: new Uint8Array(message.key) }
        break
      case 'readyForQuery':
        if (message.status !== 'I') throw refused('the target is inside a transaction right after login')
        expectOurDialect(parameters)
        return { parameters, backendKey }
      default:
        throw refused(`the target sent ${message.type} during login`)
    }
  }
  throw refused(`the target sent more than ${loginMessagesMax} messages during login`)
}

async function authenticate(conversation: Conversation, request: LoginRequest): Promise<void> {
  const asked = await nextAuthentication(conversation, request.password)
  switch (asked.kind) {
    case 'ok':
      return
    case 'cleartext': {
      if (request.certificate === null) throw refused('the target asks for the password in clear text without TLS')
      conversation.write(encodeFrontend({ type: 'password', bytes: passwordBytes(request.password.reveal()) }))
      await expectOk(conversation, request.password)
      return
    }
    case 'sasl':
      await proveByScram(conversation, request, asked.mechanisms)
      await expectOk(conversation, request.password)
      return
    case 'md5':
      throw refused('the target asks for an MD5 password; store the role with scram-sha-256')
    case 'unsupported':
      throw refused(`the target asks for authentication method ${asked.code}`)
    case 'saslContinue':
    case 'saslFinal':
      throw refused('the target answers to a SASL exchange that was not begun')
    default:
      unreachable(asked)
  }
}

async function proveByScram(
  conversation: Conversation,
  request: LoginRequest,
  mechanisms: readonly string[],
): Promise<void> {
  const { mechanism, binding } = chooseMechanism(mechanisms, request.certificate)
  const opened = openScram(Buffer.from(request.random(18)).toString('base64'), binding)
  const first = saslInitialBytes(mechanism, Buffer.from(opened.message))
  conversation.write(encodeFrontend({ type: 'password', bytes: first }))
  const challenge = await nextAuthentication(conversation, request.password)
  if (challenge.kind !== 'saslContinue')
    throw refused(`the target sent ${challenge.kind} in place of a SCRAM challenge`)
  try {
    const proved = await proveScram(opened, asText(challenge.bytes), request.password)
    conversation.write(encodeFrontend({ type: 'password', bytes: Buffer.from(proved.message) }))
    const last = await nextAuthentication(conversation, request.password)
    // INVARIANT: AuthenticationOk counts only after the server's own proof.
    if (last.kind !== 'saslFinal') throw refused(`the target sent ${last.kind} in place of its SCRAM signature`)
    verifyScram(proved, asText(last.bytes))
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === 'ScramError') throw refused(thrown.message, thrown)
    throw thrown
  }
}

/** PLUS wherever it can be had: then a relay with another certificate gains nothing (THREATS ). */
function chooseMechanism(
  offered: readonly string[],
  certificate: Buffer | null,
): { readonly mechanism: string; readonly binding: Binding } {
  const endPoint = certificate === null ? undefined : endPointBinding(certificate)
  if (endPoint !== undefined && offered.includes('SCRAM-SHA-256-PLUS'))
    return { mechanism: 'SCRAM-SHA-256-PLUS', binding: { kind: 'bound', bytes: endPoint } }
  if (!offered.includes('SCRAM-SHA-256')) throw refused('the target offers no SASL mechanism that the agent speaks')
  return { mechanism: 'SCRAM-SHA-256', binding: { kind: endPoint === undefined ? 'none' : 'unoffered' } }
}

async function expectOk(conversation: Conversation, password: Secret): Promise<void> {
  const answer = await nextAuthentication(conversation, password)
  if (answer.kind !== 'ok') throw refused(`the target sent ${answer.kind} in place of the end of authentication`)
}

async function nextAuthentication(conversation: Conversation, password: Secret): Promise<Authentication> {
  const message = await nextOrRefused(conversation, password)
  if (message.type !== 'authentication') throw refused(`the target sent ${message.type} during authentication`)
  return message.authentication
}

/** Skips notices: nobody has asked anything yet. */
async function nextOrRefused(conversation: Conversation, password: Secret): Promise<BackendMessage> {
  for (let count = 0; count < loginMessagesMax; count++) {
    const message = await conversation.next()
    if (message.type === 'errorResponse') throw saidNo(message.fields, password)
    if (message.type !== 'noticeResponse') return message
  }
  throw refused(`the target sent more than ${loginMessagesMax} notices during login`)
}

/** What our parser and our texts need (THREATS ). What a target does not report is not believed. */
function expectOurDialect(parameters: ReadonlyMap<string, string>): void {
  for (const [name, wanted] of [
    ['server_encoding', 'UTF8'],
    ['client_encoding', 'UTF8'],
    ['standard_conforming_strings', 'on'],
    ['integer_datetimes', 'on'],
  ] as const)
    if (parameters.get(name) !== wanted) throw refused(`the target has ${name} not set to ${wanted}`)
}

/** Shutting down, starting up, out of connections: trying again helps. The rest is about who we are. */
const temporary = /^(57|53)/

function saidNo(fields: NoticeFields, password: Secret): SallyportError {
  const field = (code: string) => fields.find(([name]) => name === code)?.[1] ?? ''
  const sqlstate = field('C')
  // A target that echoes the password must not put it into our log.
  const text = field('M').split(password.reveal()).join('[secret]')
  const cause = new Error(`the target said ${sqlstate}: ${text}`)
  if (!temporary.test(sqlstate)) return refused(cause.message, cause)
  return new SallyportError('UPSTREAM_UNREACHABLE', 'the target takes no connections at the moment', { cause })
}

function refused(reason: string, cause: Error = new Error(reason)): SallyportError {
  return new SallyportError('UPSTREAM_REFUSED', 'the target refused the connection', {
    cause,
    hint: "the operator finds the reason in the agent's log",
  })
}

const asText = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
