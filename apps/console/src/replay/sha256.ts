// SHA-256 (FIPS 180-4) in plain TypeScript: the ledger asks for it synchronously, and the browser's own only answers later.
// For checking records; nothing secret passes through it.

// FIPS 180-4 §4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes.
const constants = new Uint32Array([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
  0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
  0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
  0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
  0xc67178f2,
])
// §5.3.3: of the square roots of the first 8 primes.
const initial = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
] as const

const blockBytes = 64
const words = new Uint32Array(64)
const state = new Uint32Array(8)

/** 32 bytes. Does not keep its argument. */
export function sha256(bytes: Uint8Array): Uint8Array {
  state.set(initial)
  const whole = bytes.length - (bytes.length % blockBytes)
  for (let at = 0; at < whole; at += blockBytes) compress(bytes, at)
  const rest = bytes.length - whole
  // §5.1.1: a one bit, zeros, and the length in bits as 64 bits.
  const tail = new Uint8Array(rest + 9 <= blockBytes ? blockBytes : 2 * blockBytes)
  tail.set(bytes.subarray(whole))
  tail[rest] = 0x80
  const view = new DataView(tail.buffer)
  view.setUint32(tail.length - 8, Math.floor(bytes.length / 0x2000_0000))
  view.setUint32(tail.length - 4, (bytes.length << 3) >>> 0)
  for (let at = 0; at < tail.length; at += blockBytes) compress(tail, at)
  const digest = new Uint8Array(32)
  const out = new DataView(digest.buffer)
  for (let index = 0; index < 8; index++) out.setUint32(index * 4, state[index] ?? 0)
  return digest
}

const word = (index: number): number => words[index] ?? 0
const rotated = (value: number, by: number): number => (value >>> by) | (value << (32 - by))

/** §6.2.2, one block. */
function compress(bytes: Uint8Array, from: number): void {
  for (let t = 0; t < 16; t++) {
    const at = from + t * 4
    words[t] =
      ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)
  }
  for (let t = 16; t < 64; t++) {
    const before2 = word(t - 2)
    const before15 = word(t - 15)
    const sigma1 = rotated(before2, 17) ^ rotated(before2, 19) ^ (before2 >>> 10)
    const sigma0 = rotated(before15, 7) ^ rotated(before15, 18) ^ (before15 >>> 3)
    words[t] = sigma1 + word(t - 7) + sigma0 + word(t - 16)
  }
  // One by one: taking them apart as a list costs more than the rounds.
  let a = state[0] ?? 0
  let b = state[1] ?? 0
  let c = state[2] ?? 0
  let d = state[3] ?? 0
  let e = state[4] ?? 0
  let f = state[5] ?? 0
  let g = state[6] ?? 0
  let h = state[7] ?? 0
  for (let t = 0; t < 64; t++) {
    const sum1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
    const one = (h + sum1 + ((e & f) ^ (~e & g)) + (constants[t] ?? 0) + word(t)) | 0
    const sum0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)
    const two = (sum0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + one) | 0
    d = c
    c = b
    b = a
    a = (one + two) | 0
  }
  add(0, a)
  add(1, b)
  add(2, c)
  add(3, d)
  add(4, e)
  add(5, f)
  add(6, g)
  add(7, h)
}

function add(index: number, value: number): void {
  state[index] = (state[index] ?? 0) + value
}
