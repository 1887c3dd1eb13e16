// No session matches: which part of the search to drop so that something does. It asks, so what it offers is true.

import { SessionPage } from '@sallyport/api/recordings'
import { useQueries } from '@tanstack/react-query'
import { X } from 'lucide-react'
import { get } from '../api/client.ts'
import { Button } from '../ui/Button.tsx'
import { EmptyState } from '../ui/States.tsx'
import { parseSearch, type SessionOperator } from './search.ts'
import { type Term, without } from './terms.ts'

/** Terms that are tried without; each is one small question. */
const triesMax = 6

export function NoMatch({
  text,
  terms,
  onText,
}: {
  readonly text: string
  readonly terms: readonly Term<SessionOperator>[]
  readonly onText: (text: string) => void
}) {
  const tries = terms.slice(0, triesMax).map((term) => ({ term, rest: without(text, term) }))
  const answers = useQueries({
    queries: tries.map(({ rest }) => ({
      queryKey: ['sessions', 'without', rest],
      queryFn: async ({ signal }: { signal: AbortSignal }) => {
        const search = parseSearch(rest, Date.now())
        if (!search.ok) return 0
        return (await get('/api/v1/sessions', SessionPage, { ...search.filter, limit: 1 }, signal)).items.length
      },
      staleTime: 15_000,
    })),
  })
  const good = tries.filter((_, index) => (answers[index]?.data ?? 0) > 0)
  const isAsking = answers.some((answer) => answer.isPending)
  return (
    <EmptyState
      title="No session matches"
      action={
        <div className="flex flex-wrap justify-center gap-2">
          {good.map(({ term, rest }) => (
            <Button key={term.from} icon={<X aria-hidden size={15} />} onClick={() => onText(rest)}>
              Drop <span className="font-mono text-[13px]">{text.slice(term.from, term.to)}</span>
            </Button>
          ))}
          <Button kind="quiet" onClick={() => onText('')}>
            Show all sessions
          </Button>
        </div>
      }
    >
      {good.length > 0
        ? 'All terms have to match. Without one of these, there are sessions:'
        : isAsking
          ? 'Looking for the term that rules them out …'
          : 'No single term is to blame: several rule everything out.'}
    </EmptyState>
  )
}
