// From YAML text to documents. Every problem is collected with its line and path; nothing is applied when there is one.
import type { Document, FloorDocument } from './document.ts'

export interface DocumentProblem {
  readonly code: 'YAML_INVALID' | 'DOCUMENT_INVALID' | 'CEL_INVALID' | 'FLOOR_INVALID'
  /** 1-based line in the text, when known. */
  readonly line: number | null
  /** `Policy/orders spec.rules[2].when`. */
  readonly path: string
  /** Says what to do. */
  readonly message: string
}

export interface ParsedDocuments {
  readonly documents: readonly Document[]
  readonly problems: readonly DocumentProblem[]
}

/** Parses a multi-document YAML text; CEL conditions are type-checked. */
export function parseDocuments(text: string): ParsedDocuments {
  void text
  throw new Error('written by the policy room')
}

/** Parses `floor.yaml`. */
export function parseFloor(text: string): { floor: FloorDocument | null; problems: readonly DocumentProblem[] } {
  void text
  throw new Error('written by the policy room')
}
