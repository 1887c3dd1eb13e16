// What each detector finds and leaves, as tables: `«…»` marks the finding in a text. Every number and key here is made up
// or a published example; none opens anything.
import { describe, expect, it } from 'vitest'
import type { DetectorName } from '../rule.ts'
import { detect } from './detect.ts'

/** The text with each finding marked, `«kind:…»`. */
const marked = (text: string, kinds?: ReadonlySet<DetectorName>): string => {
  let out = ''
  let from = 0
  for (const { kind, start, end } of detect(text, kinds)) {
    out += `${text.slice(from, start)}«${kind}:${text.slice(start, end)}»`
    from = end
  }
  return out + text.slice(from)
}

const plain = (text: string): string => text.replace(/«[a-z-]+:([^»]*)»/g, '$1')

const check = (name: string, cases: readonly string[]): void => {
  describe(name, () => {
    it.each(cases)('%s', (expected) => {
      expect(marked(plain(expected))).toBe(expected)
    })
  })
}

check('email', [
  'write to «email:ann@example.com».',
  '<«email:ann.lee+tag@mail.example.co.uk»>, thanks',
  '{"mail":"«email:a@b.io»"}',
  'mailto:«email:ann@example.com»?subject=x',
  'GET /find?mail=«email:ann%40example.com»&page=2',
  '«email:jörg@müller.example»',
  '«email:x@xn--mller-kva.example»',
  '«email:555-123-4567@example.com»',
  'no ann@localhost, no @types/node, no pkg@1.2.3, no icon@2x.png, no a@b',
  'ann @example.com and @ann and ann@',
  'ann@-example.com ann@example..com',
])

check('card', [
  '«card:4111111111111111»',
  'card «card:4111 1111 1111 1111», exp 12/27',
  '«card:5500-0055-5555-5559»',
  '«card:378282246310005» «card:3782 822463 10005»',
  '«card:30569309025904» «card:6011111111111117» «card:3530111333300000» «card:2221000000000009»',
  '«card:4111111111111111» 2027',
  'pan_«card:4111111111111111»_x',
  // One digit wrong; no issuer; too long; inside a word, a decimal, a longer number.
  '4111111111111112 1234567812345670 41111111111111111',
  'a4111111111111111 4111111111111111b 0.4111111111111111 4111111111111111.25',
  '4111 11111 111 11111 4111-1111 1111-1111',
  '0000000000000000 1712345678901234',
])

check('iban', [
  '«iban:DE89370400440532013000»',
  'IBAN: «iban:DE89 3704 0044 0532 0130 00» ok',
  '«iban:GB29 NWBK 6016 1331 9268 19» «iban:GB29NWBK60161331926819»',
  '«iban:MT84 MALT 0110 0001 2345 MTLC AST0 01S»',
  '«iban:de89370400440532013000» «iban:FR14 2004 1010 0505 0001 3M02 606»',
  'DE88370400440532013000 DE8937040044053201300 DE893704004405320130001 XX89370400440532013000',
])

check('phone', [
  'call «phone:+49 30 123456-0» now',
  '«phone:+1 (415) 555-2671», «phone:+14155552671», «phone:+44 20 7946 0958»',
  '«phone:(415) 555-2671» «phone:415-555-2671» «phone:415.555.2671» «phone:1-415-555-2671»',
  '«phone:0049 30 1234567»',
  '«phone:06 12 34 56 78», «phone:0171/1234567», «phone:030 12345678»',
  '«phone:415-555-2671» 2 times',
  // No area, no exchange, service numbers, dates, versions, plain counts.
  '115-555-2671 415-155-2671 911-555-2671 2024-11-28 1.2.3.4 4155552671 12:34:56',
  '+1 415 555 and +0 123 456 789 and a+4930123456',
])

check('us-ssn', [
  'ssn «us-ssn:219-09-9999», «us-ssn:219 09 9999»',
  '000-12-3456 666-12-3456 900-12-3456 219-00-9999 219-09-0000',
  '219-09-99999 1219-09-9999 219-09-9999-1 12-219-09-9999 219 09-9999 219099999',
])

