// A principal as entries and evidence show it: who it is and what was verified, without its claims.
import type { Principal } from '@sallyport/base/identity'
import type { EntryPrincipal } from '@sallyport/ledger/entry'

export const entryPrincipal = (principal: Principal): EntryPrincipal => ({
  kind: principal.kind,
  issuer: principal.issuer,
  subject: principal.subject,
  display: principal.display,
  groups: principal.groups,
  assurance: principal.assurance,
})
