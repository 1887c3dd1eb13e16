// HTTP of the token exchange: a form goes in, JSON or the refusals of RFC 6749 come out. Whoever has both tokens may ask.
import {
  AwsTokenRequest,
  awsTokenType,
  type ExchangeRefusal,
  ExchangeRequest,
  ExchangeResponse,
  jwtTokenType,
  ExchangeRefusal as Refusal,
  ServiceTokenRequest,
} from '@sallyport/api/exchange'
import { asSallyportError, errorDocsUrl, type SallyportError, surfacesOf } from '@sallyport/base/errors'
import { principalKey } from '@sallyport/base/identity'
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { problemOf } from '../http/errors.ts'
import { takesForms } from '../http/form.ts'
import { type App, at } from '../http/route.ts'
import { exchange } from './exchange.ts'
import { tokenOfAccount, tokenOfAws } from './workload.ts'

/** From one address; a service with many users asks for each of them every few minutes. */
const exchangesPerMinuteMax = 3_000
/** Two tokens at their longest, and the rest. */
const formBytesMax = 65_536

export function exchangeRoutes(app: App, deps: Deps): void {
  void app.register(async (scope: App) => {
    takesForms(scope, formBytesMax)
    scope.route({
      ...at('tokenExchange', { rateLimit: { max: exchangesPerMinuteMax, timeWindow: 60_000 } }),
      schema: {
        body: z.union([ServiceTokenRequest, AwsTokenRequest, ExchangeRequest]),
        response: { 200: ExchangeResponse, 400: Refusal },
      },
      handler: async (request, reply) => {
        try {
          const asked = request.body
          if ('client_secret' in asked || asked.subject_token_type === awsTokenType) {
            const made = 'client_secret' in asked ? await tokenOfAccount(deps, asked) : await tokenOfAws(deps, asked)
            deps.metrics.tokens.inc()
            const { principal, jti } = made
            request.log.info({ event: 'workload-token', caller: principalKey(principal), target: asked.audience, jti })
            return await reply.send(answerOf(made))
          }
          const { token, jti, chain, seconds } = await exchange(deps, asked)
          deps.metrics.tokens.inc()
          const { initiator, actors } = chain
          const [initiatorKey, ...actorKeys] = [initiator, ...actors].map(principalKey)
          const { audience: target } = asked
          request.log.info({ event: 'token-exchanged', initiator: initiatorKey, actors: actorKeys, target, jti })
          return await reply.send(answerOf({ token, seconds }))
        } catch (thrown) {
          const error = asSallyportError(thrown)
          // What is nobody's fault out there is a problem like any other.
          if (surfacesOf(error.code).http >= 500 && error.code !== 'FEATURE_UNSUPPORTED') throw thrown
          request.log.info({ event: 'exchange-refused', code: error.code })
          return await reply.code(400).send(refusalOf(error, request.id))
        }
      },
    })
  })
}

const answerOf = ({ token, seconds }: { readonly token: string; readonly seconds: number }): ExchangeResponse => ({
  access_token: token,
  issued_token_type: jwtTokenType,
  token_type: 'N_A',
  expires_in: seconds,
})

/** RFC 8693, 2.2.2: a token that is not valid makes the request invalid; a target that is not given, the target. */
function refusalOf(error: SallyportError, requestId: string): ExchangeRefusal {
  const { code, message, hint } = error
  const kinds: Partial<Record<typeof code, ExchangeRefusal['error']>> = {
    TARGET_UNKNOWN: 'invalid_target',
    ACTOR_FORBIDDEN: 'invalid_target',
    FEATURE_UNSUPPORTED: 'unsupported_grant_type',
  }
  return {
    ...problemOf(error, requestId),
    status: 400,
    error: kinds[code] ?? 'invalid_request',
    error_description: hint === undefined ? message : `${message}; ${hint}`,
    error_uri: errorDocsUrl(code),
  }
}