check('jwt', [
  `Bearer «jwt:${jwtOf({ alg: 'HS256', typ: 'JWT' })}»`,
  `token=«jwt:${jwtOf({ typ: 'JWT', alg: 'none' }, '')}», next`,
  `x-«jwt:${jwtOf({ alg: 'ES256' })}»`,
  `«jwt:${jwtOf({ alg: 'dir', enc: 'A256GCM' })}.c2Vj.dGFn»`,
  `${part({ typ: 'JWT' })}.${part({ sub: 'x' })}.c2ln eyJ eyJhbGciOiJIUzI1NiJ9`,
])

check('keys and tokens', [
  'id «aws-key:AKIAIOSFODNN7EXAMPLE» and «aws-key:ASIAIOSFODNN7EXAMPLE»',
  `key=«gcp-key:AIza${'Ab1-'.repeat(8)}xyz»&v=3`,
  `«github-token:ghp_${'a1B2'.repeat(9)}» «gitlab-token:glpat-${'x1_y'.repeat(5)}»`,
  `«slack-token:xoxb-${'1234-'.repeat(5)}abc» https://«slack-token:hooks.slack.com/services/T00000000/B00000000/${'x'.repeat(24)}»`,
  `«stripe-key:sk_live_${'a1B2'.repeat(6)}» pk_live_${'a1B2'.repeat(6)}`,
  `AccountName=x;«azure-key:AccountKey=${'ab+/'.repeat(21)}ab==»;`,
  `«api-token:npm_${'a1B2'.repeat(9)}», «api-token:sk-ant-api03-${'a-B_'.repeat(20)}»`,
  `«api-token:SG.${'a'.repeat(22)}.${'b'.repeat(43)}».`,
  'AKIAIOSFODNN7EXAMPL AKIAIOSFODNN7EXAMPLEX XAKIAIOSFODNN7EXAMPLE akiaiosfodnn7example',
  'SKU sk- skip key-word hf_ ghp_short npm_config_registry xoxb-',
])

check('private-key', [
  `before «private-key:-----BEGIN PRIVATE KEY-----\nMIIB/+==\nabcd\n-----END PRIVATE KEY-----» after`,
  `{"k":"«private-key:-----BEGIN RSA PRIVATE KEY-----\\nMIIB\\n-----END RSA PRIVATE KEY-----»\\n"}`,
  `«private-key:-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00FF\n\nMIIB\n-----END EC PRIVATE KEY-----»`,
  `«private-key:-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ==\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----»`,
  '«private-key:-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn»"cut',
  '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n-----BEGIN PUBLIC KEY-----',
  '----- BEGIN PRIVATE KEY ----- and -----BEGIN PRIVATE KEY--',
])

describe('together', () => {
  it('finds only what is asked for', () => {
    const text = 'ann@example.com 4111111111111111 219-09-9999'
    expect(detect(text, new Set<DetectorName>(['card']))).toEqual([{ kind: 'card', start: 16, end: 32 }])
    expect(detect(text, new Set())).toEqual([])
  })

  it('finds one behind the other, whatever divides them', () => {
    expect(marked('ann@example.com,219-09-9999;+14155552671\tDE89370400440532013000')).toBe(
      '«email:ann@example.com»,«us-ssn:219-09-9999»;«phone:+14155552671»\t«iban:DE89370400440532013000»',
    )
  })

  it('finds at the very ends, and nothing in nothing', () => {
    expect(detect('')).toEqual([])
    expect(detect('a@b.io')).toEqual([{ kind: 'email', start: 0, end: 6 }])
  })
})

function part(json: unknown): string {
  return Buffer.from(JSON.stringify(json)).toString('base64url')
}

function jwtOf(header: unknown, signature = 'c2lnbmF0dXJlLXNpZ25hdHVyZQ'): string {
  return `${part(header)}.${part({ sub: 'ann', iat: 1 })}.${signature}`
}
