// Branded identifiers: a session id can never be passed where a target name is meant.
// The only file outside tests where `as` is allowed.

declare const brand: unique symbol
type Branded<T, B extends string> = T & { readonly [brand]: B }

/** Random id of one connection through an agent, 32 hex digits. */
export type SessionId = Branded<string, 'SessionId'>
/** Random id of an enrolled agent, 32 hex digits. */
export type AgentId = Branded<string, 'AgentId'>
/** Name of a target: `[a-z0-9][a-z0-9-]{0,62}`. */
export type TargetName = Branded<string, 'TargetName'>
/** Name of a policy, same grammar as a target's name. */
export type PolicyName = Branded<string, 'PolicyName'>

const hex32 = /^[0-9a-f]{32}$/
const name = /^[a-z0-9][a-z0-9-]{0,62}$/

/** True for `[a-z0-9][a-z0-9-]{0,62}`, the grammar of every resource name. */
export const isResourceName = (text: string): boolean => name.test(text)
export const isId = (text: string): boolean => hex32.test(text)

const checked =
  <T extends string>(kind: string, pattern: RegExp) =>
  (text: string): T => {
    if (!pattern.test(text)) throw new TypeError(`not a ${kind}: ${JSON.stringify(text.slice(0, 80))}`)
    return text as T
  }

/** Parses an id at the edge. Throws TypeError when the text is not one. */
export const sessionId = checked<SessionId>('session id', hex32)
export const agentId = checked<AgentId>('agent id', hex32)
export const targetName = checked<TargetName>('target name', name)
export const policyName = checked<PolicyName>('policy name', name)
