// Whether objects are what the API of Kubernetes takes, by its published types: every key has to be one that the API knows, in
// its place, with a value of its type. The compiler of TypeScript is the judge, since a literal may have no key too many.
// It knows no limits of values and no defaults.
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** Modules of the package `kubernetes-types` for the kinds that we use. */
const modules: Readonly<Record<string, string>> = {
  'v1/Pod': 'core/v1',
  'v1/Service': 'core/v1',
  'v1/ServiceAccount': 'core/v1',
  'v1/PersistentVolumeClaim': 'core/v1',
  'apps/v1/Deployment': 'apps/v1',
  'apps/v1/StatefulSet': 'apps/v1',
  'networking.k8s.io/v1/NetworkPolicy': 'networking/v1',
}

/** What is wrong with them, in the compiler's words; empty when nothing is. */
export function schemaProblems(objects: readonly Readonly<Record<string, unknown>>[]): string[] {
  const lines = objects.map((object, at) => {
    const kind = String(object['kind'])
    const module = modules[`${String(object['apiVersion'])}/${kind}`]
    if (module === undefined)
      throw new Error(`"${String(object['apiVersion'])}" has no kind "${kind}" that is known here`)
    return `import type { ${kind} as Kind${at} } from 'kubernetes-types/${module}'\nexport const object${at}: Kind${at} = ${JSON.stringify(object, undefined, 1)}\n`
  })
  const path = fileURLToPath(new URL('rendered-objects.ts', import.meta.url))
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  }
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists } = host
  // The file is in memory alone, at a place from where the package is found.
  host.getSourceFile = (name, ...rest) =>
    name === path ? ts.createSourceFile(name, lines.join('\n'), ts.ScriptTarget.ES2022) : getSourceFile(name, ...rest)
  host.fileExists = (name) => name === path || fileExists(name)
  const found = ts.getPreEmitDiagnostics(ts.createProgram([path], options, host))
  return found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))
}
