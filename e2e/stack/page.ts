// Real Chromium for the console's tests: found on this machine, driven by Playwright, signed in through the identity
// provider's own page as a person would.
import { accessSync, constants, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from '@playwright/test'
import { demoPassword } from './people.ts'
import type { Stack } from './stack.ts'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
const executablePath =
  process.env.CHROMIUM_PATH ??
  (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find(isProgram)

/** Where there is no Chromium the cases show as skipped. */
export const hasChromium = executablePath !== undefined

export async function openBrowser(): Promise<Browser> {
  return await chromium.launch({
    executablePath: executablePath ?? '',
    // Chromium's sandbox does not run as root.
    chromiumSandbox: process.getuid?.() !== 0,
    args: ['--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-dev-shm-usage'],
  })
}

export type Theme = 'light' | 'dark'
export const wide = { width: 1280, height: 720 } as const
export const narrow = { width: 390, height: 844 } as const

export interface Visitor {
  readonly context: BrowserContext
  readonly page: Page
  /** Requests to any other origin than the console's, after signing in. */
  readonly foreign: string[]
  /** Errors of the page: exceptions, and lines of the console at level error. */
  readonly errors: string[]
}

/** A browser of its own, signed in as this person, on this path. */
export async function visit(
  browser: Browser,
  stack: Stack,
  login: string,
  path = '/',
  options: { readonly theme?: Theme; readonly size?: { readonly width: number; readonly height: number } } = {},
): Promise<Visitor> {
  const context = await browser.newContext({
    viewport: options.size ?? wide,
    colorScheme: options.theme ?? 'light',
    baseURL: stack.url,
    locale: 'en-GB',
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  const foreign: string[] = []
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  await page.goto(path)
  await signIn(page, stack, login)
  page.on('request', (request) => {
    if (!request.url().startsWith(stack.url) && !request.url().startsWith('data:')) foreign.push(request.url())
  })
  errors.length = 0
  return { context, page, foreign, errors }
}

/** From the sign-in page to where the person wanted to go. */
export async function signIn(page: Page, stack: Stack, login: string): Promise<void> {
  await page
    .getByRole('link', { name: /Demo provider/i })
    .or(page.getByRole('button', { name: /Demo provider/i }))
    .click()
  await page.waitForURL(`http://localhost:${stack.ports.idp}/**`)
  await page.getByLabel('Password').fill(demoPassword)
  await page.locator(`button[value="${login}"]`).click()
  await page.waitForURL(`${stack.url}/**`)
  await page.getByRole('main').waitFor()
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** WCAG 2.2 A and AA violations of what is shown, as `rule: element` lines. */
export async function violations(page: Page): Promise<string[]> {
  // Injected by the debugger: the page's content policy permits no foreign script.
  await page.evaluate(axeSource)
  return await page.evaluate(async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
    const { violations: found } = await (globalThis as any).axe.run((globalThis as any).document, {
      runOnly: { type: 'tag', values: tags },
    })
    return found.flatMap((rule: { id: string; nodes: { html: string; failureSummary: string }[] }) =>
      rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 200)} (${node.failureSummary.replace(/\s+/g, ' ')})`),
    )
  })
}
