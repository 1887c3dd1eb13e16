// HTTP of SAML: what a provider is configured with, its form with the assertion, and the browser that comes back.
import { SallyportError } from '@sallyport/base/errors'
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { takesForms } from '../http/form.ts'
import { type App, at, type RateLimit } from '../http/route.ts'
import { counted, endBrowserLogin, sendSignInError } from './browser.ts'
import { attemptCookieName } from './rules.ts'
import { samlFormBytesMax, samlMetadata } from './saml.ts'
import { answerSaml, finishSaml, samlProviderOf } from './saml-login.ts'

const ProviderPath = z.object({ provider: z.string().max(63) })
/** RelayState is not read: where to return to was kept when the login was started. */
const Answer = z.object({ SAMLResponse: z.string().min(1).max(samlFormBytesMax), RelayState: z.string().optional() })

export function samlRoutes(app: App, deps: Deps, rateLimit: RateLimit): void {
  app.route({
    ...at('samlMetadata'),
    schema: { params: ProviderPath, response: { 200: z.string() } },
    handler: async (request, reply) => {
      const found = deps.config.providers.find(({ name }) => name === request.params.provider)
      if (found?.kind !== 'saml') throw new SallyportError('NOT_FOUND', 'there is no such provider of SAML')
      reply.type('application/samlmetadata+xml').serializer((xml: unknown) => String(xml))
      return await reply.send(samlMetadata(deps.config, found))
    },
  })
  void app.register(async (scope: App) => {
    takesForms(scope, samlFormBytesMax)
    scope.route({
      ...at('samlAnswer', { rateLimit }),
      errorHandler: sendSignInError,
      schema: { params: ProviderPath, body: Answer, response: { 303: z.undefined() } },
      handler: async (request, reply) => {
        const provider = samlProviderOf(deps, request.params.provider)
        const code = await counted(deps, 'browser', () => answerSaml(deps, provider, request.body.SAMLResponse))
        // A GET to our own page: the cookie of the attempt, which is SameSite=Lax, comes along with it.
        return await reply.redirect(`/auth/saml/finish?code=${code}`, 303)
      },
    })
  })
  app.route({
    ...at('samlFinish', { rateLimit }),
    errorHandler: sendSignInError,
    schema: { querystring: z.object({ code: z.string().min(1).max(100) }), response: { 302: z.undefined() } },
    handler: async (request, reply) =>
      await endBrowserLogin(deps, request, reply, (from) =>
        counted(deps, 'browser', () =>
          finishSaml(deps, request.query.code, request.cookies[attemptCookieName(deps.config)], from),
        ),
      ),
  })
}
