// What control plane and agents must agree on about tickets: how one is named as a PostgreSQL user, and how its SCRAM
// verifier is written. Pure; the secret itself is nowhere in here.

/** RFC 7677, section 4. A ticket's secret is random, so that more of them would cost clients time and nobody else. */
export const ticketIterations = 4_096
/** Of a fast ticket: its 256 random bits are not guessed with less work either (ADR 30). */
export const fastTicketIterations = 1
/** Of the salt, in bytes. */
export const ticketSaltBytes = 16
/**
 * Salts are made from the ticket's id under a key that all agents and the control plane share: an id that nobody was
 * given has the same salt every time and everywhere, as one that somebody was (THREATS ).
 */
export const ticketSaltLabel = 'sallyport-ticket-salt-v1'
/** `typ` of the signed record that agents get (RFC 8725, 3.11): it is no token, and no token is one. */
export const ticketRecordType = 'sallyport-ticket+jwt'

const userName = /^tk([tf])_([0-9a-f]{32})$/

/** What a ticket's user name says, whether or not there is such a ticket. */
export interface TicketName {
  readonly id: string
  /** Rounds of SCRAM, which a client is told before anybody knows whose name it is: so they stand in the name. */
  readonly iterations: number
}

/** The user name that a client logs in with. */
export const ticketUser = (id: string, isFast: boolean): string => `tk${isFast ? 'f' : 't'}_${id}`

/** Null when the name is no ticket's. */
export function ticketNameOf(user: string): TicketName | null {
  const [, kind, id] = userName.exec(user) ?? []
  if (id === undefined) return null
  return { id, iterations: kind === 'f' ? fastTicketIterations : ticketIterations }
}

/** What a server keeps of a SCRAM secret (RFC 5802, section 3), in base64. */
export interface ScramVerifier {
  readonly iterations: number
  readonly salt: string
  readonly storedKey: string
  readonly serverKey: string
}

/** As PostgreSQL writes it into pg_authid: `SCRAM-SHA-256$4096:salt$StoredKey:ServerKey`. */
export const formatVerifier = ({ iterations, salt, storedKey, serverKey }: ScramVerifier): string =>
  `SCRAM-SHA-256$${iterations}:${salt}$${storedKey}:${serverKey}`

const verifier = /^SCRAM-SHA-256\$([1-9][0-9]{0,6}):([A-Za-z0-9+/]{22}==)\$([A-Za-z0-9+/]{43}=):([A-Za-z0-9+/]{43}=)$/

/** Null when the text is no verifier with keys of 32 bytes and a salt of 16. */
export function parseVerifier(text: string): ScramVerifier | null {
  const [, iterations, salt, storedKey, serverKey] = verifier.exec(text) ?? []
  if (iterations === undefined || salt === undefined || storedKey === undefined || serverKey === undefined) return null
  return { iterations: Number(iterations), salt, storedKey, serverKey }
}
