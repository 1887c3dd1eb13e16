// HTTP of callers' certificates: everyone their own, for targets that are open to them.
import { CertificateRequest, CertificateResponse } from '@sallyport/api/certificates'
import type { Deps } from '../deps.ts'
import { actorOf } from '../http/actor.ts'
import { type App, at } from '../http/route.ts'
import { issueCertificate } from './certificates.ts'

export function certificatesRoutes(app: App, deps: Deps): void {
  app.route({
    ...at('certificateIssue'),
    schema: { body: CertificateRequest, response: { 201: CertificateResponse } },
    handler: async (request, reply) => {
      const actor = actorOf(request)
      const issued = await issueCertificate(deps, actor, request.body)
      const { target } = request.body
      request.log.info({ event: 'certificate-issued', person: actor.personId, target, certificate: issued.id })
      return await reply.code(201).send(issued)
    },
  })
}
