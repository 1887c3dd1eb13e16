// Table: keys and tokens of clouds and vendors, which carry a prefix of their own. Prefixes and lengths as the vendors
// document them; what has no shape of its own (an AWS secret access key, a password) cannot be found this way.
import type { DetectorName } from '../rule.ts'
import { code, codeAt, isAlphanumeric, isBase64Url, isDigit, isUpper, type Piece } from './finding.ts'

interface TokenShape {
  readonly kind: DetectorName
  readonly prefix: string
  readonly body: (unit: number) => boolean
  /** Characters of the body. A longer run of the same characters is no token where there is a `max`. */
  readonly min: number
  readonly max?: number
}

const isHex = (unit: number): boolean => isDigit(unit) || (unit >= 0x61 && unit <= 0x66)
/** RFC 4648 base32. */
const isBase32 = (unit: number): boolean => isUpper(unit) || (unit >= 0x32 && unit <= 0x37)
const isWord = (unit: number): boolean => isAlphanumeric(unit) || unit === code.underscore
const isDotted = (unit: number): boolean => isBase64Url(unit) || unit === code.dot
const isBase64 = (unit: number): boolean =>
  isAlphanumeric(unit) || unit === code.plus || unit === code.slash || unit === code.equals
const isEscaped = (unit: number): boolean => isBase64(unit) || unit === code.percent
const isPath = (unit: number): boolean => isAlphanumeric(unit) || unit === code.slash

const shape = (
  kind: DetectorName,
  prefixes: string,
  body: TokenShape['body'],
  min: number,
  max?: number,
): TokenShape[] =>
  prefixes.split(' ').map((prefix) => ({ kind, prefix, body, min, ...(max === undefined ? {} : { max }) }))

