// URIs of resources: one spelling each, or none. What a server could read as another resource is refused (THREATS ).
import { ProtocolError } from '../protocol-error.ts'

export const uriCharsMax = 2_048

/** The same text. Throws ProtocolError for one that two readers could read in two ways. */
export function checkUri(text: string): string {
  const found = /^([a-z][a-z0-9+.-]{0,63}):([\x21-\x7e]+)$/.exec(text)
  if (found === null || text.length > uriCharsMax)
    throw new ProtocolError('a URI that is none, or has capitals in its scheme')
  const [, , rest = ''] = found
  // Braces are those of templates (RFC 6570).
  if (/["<>\\^`|]/.test(rest)) throw new ProtocolError('a URI with a sign that has no meaning in it')
  checkEscapes(rest)
  const path = rest.replace(/[?#].*$/s, '')
  const segments = path.replace(/^\/\//, '').split('/')
  if (segments.some((segment) => segment === '.' || segment === '..'))
    throw new ProtocolError('a URI with a dot segment')
  if (segments.slice(1, -1).includes('')) throw new ProtocolError('a URI with an empty segment')
  if (/^\/\/[^/?#]*@/.test(rest)) throw new ProtocolError('a URI with a user in it')
  return text
}

/** RFC 3986, 6.2.2: capitals, and nothing encoded that need not be; a slash or a dot that is encoded is two things. */
function checkEscapes(rest: string): void {
  const all = rest.match(/%.{0,2}/gs) ?? []
  for (const one of all) {
    if (!/^%[0-9A-F]{2}$/.test(one)) throw new ProtocolError('a URI with a percent sign that encodes nothing')
    const byte = Number.parseInt(one.slice(1), 16)
    const sign = String.fromCharCode(byte)
    if (byte < 0x20 || byte === 0x7f || /[A-Za-z0-9\-._~/\\%]/.test(sign))
      throw new ProtocolError('a URI with an encoded sign that is one as it is')
  }
}
