// The documents of the demo with this stack's addresses in them.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './root.ts'

export interface Places {
  readonly IDP_ISSUER: string
  readonly AUDIENCE: string
  readonly TARGET_PORT: string
  /** PEM; each line goes to the column of its placeholder. */
  readonly TARGET_CA: string
  readonly CREDENTIAL_FILE: string
}

/** Of what stands before the shop. */
export interface ServicePlaces {
  readonly API_PORT: string
  readonly API_CREDENTIAL_FILE: string
  readonly TOOLS_PORT: string
  readonly TOOLS_CREDENTIAL_FILE: string
}

export interface WantedTarget {
  readonly name: string
  /** Label `place` of the target, for its policies. */
  readonly place: string
  /** Further lines of `spec`. */
  readonly more?: string
}

/** One more target that is the stack's shop database, as the demo has it: TLS in full, the same role. */
export const shopTarget = (
  { name, place, more = '' }: WantedTarget,
  places: Places,
): string => `apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: ${name}, labels: { place: ${place} } }
spec:
  protocol: postgres
  agents: [shop-agent]
  host: localhost
  port: ${places.TARGET_PORT}
  database: shop
  tls:
    mode: verify-full
    ca: |
      ${places.TARGET_CA.trim().replaceAll('\n', '\n      ')}
  roles:
    - name: app_rw
      password: { file: "${places.CREDENTIAL_FILE}" }
${more}`

/** A file of e2e/demo with its `${NAME}` replaced. A name that is not a place stops. */
export function readDocuments(file: 'access.yaml' | 'shop.yaml', places: Places): string
export function readDocuments(file: 'services.yaml', places: ServicePlaces): string
export function readDocuments(file: string, places: Places | ServicePlaces): string {
  const text = readFileSync(join(root, 'e2e', 'demo', file), 'utf8')
  const values = new Map<string, string>(Object.entries(places))
  return text.replace(/^( *)(.*?)\$\{([A-Z_]+)\}/gm, (_, indent: string, before: string, name: string) => {
    const value = values.get(name)
    if (value === undefined) throw new Error(`${file} has a place "${name}" that nobody fills`)
    return `${indent}${before}${value.trim().replaceAll('\n', `\n${indent}`)}`
  })
}