const shapes: readonly TokenShape[] = [
  // Long-term, temporary, bearer and context-specific access key ids (IAM user guide, "unique ID prefixes").
  ...shape('aws-key', 'AKIA ASIA ABIA ACCA', isBase32, 16, 16),
  // API key, OAuth access token, client secret, refresh token.
  ...shape('gcp-key', 'AIza', isBase64Url, 35, 35),
  ...shape('gcp-key', 'ya29.', isDotted, 30),
  ...shape('gcp-key', 'GOCSPX-', isBase64Url, 28, 28),
  ...shape('gcp-key', '1//0', isBase64Url, 40),
  // Connection strings of storage and service bus; signatures of shared access.
  ...shape('azure-key', 'AccountKey=', isBase64, 86),
  ...shape('azure-key', 'SharedAccessKey=', isBase64, 43),
  ...shape('azure-key', 'sig=', isEscaped, 43),
  ...shape('github-token', 'ghp_ gho_ ghu_ ghs_ ghr_', isAlphanumeric, 36),
  ...shape('github-token', 'github_pat_', isWord, 60),
  ...shape(
    'gitlab-token',
    'glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- glsoat- gloas- glffct-',
    isDotted,
    20,
  ),
  ...shape(
    'slack-token',
    'xoxb- xoxp- xoxa- xoxr- xoxs- xoxo- xoxc- xoxd- xoxe- xoxe.xoxp- xoxe.xoxb- xapp-',
    isBase64Url,
    20,
  ),
  ...shape('slack-token', 'hooks.slack.com/services/ hooks.slack.com/triggers/ hooks.slack.com/workflows/', isPath, 30),
  // Publishable keys (pk_) are meant to be shown.
  ...shape('stripe-key', 'sk_live_ sk_test_ rk_live_ rk_test_ whsec_', isAlphanumeric, 16),
  // npm, PyPI, RubyGems
  ...shape('api-token', 'npm_', isAlphanumeric, 36, 36),
  ...shape('api-token', 'pypi-AgEI', isBase64Url, 50),
  ...shape('api-token', 'rubygems_', isHex, 48, 48),
  // OpenAI, Anthropic, Hugging Face, Groq, xAI
  ...shape('api-token', 'sk-proj- sk-svcacct- sk-admin- sk-ant-', isBase64Url, 40),
  ...shape('api-token', 'sk-', isAlphanumeric, 48, 48),
  ...shape('api-token', 'hf_', isAlphanumeric, 34, 34),
  ...shape('api-token', 'gsk_', isAlphanumeric, 52, 52),
  ...shape('api-token', 'xai-', isAlphanumeric, 80, 80),
  // DigitalOcean, Shopify, Databricks, Linear, Vault, Doppler, Atlassian, Postman, Grafana, PlanetScale
  ...shape('api-token', 'dop_v1_ doo_v1_ dor_v1_', isHex, 64, 64),
  ...shape('api-token', 'shpat_ shpca_ shppa_ shpss_', isHex, 32, 32),
  ...shape('api-token', 'dapi', isHex, 32, 32),
  ...shape('api-token', 'lin_api_', isAlphanumeric, 40, 40),
  ...shape('api-token', 'hvs. hvb. hvr.', isBase64Url, 24),
  ...shape('api-token', 'dp.pt. dp.st. dp.ct. dp.sa.', isDotted, 40),
  ...shape('api-token', 'ATATT3 ATCTT3', isBase64Url, 100),
  ...shape('api-token', 'PMAK-', isBase64Url, 59, 59),
  ...shape('api-token', 'glsa_ glc_', isWord, 32),
  ...shape('api-token', 'pscale_tkn_ pscale_pw_ pscale_oauth_', isDotted, 32),
  // SendGrid, Twilio, Mailgun, Square, New Relic, Notion, Supabase, age
  ...shape('api-token', 'SG.', isDotted, 66, 66),
  ...shape('api-token', 'SK', isHex, 32, 32),
  ...shape('api-token', 'key-', isHex, 32, 32),
  ...shape('api-token', 'sq0atp- sq0csp-', isBase64Url, 22),
  ...shape('api-token', 'NRAK-', isAlphanumeric, 27, 27),
  ...shape('api-token', 'ntn_', isAlphanumeric, 46, 46),
  ...shape('api-token', 'sbp_', isHex, 40, 40),
  ...shape('api-token', 'sb_secret_', isBase64Url, 31),
  ...shape('api-token', 'AGE-SECRET-KEY-1', isAlphanumeric, 58, 58),
  // Our own join tokens.
  ...shape('api-token', 'spj1.', isBase64Url, 100),
]

const startOf = (first: number, second: number): number => first * 65_536 + second

const byStart = new Map<number, TokenShape[]>()
for (const one of shapes) {
  const key = startOf(one.prefix.charCodeAt(0), one.prefix.charCodeAt(1))
  byStart.set(key, [...(byStart.get(key) ?? []), one])
}

/** The token that starts at `start`, or null. At most a prefix and the least body are read in vain. */
export function tokenAt(piece: Piece, start: number): { kind: DetectorName; end: number } | null {
  const candidates = byStart.get(startOf(codeAt(piece, start), codeAt(piece, start + 1)))
  for (const candidate of candidates ?? []) {
    const end = tokenEnd(piece, start, candidate)
    if (end !== null) return { kind: candidate.kind, end }
  }
  return null
}

function tokenEnd(piece: Piece, start: number, { prefix, body, min, max }: TokenShape): number | null {
  for (let index = 0; index < prefix.length; index += 1)
    if (codeAt(piece, start + index) !== prefix.charCodeAt(index)) return null
  const from = start + prefix.length
  let at = from
  while (at - from < (max ?? Number.POSITIVE_INFINITY) && body(codeAt(piece, at))) at += 1
  // A full stop at the end is the sentence's.
  while (at > from && codeAt(piece, at - 1) === code.dot) at -= 1
  const next = codeAt(piece, at)
  const goesOn = isAlphanumeric(next) || (max !== undefined && next !== code.dot && body(next))
  return at - from < min || goesOn ? null : at
}
