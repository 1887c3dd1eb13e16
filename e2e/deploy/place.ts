// What the demo's containers are told: variables that must be there, and files that are written once and kept.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** A variable of compose.yaml; without it there is nothing to start with. */
export function variable(name: string): string {
  const value = process.env[name]
  if (value === undefined || value === '') throw new Error(`the variable ${name} is not set; see deploy/compose.yaml`)
  return value
}

/** What stands in the file, or what `make` gives, which then stands there. Complete or absent, never half of it. */
export function keep(file: string, mode: number, make: () => string): string {
  if (existsSync(file)) return readFileSync(file, 'utf8')
  const text = make()
  replaceFile(file, mode, text)
  return text
}

export function replaceFile(file: string, mode: number, text: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.new`, text, { mode })
  renameSync(`${file}.new`, file)
}

/** One line on stderr and status 1: what a container's log shows. */
export function fail(what: string): (thrown: unknown) => void {
  return (thrown) => {
    process.stderr.write(`${what}: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`)
    process.exitCode = 1
  }
}
