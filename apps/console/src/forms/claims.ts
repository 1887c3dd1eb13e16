// Required claims of a TrustedIssuer in words. Pure.

/** `repository = acme/shop`, `ref = refs/heads/main or refs/heads/release`. */
export const claimTexts = (claims: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(claims).map(
    ([name, value]) => `${name} = ${Array.isArray(value) ? value.map(String).join(' or ') : String(value)}`,
  )
