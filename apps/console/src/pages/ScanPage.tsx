// A scan of one target: the agent looks at a sample and tells in counts what its columns look like; a person accepts or
// declines the labels that follow. Names and numbers only: no value leaves the agent.
import type { Scan } from '@sallyport/api/scans'
import { limits } from '@sallyport/base/limits'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ChevronRight, LoaderCircle, ScanSearch, SearchX, TriangleAlert } from 'lucide-react'
import { useEffect, useState } from 'react'
import { RequestError } from '../api/errors.ts'
import { resourcesQuery } from '../api/queries.ts'
import { Field, FormError, fieldShape } from '../forms/Field.tsx'
import { failureText, useReadOnly } from '../forms/queries.ts'
import { ScanFound } from '../forms/ScanFound.tsx'
import { scanQuery, startScan } from '../forms/scans.ts'
import { scanRoute } from '../router.tsx'
import { Button } from '../ui/Button.tsx'
import { Card } from '../ui/Card.tsx'
import { PageHead } from '../ui/Frame.tsx'
import { ErrorState, Panel, Skeleton } from '../ui/States.tsx'
import { TimeAgo } from '../ui/TimeAgo.tsx'
import { announce } from '../util/announce.ts'
import { count } from '../util/format.ts'
import { paths } from '../util/paths.ts'

const rowsUsual = 200

export function ScanPage() {
  const { name } = scanRoute.useParams()
  const { id } = scanRoute.useSearch()
  const targets = useQuery(resourcesQuery('targets'))
  const isThere = targets.data?.items.some((target) => target.name === name)
  return (
    <>
      <nav aria-label="You are here" className="flex h-5 items-center gap-1 text-xs text-ink-3">
        <Link to={paths.targets()} className="rounded py-0.5 hover:text-ink hover:underline">
          Targets
        </Link>
        <ChevronRight aria-hidden size={13} />
        <Link to={paths.targets()} search={{ open: name }} className="rounded py-0.5 hover:text-ink hover:underline">
          {name}
        </Link>
      </nav>
      <PageHead
        title={`Scan ${name}`}
        lead="The agent reads a sample of each table and counts what looks like an e-mail address, a card, a key… You decide which labels follow. No value leaves the agent."
      />
      {targets.data === undefined ? (
        targets.isError ? (
          <ErrorState error={targets.error} retry={() => void targets.refetch()} />
        ) : (
          <Skeleton label="Loading the target" rows={3} />
        )
      ) : isThere === true ? (
        <div className="space-y-4">
          <Start target={name} />
          {id === undefined ? null : <Look key={id} id={id} target={name} />}
        </div>
      ) : (
        <Panel icon={<SearchX size={22} />} title={`There is no target “${name}”`}>
          <Link to={paths.targets()} className="link">
            See all targets
          </Link>
        </Panel>
      )}
    </>
  )
}

function Start({ target }: { readonly target: string }) {
  const readOnly = useReadOnly()
  const navigate = scanRoute.useNavigate()
  const [rows, setRows] = useState(String(rowsUsual))
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const wanted = Number(rows)
  const isCount = Number.isInteger(wanted) && wanted >= 1 && wanted <= limits.scanRowsMax
  const start = async () => {
    setBusy(true)
    setFailure(null)
    try {
      const { id } = await startScan(target, wanted)
      await navigate({ search: { id } })
    } catch (error) {
      setFailure(failureText(error))
    }
    setBusy(false)
  }
  return (
    <Card>
      <form
        className="flex flex-wrap items-start gap-x-4 gap-y-3"
        onSubmit={(event) => {
          event.preventDefault()
          if (isCount && readOnly === undefined && !busy) void start()
        }}
      >
        <RowsField rows={rows} setRows={setRows} isCount={isCount} />
        <div className="sm:pt-[1.625rem]">
          <Button
            kind="primary"
            type="submit"
            busy={busy}
            icon={<ScanSearch aria-hidden size={16} />}
            {...(readOnly === undefined ? {} : { why: readOnly })}
          >
            Scan
          </Button>
        </div>
      </form>
      {failure === null ? null : (
        <div className="mt-3">
          <FormError>{failure}</FormError>
        </div>
      )}
    </Card>
  )
}

interface RowsFieldProps {
  readonly rows: string
  readonly setRows: (rows: string) => void
  readonly isCount: boolean
}

const RowsField = ({ rows, setRows, isCount }: RowsFieldProps) => (
  <div className="w-full sm:w-80">
    <Field
      label="Rows of each table"
      hint={`A sample is enough: ${rowsUsual} is usual, ${count(limits.scanRowsMax)} the most.`}
      error={isCount ? undefined : `A whole number from 1 to ${count(limits.scanRowsMax)}`}
    >
      {(props) => (
        <input
          {...props}
          inputMode="numeric"
          className={`${fieldShape} tabular-nums`}
          value={rows}
          onChange={(event) => setRows(event.target.value)}
          autoComplete="off"
        />
      )}
    </Field>
  </div>
)

/** What came of one scan, as it comes. */
function Look({ id, target }: { readonly id: string; readonly target: string }) {
  const scan = useQuery(scanQuery(id))
  const { data } = scan
  const state = data?.state
  useEffect(() => {
    if (state === 'done') announce('The scan is done')
    if (state === 'failed') announce('The scan failed', true)
  }, [state])
  if (data === undefined) {
    if (scan.isPending) return <Skeleton label="Loading the scan" rows={4} />
    if (scan.error instanceof RequestError && scan.error.status === 404) return <Gone />
    return <ErrorState error={scan.error} retry={() => void scan.refetch()} />
  }
  if (data.target !== target) return <Gone />
  if (data.result !== null) return <ScanFound scan={data} result={data.result} />
  return data.state === 'running' ? <Running scan={data} /> : <Failed scan={data} />
}

const Gone = () => (
  <Panel icon={<SearchX size={22} />} title="There is no such scan of this target">
    <p>Scans are kept for a day. Start another one.</p>
  </Panel>
)

const Running = ({ scan }: { readonly scan: Scan }) => (
  <div role="status">
    <Panel icon={<LoaderCircle size={22} className="animate-spin" />} title="The agent looks at a sample…">
      <p>
        Asked for <TimeAgo at={scan.askedAt} />. It takes seconds for a small database and never longer than{' '}
        {limits.scanMsMax / 60_000} minutes; you can leave this page and come back.
      </p>
    </Panel>
  </div>
)

const Failed = ({ scan }: { readonly scan: Scan }) => (
  <Panel icon={<TriangleAlert size={22} />} title="The scan failed">
    <p>{scan.error?.message ?? 'The agent gave no reason.'}.</p>
    <p className="mt-1 text-sm text-ink-3">
      The log of the agent has the reason{scan.error === null ? '' : <> ({scan.error.code})</>}. Nothing was labelled.
    </p>
  </Panel>
)
