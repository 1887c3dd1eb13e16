// What the browser gets for a statement that somebody else wrote: text, never markup, and always its counts.
import { createElement } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { describe, expect, it } from 'vitest'
import { Statement } from './Statement.tsx'

const markup = (text: string, statements = 1) => renderToStaticMarkup(createElement(Statement, { text, statements }))
const tags = (html: string) => new Set([...html.matchAll(/<\/?([a-z0-9]+)/gi)].map((match) => match[1]))
const innocent = tags(markup(`select 'a' -- b\u202e\u200b\n\u0430${' '.repeat(40)}`))

describe('a drawn statement', () => {
  it.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '"><svg onload=alert(1)>',
    '</code></section><h1>approved</h1>',
    '&lt;b&gt;',
    '{{constructor.constructor("alert(1)")()}}',
    'javascript:alert(1)',
    '<!-- --><style>*{display:none}</style>',
  ])('makes no element and no attribute of %s', (text) => {
    const html = markup(`select '${text}'`)
    for (const tag of tags(html)) expect(innocent).toContain(tag)
    expect(html).not.toMatch(/<[^>]*\son\w+=/i)
    expect(html).not.toContain('href')
  })

  it('has no raw character that hides or reorders', () => {
    // Line breaks of the text become elements; what is left must be printable.
    const html = markup('a\u202eb\u2066c\u200bd\u0000e\u001bf\rg\u2028h')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
    expect(html).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069]/)
    expect(html).toContain('U+202E')
    expect(html).toContain('right-to-left override')
  })

  it('says how many statements, characters and lines there are', () => {
    const html = markup('select 1;\ndelete from orders', 2)
    expect(html).toContain('2 statements')
    expect(html).toContain('28 characters')
    expect(html).toContain('2 lines')
  })

  it('says how many lines it has not drawn, and draws the first 400', () => {
    const html = markup(Array.from({ length: 405 }, (_, line) => `-- ${line}`).join('\n'))
    expect(html).toContain('5 more lines are not drawn yet: show all')
    expect(html).toContain('-- 399')
    expect(html).not.toContain('-- 400<')
  })

  it('draws exactly 400 lines without a word', () => {
    expect(markup(Array.from({ length: 400 }, (_, line) => `-- ${line}`).join('\n'))).not.toContain('not drawn yet')
  })

  it('numbers the lines of the text, also after a token for empty ones', () => {
    const html = markup(`a${'\n'.repeat(10)}b`)
    expect(html).toMatch(/>11<\/span>/)
  })
})
