// Where one can go, in which order, by which letter, and for whom: a place that no role of the person opens is left out of
// the rail (its address still answers, and says which role is missing).
import type { Me } from '@sallyport/api/signin'
import {
  Bot,
  ClipboardList,
  Database,
  KeyRound,
  LayoutDashboard,
  ScrollText,
  ShieldCheck,
  UserRound,
  UsersRound,
  Webhook,
} from 'lucide-react'
import type { ReactNode } from 'react'
import { paths } from '../util/paths.ts'

type Role = Me['roles'][number]
export interface Place {
  readonly to: string
  readonly label: string
  /** After `g`. */
  readonly key: string
  readonly icon: ReactNode
  readonly roles: readonly Role[]
  readonly group: 'work' | 'rules' | 'proof' | 'me'
}
const all: readonly Role[] = ['admin', 'reviewer', 'auditor', 'member']
const readers: readonly Role[] = ['admin', 'auditor']

const places: readonly Place[] = [
  {
    to: paths.overview(),
    label: 'Overview',
    key: 'o',
    icon: <LayoutDashboard aria-hidden size={17} />,
    roles: all,
    group: 'work',
  },
  {
    to: paths.approvals(),
    label: 'Approvals',
    key: 'a',
    icon: <ShieldCheck aria-hidden size={17} />,
    roles: ['admin', 'reviewer', 'auditor'],
    group: 'work',
  },
  {
    to: paths.sessions(),
    label: 'Sessions',
    key: 's',
    icon: <ScrollText aria-hidden size={17} />,
    roles: readers,
    group: 'work',
  },
  {
    to: paths.targets(),
    label: 'Targets',
    key: 't',
    icon: <Database aria-hidden size={17} />,
    roles: readers,
    group: 'rules',
  },
  {
    to: paths.policies(),
    label: 'Policies',
    key: 'p',
    icon: <KeyRound aria-hidden size={17} />,
    roles: readers,
    group: 'rules',
  },
  {
    to: paths.agents(),
    label: 'Agents',
    key: 'n',
    icon: <Bot aria-hidden size={17} />,
    roles: readers,
    group: 'rules',
  },
  {
    to: paths.people(),
    label: 'People',
    key: 'e',
    icon: <UsersRound aria-hidden size={17} />,
    roles: readers,
    group: 'rules',
  },
  {
    to: paths.integrations(),
    label: 'Integrations',
    key: 'i',
    icon: <Webhook aria-hidden size={17} />,
    roles: readers,
    group: 'rules',
  },
  {
    to: paths.audit(),
    label: 'Audit',
    key: 'u',
    icon: <ClipboardList aria-hidden size={17} />,
    roles: readers,
    group: 'proof',
  },
  {
    to: paths.me(),
    label: 'My access',
    key: 'm',
    icon: <UserRound aria-hidden size={17} />,
    roles: all,
    group: 'me',
  },
]

export const placesOf = (roles: readonly Role[]): readonly Place[] =>
  places.filter((place) => place.roles.some((role) => roles.includes(role)))
