// The only thing that a decoder throws: the bytes break the protocol, or are larger than we take.
import { SallyportError } from '@sallyport/base/errors'

export class ProtocolError extends SallyportError {
  override name = 'ProtocolError'
  constructor(message: string) {
    super('PROTOCOL_VIOLATION', message)
  }
}
