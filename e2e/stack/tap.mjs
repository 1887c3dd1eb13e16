// Loaded into a process under test before anything else (NODE_OPTIONS=--import): writes down what it sends and receives over HTTP/2, inside
// TLS, which in our processes is all that control plane and agent say to each other.
import { openSync, writeSync } from 'node:fs'
import { Duplex, Readable } from 'node:stream'
import { setFlagsFromString } from 'node:v8'

// Otherwise a heap snapshot has the first thousand characters of a text and no more.
setFlagsFromString('--heap-snapshot-string-limit=100000000')

const file = openSync(process.env.SALLYPORT_TEST_TAP, 'a', 0o600)
const isHttp2 = (stream) => /Http2Stream$/.test(stream.constructor.name)
const note = (stream, chunk) => {
  if (isHttp2(stream) && (typeof chunk === 'string' || chunk instanceof Uint8Array)) writeSync(file, chunk)
}

const { push } = Readable.prototype
Readable.prototype.push = function (chunk, ...rest) {
  note(this, chunk)
  return push.call(this, chunk, ...rest)
}
const { write } = Duplex.prototype
Duplex.prototype.write = function (chunk, ...rest) {
  note(this, chunk)
  return write.call(this, chunk, ...rest)
}
