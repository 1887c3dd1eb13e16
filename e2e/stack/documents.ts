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

/** A file of e2e/demo with its `${NAME}` replaced. A name that is not a place stops. */
export function readDocuments(file: 'access.yaml' | 'shop.yaml', places: Places): string {
  const text = readFileSync(join(root, 'e2e', 'demo', file), 'utf8')
  const values = new Map<string, string>(Object.entries(places))
  return text.replace(/^( *)(.*?)\$\{([A-Z_]+)\}/gm, (_, indent: string, before: string, name: string) => {
    const value = values.get(name)
    if (value === undefined) throw new Error(`${file} has a place "${name}" that nobody fills`)
    return `${indent}${before}${value.trim().replaceAll('\n', `\n${indent}`)}`
  })
}
