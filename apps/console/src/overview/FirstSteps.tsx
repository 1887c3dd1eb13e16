// The first steps of a new installation. Nobody ticks them by hand: they tick when the thing has really happened.
import type { Overview } from '@sallyport/api/live'
import { Link } from '@tanstack/react-router'
import { Circle, CircleCheck } from 'lucide-react'
import { Card } from '../ui/Card.tsx'
import { Mono } from '../ui/Code.tsx'

type Steps = NonNullable<Overview['firstSteps']>

const steps = [
  { key: 'agentJoined', title: 'Join an agent', to: '/agents', what: 'It runs beside your database and dials out.' },
  {
    key: 'targetApplied',
    title: 'Describe a target',
    to: '/targets',
    what: 'Its address and where its credential is.',
  },
  { key: 'policyApplied', title: 'Apply a policy', to: '/policies', what: 'Without one, everything is denied.' },
  { key: 'sessionSeen', title: 'Connect', to: '/me', what: 'Copy the line from My access into a terminal.' },
] as const

export function FirstSteps({ steps: done }: { readonly steps: Steps }) {
  const count = steps.filter((step) => done[step.key]).length
  const next = steps.find((step) => !done[step.key])
  return (
    <Card title="First steps" lead={`${count} of ${steps.length} done; each ticks itself when it has happened`}>
      <ol className="grid gap-2 sm:grid-cols-2 lg:grid-cols-4">
        {steps.map((step, index) => {
          const isDone = done[step.key]
          return (
            <li
              key={step.key}
              aria-current={step === next ? 'step' : undefined}
              className="relative flex gap-2.5 rounded-lg border border-line px-3 py-2.5 hover:border-line-strong aria-[current]:border-accent aria-[current]:bg-accent-soft"
            >
              {isDone ? (
                <CircleCheck aria-label="done" size={18} className="mt-0.5 shrink-0 text-allow" />
              ) : (
                <Circle aria-label="open" size={18} className="mt-0.5 shrink-0 text-ink-3" />
              )}
              <div>
                <Link to={step.to} className={`row-link font-medium ${isDone ? 'text-ink-3' : ''}`}>
                  {index + 1}. {step.title}
                </Link>
                <p className="text-[13px] text-ink-2">{step.what}</p>
              </div>
            </li>
          )
        })}
      </ol>
      <p className="mt-3 text-xs text-ink-3">
        In a terminal: <Mono>sallyport agent join</Mono>, <Mono>sallyport apply -f target.yaml</Mono>,{' '}
        <Mono>sallyport connect NAME -- psql</Mono>.
      </p>
    </Card>
  )
}
