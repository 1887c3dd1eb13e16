// Mutants of the lineage: each is the package with one rule left out, and the corpus has to notice. A mutant that survives is
// a case that is missing. A sample of them in every run, all of them under SALLYPORT_TEST=full.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import type { analyse } from './analyse.ts'
import { corpusCases, corpusCatalog, shownAs, testParser } from './test/corpus.ts'
import type { factLines } from './testing-facts.ts'

interface Mutant {
  readonly file: string
  readonly search: string
  readonly replacement: string
  /** The rule that it leaves out. */
  readonly breaks: string
  /** The file of the corpus that is asked first. */
  readonly corpus?: string
}

interface Package {
  readonly analyse: typeof analyse
  readonly factLines: typeof factLines
}

const here = fileURLToPath(new URL('.', import.meta.url))
const mutants = JSON.parse(readFileSync(new URL('../mutants.json', import.meta.url), 'utf8')) as readonly Mutant[]
const isFull = process.env['SALLYPORT_TEST'] === 'full'
const sample = 6
const seed = Number(process.env['SALLYPORT_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
/** In a sample, every so many'th from a place that the seed says. */
const chosen = mutants.filter((_, at) => isFull || (at + seed) % Math.ceil(mutants.length / sample) === 0)

beforeAll(() => loadModule())

/** The package as one module, with the mutant's change in it. */
async function loadMutant(mutant: Mutant): Promise<Package> {
  const built = await build({
    stdin: {
      contents: "export { analyse } from './analyse.ts'; export { factLines } from './testing-facts.ts'",
      resolveDir: here,
      loader: 'ts',
    },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'neutral',
    logLevel: 'silent',
    plugins: [
      {
        name: 'mutant',
        setup(made) {
          made.onLoad({ filter: /packages\/sql\/src\/[^/]+\.ts$/ }, ({ path }) => {
            const text = readFileSync(path, 'utf8')
            const isIt = path === `${here}${mutant.file}`
            return { contents: isIt ? text.replace(mutant.search, () => mutant.replacement) : text, loader: 'ts' }
          })
        },
      },
    ],
  })
  const code = built.outputFiles[0]?.text ?? ''
  return await import(`data:text/javascript;base64,${Buffer.from(code).toString('base64')}`)
}

/** The name of the first case that the mutant gets wrong; null when it gets all of them right. */
function caughtBy({ analyse, factLines }: Package, first = ''): string | null {
  const cases = [...corpusCases()].sort((one, other) => Number(other.file === first) - Number(one.file === first))
  for (const one of cases) {
    try {
      expect(shownAs(analyse(one.sql, corpusCatalog, one.context, testParser), factLines)).toEqual(one.expect)
    } catch {
      return `${one.file}: ${one.name}`
    }
  }
  return null
}

describe('mutants', () => {
  it('are at least 40, each of a place that is there once', () => {
    expect(mutants.length).toBeGreaterThanOrEqual(40)
    const off = mutants.filter(({ file, search }) => readFileSync(`${here}${file}`, 'utf8').split(search).length !== 2)
    expect(off.map(({ file, search }) => `${file}: ${search}`)).toEqual([])
  })

  it('are judged by a corpus that the package itself passes', async () => {
    const unchanged = { file: 'values.ts', search: 'import', replacement: 'import', breaks: 'nothing' }
    expect(caughtBy(await loadMutant(unchanged))).toBeNull()
  }, 120_000)

  it.each(chosen.map((mutant) => [mutant.breaks, mutant] as const))(
    `%s (seed ${seed})`,
    async (_, mutant) => {
      expect(caughtBy(await loadMutant(mutant), mutant.corpus), `${mutant.file}: a mutant survives`).not.toBeNull()
    },
    120_000,
  )
})
