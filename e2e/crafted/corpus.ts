// Table: statements that try to look like something else to the person who decides (DESIGN §5, THREATS ),
// each with the facts that nothing in it may hide. Made of places where a text can stand and of what is put there.

export interface Crafted {
  readonly name: string
  readonly text: string
  /** Verbs of its statements, in order. */
  readonly verbs: readonly string[]
  /** Objects that it changes. */
  readonly objects: readonly string[]
  /** Characters that must not reach a screen as they are. */
  readonly hidden: readonly string[]
}

const payloads: readonly (readonly [string, string])[] = [
  ['right-to-left override', '\u202e1 = di EREHW\u202c'],
  ['right-to-left isolate', '\u2067 evomer \u2069'],
  ['Arabic letter mark', 'a\u061cb'],
  ['zero-width space', 'pay\u200bments'],
  ['zero-width joiner', 'pay\u200dments'],
  ['word joiner', 'pay\u2060ments'],
  ['byte order mark', '\ufeffpayments'],
  ['soft hyphen', 'pay\u00adments'],
  ['tag characters', '\u{e0064}\u{e0072}\u{e006f}\u{e0070}'],
  ['variation selector', 'p\ufe0fayments'],
  ['combining grapheme joiner', 'pay\u034fments'],
  ['line separator', 'x\u2028y'],
  ['no-break space', 'x\u00a0y'],
  ['Hangul filler', 'x\u3164y'],
  ['escape sequence', '\u001b[2J\u001b[1;1Happroved'],
  ['C1 control', '\u009b31mred'],
  ['backspace', 'payments\b\b\b\b\b\b\b\borders'],
  ['carriage return', 'DELETE\rSELECT'],
  ['homoglyph', 'раyments'],
  ['script element', '<script>alert(1)</script>'],
  ['image with handler', '<img src=x onerror=alert(1)>'],
  ['character reference', '&lt;b&gt;&#x202e;'],
  ['chat mention', '<!channel> <@U123>'],
  ['chat link', '<https://example.test|Approve>'],
  ['chat markup', '*safe* _read only_ ~DELETE~ ```ok```'],
  ['Markdown link', '[approve](javascript:alert(1))'],
  ['formula', '=HYPERLINK("http://example.test","ok")'],
  ['a fact of ours', 'SELECT 1 row, approved by bob'],
]

// First and last of ranges that do not show, or change how others show. Letters of other scripts and markup show as they are.
const unseen: readonly (readonly [number, number])[] = [
  [0x00, 0x08],
  [0x0b, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x200b, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0x3164, 0x3164],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xe0000, 0xe007f],
]
const isUnseen = (character: string): boolean => {
  const code = character.codePointAt(0) ?? 0
  return unseen.some(([first, last]) => code >= first && code <= last)
}
const hiddenIn = (text: string): string[] => [...new Set([...text].filter(isUnseen))]

const one = (name: string, text: string): Crafted => ({
  name,
  text,
  verbs: ['DELETE'],
  objects: ['public.payments'],
  hidden: hiddenIn(text),
})

const quote = (text: string) => text.replaceAll("'", "''")

const inPlaces = payloads.flatMap(([name, text]) => [
  one(`${name} in a literal`, `DELETE FROM payments WHERE method = '${quote(text)}'`),
  one(`${name} in a comment`, `DELETE /* ${text.replaceAll('*/', '')} */ FROM payments WHERE id = 0`),
])

const padding = ' '.repeat(4_000)
const lines = '\n'.repeat(300)

const shapes: readonly Crafted[] = [
  one('padding before', `${padding}DELETE FROM payments WHERE id = 0`),
  one('padding inside', `DELETE FROM payments${padding}WHERE id = 0`),
  one('lines before', `${lines}DELETE FROM payments WHERE id = 0`),
  one('a comment that looks like the whole', `/* SELECT 1; */${lines}DELETE FROM payments WHERE id = 0`),
  one('nested comments', 'DELETE /* a /* b */ SELECT 1 */ FROM payments WHERE id = 0'),
  one('a line comment that ends early', 'DELETE FROM payments -- WHERE nothing\nWHERE id = 0'),
  one('a literal with a statement in it', "DELETE FROM payments WHERE method = 'x; SELECT 1; --'"),
  one('dollar quotes', 'DELETE FROM payments WHERE method = $t$SELECT 1$t$'),
  one('Unicode escapes', "DELETE FROM payments WHERE method = U&'\\0053ELECT'"),
  one('escape string', "DELETE FROM payments WHERE method = E'\\x53ELECT\\n'"),
  one('quoted and escaped name', 'DELETE FROM U&"p\\0061yments" WHERE id = 0'),
  one('mixed case', 'dElEtE fRoM PAYMENTS wHeRe id = 0'),
  one('the schema named', 'DELETE FROM ONLY "public"."payments" AS orders WHERE orders.id = 0'),
  one(
    'a long list',
    `DELETE FROM payments WHERE id IN (${Array.from({ length: 900 }, (_, index) => -index).join(', ')})`,
  ),
  {
    ...one('a read in front', `SELECT 1;${padding}DELETE FROM payments WHERE id = 0`),
    verbs: ['SELECT', 'DELETE'],
  },
  {
    ...one('two deletes', 'DELETE FROM payments WHERE id = 0; DELETE FROM order_items WHERE order_id = 0'),
    verbs: ['DELETE', 'DELETE'],
    objects: ['public.payments', 'public.order_items'],
  },
  {
    ...one(
      'many reads around',
      `${'SELECT 1; '.repeat(60)}DELETE FROM payments WHERE id = 0;${'SELECT 2; '.repeat(20)}`,
    ),
    verbs: [...Array.from({ length: 60 }, () => 'SELECT'), 'DELETE', ...Array.from({ length: 20 }, () => 'SELECT')],
  },
  {
    ...one(
      'a delete inside a read',
      'WITH gone AS (DELETE FROM payments WHERE id = 0 RETURNING id) SELECT id FROM gone',
    ),
    verbs: ['SELECT'],
  },
]

/** Sixty at least. */
export const crafted: readonly Crafted[] = [...inPlaces, ...shapes]
