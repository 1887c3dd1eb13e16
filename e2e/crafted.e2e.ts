// Statements that try to look like something else, held by the real agent and shown by everything that shows them: the
// API's facts, the command line, the chat message and the console's card. Nothing hides verb, object or count.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser } from '@playwright/test'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { crafted } from './crafted/corpus.ts'
import { runCli } from './stack/cli.ts'
import { nextPending } from './stack/holds.ts'
import { hasChromium, openBrowser, type Visitor, visit } from './stack/page.ts'
import { until } from './stack/until.ts'
import { refusalOf, useStack, using } from './stack/use.ts'

// A receiver like Slack's: takes a message and answers "ok".
const messages: { text?: string; blocks?: unknown }[] = []
const receiver: Server = createServer((request, response) => {
  let body = ''
  request.setEncoding('utf8').on('data', (piece: string) => {
    body += piece
  })
  request.on('end', () => {
    messages.push(JSON.parse(body))
    response.end('ok')
  })
})
await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
afterAll(() => {
  receiver.closeAllConnections()
  receiver.close()
})

const stack = useStack({ controlEnv: { SALLYPORT_WEBHOOK_NETWORKS: '["127.0.0.0/8"]' } })
let browser: Browser | undefined
let reviewer: Visitor | undefined
beforeAll(async () => {
  const { port } = receiver.address() as AddressInfo
  const made = await (await stack().as('adam')).post('/api/v1/webhooks', {
    name: 'chat',
    url: `http://127.0.0.1:${port}/services/T0/B0/secret`,
    format: 'slack',
    events: ['approval.requested'],
  })
  expect(made.status, made.text).toBe(201)
  if (!hasChromium) return
  browser = await openBrowser()
  reviewer = await visit(browser, stack(), 'bob', '/approvals')
}, 120_000)
afterAll(async () => {
  await browser?.close()
})

test('the corpus has sixty statements at least', () => {
  expect(crafted.length).toBeGreaterThanOrEqual(60)
  expect(new Set(crafted.map(({ name }) => name)).size).toBe(crafted.length)
})

/** In turns: all of the corpus in a minute is more than one caller may have held. */
const callers = ['ann', 'cara'] as const
let asked = 0

/** Opens a request without waiting (inside a transaction nothing waits), and withdraws it afterwards. */
async function whileHeld(text: string, look: (id: string) => Promise<void>): Promise<void> {
  const caller = await stack().as(callers[asked++ % callers.length] ?? 'ann')
  await using(await caller.client(), async (client) => {
    await client.query('BEGIN')
    const refused = await refusalOf(() => client.query(text))
    expect(refused, refused.message).toMatchObject({ sqlstate: 'SPH02' })
    await client.query('ROLLBACK')
  })
  const { id } = await nextPending(await stack().as('bob'))
  try {
    await look(id)
  } finally {
    await caller.post(`/api/v1/approvals/${id}/cancel`, {})
  }
}

const unsafe = (text: string, hidden: readonly string[]) => hidden.filter((character) => text.includes(character))

// Every fifth in the sample; all of them in the full run.
const chosen = crafted.filter((_, index) => process.env.SALLYPORT_TEST === 'full' || index % 5 === 0)

test.each(chosen)('$name hides nothing', async ({ text, verbs, objects, hidden }) => {
  const seen = messages.length
  await whileHeld(text, async (id) => {
    const { body } = await (await stack().as('bob')).get(`/api/v1/approvals/${id}`)
    expect(body.statements).toBe(verbs.length)
    expect(body.verbs.map((verb: string) => verb.toUpperCase())).toEqual([...new Set(verbs)])
    for (const object of objects) expect(body.objects).toContain(object)
    // What a person reads is what was judged, whole.
    expect(body.statement.text.length).toBeGreaterThan(0)

    const shown = await runCli(['approvals', 'show', id], { home: await stack().cliHome('bob') })
    expect(shown.status, shown.stderr).toBe(0)
    const facts = shown.stdout.split('\n')
    const does = facts.filter((line) => line.startsWith('does '))
    expect(does).toHaveLength(1)
    for (const object of objects) expect(does[0]).toContain(object)
    if (verbs.length > 1) expect(does[0]).toContain(`${verbs.length} statements`)
    expect(unsafe(shown.stdout, hidden)).toEqual([])

    const message = await until('the chat message', () => messages[seen] ?? null)
    const said = JSON.stringify(message)
    for (const object of objects) expect(said).toContain(object)
    expect(said).toContain(`/approvals/${id}`)
    expect(said).not.toContain('WHERE')
    expect(unsafe(said, hidden)).toEqual([])

    if (reviewer === undefined) return
    const { page, errors } = reviewer
    await page.goto(`/approvals/${id}`)
    const card = page.getByRole('article', { name: 'Request' })
    await card.waitFor()
    // biome-ignore lint/performance/useDomNodeTextContent: what the reviewer sees is what counts, not what is in the tree
    const words = await card.innerText()
    for (const object of objects) expect(words).toContain(object)
    for (const verb of new Set(verbs)) expect(words).toMatch(new RegExp(verb, 'i'))
    if (verbs.length > 1) expect(words).toContain(`${verbs.length} statements`)
    expect(unsafe(words, hidden)).toEqual([])
    expect(await page.evaluate('document.querySelectorAll("main script, main img[onerror]").length')).toBe(0)
    expect(errors).toEqual([])
  })
})
