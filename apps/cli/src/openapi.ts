// sallyport openapi FILE: the routes of an OpenAPI description as a Target lists them, to be put into its document. It asks
// nobody and applies nothing.
import { SallyportError } from '@sallyport/base/errors'
import { routesOfOpenapi } from '@sallyport/policy/openapi'
import { parse, stringify } from 'yaml'
import type { AddCommand, Session } from './app.ts'
import { readFile } from './apply.ts'

/** As many as a Target may list. */
const routesMax = 2_000

export const addOpenapi: AddCommand = (program, app) => {
  program
    .command('openapi <file>')
    .description('print the routes of an OpenAPI description, for "routes" of an HTTP target')
    .option('--schemas', 'with the schemas of bodies and queries')
    .addHelpText(
      'after',
      '\nExamples:\n  sallyport openapi crm.openapi.yaml\n  sallyport openapi crm.openapi.json >> crm.yaml',
    )
    .action((file: string, options: { schemas?: boolean }) =>
      app.run((session) => print(session, file, options.schemas === true)),
    )
}

async function print(session: Session, file: string, schemas: boolean): Promise<void> {
  const { routes, problems } = routesOfOpenapi(descriptionOf(readFile(session, file), file), { schemas })
  for (const problem of problems) session.out.message(`left out: ${problem}`)
  if (routes.length === 0)
    throw new SallyportError('DOCUMENT_INVALID', `"${file}" has no route that could be listed`, {
      hint: 'it has to be an OpenAPI description with "paths"',
    })
  if (routes.length > routesMax)
    throw new SallyportError('DOCUMENT_INVALID', `"${file}" has ${routes.length} routes; a target lists ${routesMax}`, {
      hint: 'split the API into several targets by the path of their "url"',
    })
  session.out.result({ routes, problems }, () =>
    stringify({ routes: { unknown: 'deny', list: routes } }, { lineWidth: 0 }).replace(/^(?=.)/gm, '  '),
  )
}

function descriptionOf(text: string, file: string): unknown {
  try {
    // JSON is YAML. Aliases could make a small text a large one.
    return parse(text, { maxAliasCount: 0 })
  } catch {
    throw new SallyportError('YAML_INVALID', `"${file}" is neither YAML nor JSON that can be read`, {
      hint: 'aliases are not read; write their values out',
    })
  }
}
