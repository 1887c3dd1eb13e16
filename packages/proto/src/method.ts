// One typed description per method for clients: path, bytes out, messages in. Servers take grpcService of grpc.ts.
import { type DescMessage, type DescMethod, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf'
import { EnrollService, RenewService } from './gen/sallyport/v1/enroll_pb.ts'
import { IngestService } from './gen/sallyport/v1/ingest_pb.ts'
import { LinkService } from './gen/sallyport/v1/link_pb.ts'

export interface Method<Request, Response> {
  readonly path: string
  readonly serialize: (request: Request) => Buffer
  readonly deserialize: (bytes: Buffer) => Response
}

type Described<I extends DescMessage, O extends DescMessage> = DescMethod & { readonly input: I; readonly output: O }

function methodOf<I extends DescMessage, O extends DescMessage>(
  described: Described<I, O>,
): Method<MessageShape<I>, MessageShape<O>> {
  return {
    path: `/${described.parent.typeName}/${described.name}`,
    serialize: (request) => Buffer.from(toBinary(described.input, request)),
    deserialize: (bytes) => fromBinary(described.output, bytes),
  }
}

export const joinMethod = methodOf(EnrollService.method.join)
export const renewMethod = methodOf(RenewService.method.renew)
export const linkMethod = methodOf(LinkService.method.link)
export const ingestMethod = methodOf(IngestService.method.ingest)
