// Service definitions for grpc-js made from the generated descriptors: bytes in, messages out, nothing else.
import { type DescMessage, type DescService, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf'
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js'

type AnyMessage = MessageShape<DescMessage>
type Method = MethodDefinition<AnyMessage, AnyMessage> & { originalName: string }

const codecOf = (message: DescMessage) => ({
  serialize: (value: AnyMessage): Buffer => Buffer.from(toBinary(message, value)),
  deserialize: (bytes: Buffer): AnyMessage => fromBinary(message, bytes),
})

/** The definition that `Server.addService` and `makeClientConstructor` take. Method names are the descriptors' local names. */
export function grpcService(service: DescService): ServiceDefinition {
  const methods: [string, Method][] = service.methods.map((method) => {
    const request = codecOf(method.input)
    const response = codecOf(method.output)
    return [
      method.localName,
      {
        path: `/${service.typeName}/${method.name}`,
        originalName: method.localName,
        requestStream: method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming',
        responseStream: method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming',
        requestSerialize: request.serialize,
        requestDeserialize: request.deserialize,
        responseSerialize: response.serialize,
        responseDeserialize: response.deserialize,
      },
    ]
  })
  return Object.fromEntries(methods)
}
