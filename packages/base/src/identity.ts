// Who calls: principals and the chain that they form. Pure types; agents and the control plane make the values.

/** Someone or something that proved who it is. Its key is (issuer, subject), never an e-mail address. */
export interface Principal {
  readonly kind: 'user' | 'workload'
  readonly issuer: string
  readonly subject: string
  /** Sallyport groups, already mapped per issuer; rules never see raw group claims. */
  readonly groups: readonly string[]
  /** Verified claims that rules may read; never tokens. */
  readonly claims: Readonly<Record<string, unknown>>
  /** A name to show, not a key: e-mail, display name or subject. */
  readonly display: string
  readonly assurance: 'verified' | 'claimed'
}

/** For whom (`initiator`) and through whom (`actors`, outermost first). The initiator alone when a person calls directly. */
export interface Chain {
  readonly initiator: Principal
  readonly actors: readonly Principal[]
}

/** Every verified principal of a chain: the rules run once for each and the strictest result wins. */
export const verifiedPrincipals = (chain: Chain): readonly Principal[] =>
  [chain.initiator, ...chain.actors].filter((principal) => principal.assurance === 'verified')

/** `issuer subject` as one key. Issuers hold no space (URIs, RFC 3986), so two principals never share one. */
export const principalKey = (principal: Pick<Principal, 'issuer' | 'subject'>): string =>
  `${principal.issuer} ${principal.subject}`
