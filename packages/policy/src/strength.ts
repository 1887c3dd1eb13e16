// How strong a way to log in is: what somebody who copied what was shown could do with it. Rules read it as a number, people as
// words; what a caller proved is decided by the agent alone.

/** What a number says. */
const strengthWords = ['not known', 'bearer', 'proof of a secret', 'bound to this connection'] as const

const strengths = {
  // Whoever has the token is the caller.
  'jwt-password': 1,
  'jwt-oauthbearer': 1,
  bearer: 1,
  // The secret is not sent; whoever stands in the middle could pass the proof on.
  'ticket-scram-sha-256': 2,
  // Good for this TLS connection alone: nobody in the middle can use it.
  'ticket-scram-sha-256-plus': 3,
  'client-certificate': 3,
} as const

type LoginMethod = keyof typeof strengths

const isMethod = (text: string): text is LoginMethod => Object.hasOwn(strengths, text)

/** The ways to log in at a database. */
export const loginMethods = [
  'jwt-password',
  'jwt-oauthbearer',
  'ticket-scram-sha-256',
  'ticket-scram-sha-256-plus',
  'client-certificate',
] as const satisfies readonly LoginMethod[]

/** 1 to 3; 0 for a way that nobody here knows. */
export const strengthOf = (authentication: string): number => (isMethod(authentication) ? strengths[authentication] : 0)

/** For people: `strength 3, bound to this connection`. */
export const strengthText = (authentication: string): string => {
  const strength = strengthOf(authentication)
  return `strength ${strength}, ${strengthWords[strength] ?? strengthWords[0]}`
}
