// Audit: what administrators and agents did, newest first, as sentences with everything raw behind them; the export; and
// how to check sessions without trusting this page.
import type { AdminAction } from '@sallyport/api/recordings'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Download, ShieldCheck } from 'lucide-react'
import { useState } from 'react'
import { auditQuery } from '../api/queries.ts'
import { ActionList } from '../forms/ActionList.tsx'
import { type ActionGroup, actionText, csvHead, csvRow, matchesWords } from '../forms/actions.ts'
import { csvText } from '../forms/csv.ts'
import { exportRowsMax, failureText, readActions } from '../forms/queries.ts'
import { VerifyDialog } from '../forms/VerifyDialog.tsx'
import { auditRoute } from '../router.tsx'
import { Button } from '../ui/Button.tsx'
import { AsOf } from '../ui/Connection.tsx'
import { ChoiceField, FilterBar, SearchField } from '../ui/Filters.tsx'
import { PageHead } from '../ui/Frame.tsx'
import { EmptyState, ErrorState, Skeleton } from '../ui/States.tsx'
import { LoadMore } from '../ui/Table.tsx'
import { useToast } from '../ui/Toast.tsx'
import { count, plural } from '../util/format.ts'

type Group = ActionGroup | 'all'
const groups: readonly { readonly value: Group; readonly label: string }[] = [
  { value: 'all', label: 'All actions' },
  { value: 'change', label: 'Changes' },
  { value: 'read', label: 'Looks at records' },
  { value: 'alarm', label: 'Alarms' },
  { value: 'other', label: 'Others' },
]

export function Audit() {
  const { q, group } = auditRoute.useSearch()
  const audit = useInfiniteQuery(auditQuery())
  const [isExplained, setExplained] = useState(false)
  const items = audit.data?.pages.flatMap((page) => page.items) ?? []
  const fits = (action: AdminAction) =>
    (group === 'all' || actionText(action).group === group) && matchesWords(action, q)
  const shown = items.filter(fits)
  return (
    <>
      <PageHead title="Audit" lead="Who changed, looked at and exported what. Nothing here is ever edited.">
        <AsOf query={audit} />
        <Button icon={<ShieldCheck aria-hidden size={16} />} onClick={() => setExplained(true)}>
          Verify records
        </Button>
        <ExportButton fits={fits} />
      </PageHead>
      {audit.data === undefined ? (
        audit.isError ? (
          <ErrorState error={audit.error} retry={() => void audit.refetch()} />
        ) : (
          <Skeleton label="Loading actions" />
        )
      ) : items.length === 0 ? (
        <EmptyState title="Nothing was done yet">
          <p>The first document that is applied, token that is made or session that is looked at shows here.</p>
        </EmptyState>
      ) : (
        <>
          <Filters shown={shown.length} loaded={items.length} hasOlder={audit.hasNextPage} />
          {shown.length === 0 ? (
            <EmptyState title="No loaded action matches">
              <p>
                {audit.hasNextPage
                  ? 'Load older ones, or drop a word of the filter.'
                  : 'All of them are loaded; drop a word of the filter.'}
              </p>
            </EmptyState>
          ) : (
            <ActionList actions={shown} />
          )}
          <LoadMore query={audit} shown={items.length} one="action" />
        </>
      )}
      <VerifyDialog open={isExplained} onClose={() => setExplained(false)} />
    </>
  )
}

function Filters({
  shown,
  loaded,
  hasOlder,
}: {
  readonly shown: number
  readonly loaded: number
  readonly hasOlder: boolean
}) {
  const { q, group } = auditRoute.useSearch()
  const navigate = auditRoute.useNavigate()
  const isFiltered = q !== '' || group !== 'all'
  return (
    <FilterBar>
      <SearchField
        label="Filter actions"
        placeholder="Person, action, object or detail"
        value={q}
        onChange={(next) => void navigate({ search: (was) => ({ ...was, q: next }), replace: true })}
      />
      <ChoiceField
        label="Kind of action"
        value={group}
        choices={groups}
        onChange={(next) => void navigate({ search: (was) => ({ ...was, group: next }), replace: true })}
      />
      {isFiltered ? (
        <p className="text-xs text-ink-3" aria-live="polite">
          {count(shown)} of {plural(loaded, 'loaded action')}
          {hasOlder ? '; older ones are not looked at until they are loaded' : ''}
        </p>
      ) : null}
    </FilterBar>
  )
}

/** Reads on until the end or the limit, so that the file holds what the filter means and not what happens to be loaded. */
function ExportButton({ fits }: { readonly fits: (action: AdminAction) => boolean }) {
  const [busy, setBusy] = useState(false)
  const say = useToast()
  const save = async () => {
    setBusy(true)
    try {
      const actions = await readActions()
      const rows = actions.filter(fits)
      saveFile('sallyport-audit.csv', 'text/csv;charset=utf-8', csvText(csvHead, rows.map(csvRow)))
      const note = actions.length === exportRowsMax ? `; it holds the newest ${count(exportRowsMax)} at most` : ''
      say('done', `Exported ${plural(rows.length, 'action')}${note}`)
    } catch (error) {
      say('failed', failureText(error))
    }
    setBusy(false)
  }
  return (
    <Button icon={<Download aria-hidden size={16} />} busy={busy} onClick={() => void save()}>
      Export CSV
    </Button>
  )
}

function saveFile(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}
