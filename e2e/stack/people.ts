// The people of the demo and of the tests, and the one workload. Throwaway: their identity provider listens on loopback
// only and forgets everything when it stops.

export interface Person {
  readonly login: string
  readonly name: string
  readonly email: string
  /** Values of the provider's groups claim. */
  readonly groups: readonly string[]
  readonly about: string
}

export const people: readonly Person[] = [
  {
    login: 'ann',
    name: 'Ann Abel',
    email: 'ann@example.test',
    groups: ['engineering'],
    about: 'engineering: may read, sees personal data masked',
  },
  {
    login: 'bob',
    name: 'Bob Baker',
    email: 'bob@example.test',
    groups: ['dba'],
    about: 'dba: may write, and decides on what is held',
  },
  {
    login: 'dora',
    name: 'Dora Diaz',
    email: 'dora@example.test',
    groups: ['dba'],
    about: 'dba: the second reviewer',
  },
  {
    login: 'cara',
    name: 'Cara Chen',
    email: 'cara@example.test',
    groups: ['engineering', 'pii-readers'],
    about: 'engineering and pii-readers: sees personal data',
  },
  {
    login: 'adam',
    name: 'Adam Aydin',
    email: 'adam@example.test',
    groups: ['platform-admins'],
    about: 'platform-admins: administers Sallyport, reads no customer',
  },
]

/** The same for everyone, shown on the login page. */
export const demoPassword = 'sallyport-demo'

/** The function that reads the shop for its nightly report; its subject is its client id. */
export const workloadId = 'shop-reports'
