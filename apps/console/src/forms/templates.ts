// Documents to begin with. Sound as they stand once their names exist; a test applies the parser to each.

export const targetTemplate = `apiVersion: sallyport.dev/v1
kind: Target
metadata:
  name: orders
  description: Orders and customers
  labels: { env: prod, data: orders }
spec:
  protocol: postgres
  agents: [eu-1]
  host: db.internal
  database: orders
  roles:
    # The agent reads the password where it runs; nobody else ever sees it.
    - name: app
      password: { file: /run/secrets/orders-password }
`

export interface Template {
  readonly name: string
  readonly title: string
  readonly about: string
  readonly make: (names: { readonly group: string; readonly reviewers: string; readonly target: string }) => string
}

const head = (name: string, description: string, target: string): string => `apiVersion: sallyport.dev/v1
kind: Policy
metadata:
  name: ${name}
  description: ${description}
spec:
  targets:
    names: [${target}]
`

export const policyTemplates: readonly Template[] = [
  {
    name: 'read-only',
    title: 'Read only',
    about: 'A group reads one schema and changes nothing.',
    make: ({ group, target }) => `${head(`${target}-read`, 'Who may read', target)}  rules:
    - name: ${group}-read
      effect: allow
      callers: { groups: [${group}] }
      operations: [select]
      objects: [public.*]
`,
  },
  {
    name: 'ask-first',
    title: 'Ask before a write',
    about: 'Reads pass; each write waits for a person, who sees exactly what would run.',
    make: ({ group, reviewers, target }) => `${head(`${target}-writes`, 'Writes need a person', target)}  rules:
    - name: ${group}-read
      effect: allow
      callers: { groups: [${group}] }
      operations: [select]
      objects: [public.*]
    - name: writes-need-a-human
      effect: hold
      callers: { groups: [${group}] }
      operations: [insert, update, delete]
      objects: [public.*]
      approval:
        reviewers:
          - { group: ${reviewers}, count: 1 }
        expires: 15m
        wait: 60s
`,
  },
  {
    name: 'guard-rails',
    title: 'Guard rails',
    about: 'Allows nothing by itself: denies what should never happen, whatever other policies say.',
    make: ({ target }) => `${head(`${target}-guard-rails`, 'What nobody may do', target)}  rules:
    - name: no-unfiltered-writes
      effect: deny
      operations: [update, delete]
      when: "!statement.filtered"
      message: UPDATE and DELETE need a WHERE clause.
    - name: no-schema-changes
      effect: deny
      operations: [create, alter, drop, truncate]
      message: Change the schema with a migration.
`,
  },
  {
    name: 'hide-personal',
    title: 'Hide personal values',
    about: 'Masks columns for everyone but one group; filters on them are refused.',
    make: ({ group, target }) => `${head(`${target}-personal`, 'Personal values are hidden', target)}  masks:
    - columns: [public.customers.email]
      method: email
      unless: { groups: [${group}] }
    - columns: [public.customers.phone]
      method: { partial: { keepLast: 4 } }
      unless: { groups: [${group}] }
`,
  },
  {
    name: 'function',
    title: 'One function, least rights',
    about: 'A workload reads and writes the tables that it needs, and no others.',
    make: ({ group, target }) => `${head(`${target}-function`, 'What the function may do', target)}  rules:
    - name: function-reads
      effect: allow
      callers: { groups: [${group}], kinds: [workload] }
      operations: [select]
      objects: [public.orders, public.customers]
    - name: function-writes
      effect: allow
      callers: { groups: [${group}], kinds: [workload] }
      operations: [insert, update]
      objects: [public.orders]
`,
  },
]
