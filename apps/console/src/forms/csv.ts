// A table as CSV (RFC 4180) that a spreadsheet opens without running anything in it (THREATS R-6.9): every cell is
// quoted, and one that a spreadsheet could take for a formula begins with an apostrophe.

/** What a spreadsheet takes for the begin of a formula, also behind spaces; full-width forms are folded by some. */
const formula = /^[\s\u200b-\u200f\ufeff]*[=+\-@\t\r\n|%\uff1d\uff0b\uff0d\uff20]/u

/** One cell, quoted. Control characters but tab and line ends become spaces, as nothing shows them. */
export function csvCell(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  const shown = text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, ' ')
  const safe = formula.test(shown) ? `'${shown}` : shown
  return `"${safe.replaceAll('"', '""')}"`
}

/** Head and rows. Begins with a byte order mark, without which spreadsheets read UTF-8 as something else. */
export const csvText = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  `\ufeff${[head, ...rows].map((row) => `${row.map(csvCell).join(',')}\r\n`).join('')}`
