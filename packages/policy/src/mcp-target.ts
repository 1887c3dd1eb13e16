// What a Target says of itself where it is a server of the Model Context Protocol (docs/mcp.md).
import { z } from 'zod'

const name = z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, 'a name of letters, digits, "_", "." and "-", at most 64')

/** A tool by its name, a prompt as `prompt:NAME`, a template of resources as `template:URI`. */
const definition = z
  .string()
  .regex(
    /^((prompt:)?[A-Za-z0-9_.-]{1,64}|template:[\x21-\x7e]{1,1024})$/,
    'the name of a tool, "prompt:" with the name of a prompt, or "template:" with the URI of a template',
  )

/** Of one definition: SHA-256 of its name, description and schemas. */
export const McpPin = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'a digest as refusals and the record say it: sha256:…')

export const mcpMedia = ['image', 'audio', 'blob'] as const
export type McpMedia = (typeof mcpMedia)[number]

/** Of web pages, as browsers write it. */
export const PageOrigin = z.string().regex(/^https?:\/\/[a-z0-9.-]+(:[0-9]{1,5})?$/, 'an origin: https://app.example')

export const McpServer = z.strictObject({
  /** Origins of web pages that may ask; without any, no page may. */
  origins: z.array(PageOrigin).max(20).default([]),
  /** What of results passes although nobody can look into it. */
  media: z.array(z.enum(mcpMedia)).default([]),
  /**
   * Which definitions of tools, prompts and templates of resources count. `first-seen`: those that the agent saw first, until they change. `listed`: those of `pins`
   * alone. `off`: any.
   */
  pinning: z.enum(['first-seen', 'listed', 'off']).default('first-seen'),
  /** Definitions that somebody has approved. */
  pins: z.record(definition, McpPin).default({}),
  /** Arguments that hold SQL, and for which database: judged as if the caller sent it there. */
  sql: z
    .array(
      z.strictObject({
        tool: name,
        argument: z.string().min(1).max(200),
        /** A PostgreSQL target of the same agents. */
        target: z.string().min(1).max(63),
        /** Of that target; absent: its first one. */
        role: z.string().min(1).max(63).optional(),
        /** Where names without a schema are looked up on the server's connections. */
        searchPath: z
          .array(
            z
              .string()
              .min(1)
              .max(63)
              .regex(/^(?!pg_)/, 'schemas of the system and temporary ones are searched anyway'),
          )
          .min(1)
          .max(20)
          .default(['public']),
      }),
    )
    .max(50)
    .default([]),
})
export type McpServer = z.infer<typeof McpServer>
