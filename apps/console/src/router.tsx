// The map of the console: every route, its search parameters, and the page behind it, loaded when it is opened.
import type { QueryClient } from '@tanstack/react-query'
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'
import { z } from 'zod'
import { NotFound } from './pages/NotFound.tsx'
import { Shell } from './pages/Shell.tsx'
import { RouteError } from './ui/RouteError.tsx'

interface Context {
  readonly queries: QueryClient
}

const root = createRootRouteWithContext<Context>()({ notFoundComponent: NotFound })

export const signInRoute = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  // Only a path of ours: the server checks it again.
  validateSearch: z.object({ return: z.string().startsWith('/').catch('/'), error: z.string().optional() }),
  component: lazyRouteComponent(() => import('./pages/SignIn.tsx'), 'SignIn'),
})

/** Everything that needs a signed-in person. */
const shell = createRoute({ getParentRoute: () => root, id: 'shell', component: Shell })

export const overviewRoute = createRoute({
  getParentRoute: () => shell,
  path: '/',
  component: lazyRouteComponent(() => import('./pages/Overview.tsx'), 'Overview'),
})

export const approvalsRoute = createRoute({
  getParentRoute: () => shell,
  path: '/approvals',
  validateSearch: z.object({
    view: z.enum(['pending', 'decided', 'grants']).catch('pending').default('pending'),
    target: z.string().optional(),
    caller: z.string().optional(),
    /** The request shown beside the list; `grant/ID` of what is asked for ahead. */
    open: z.string().optional(),
  }),
  component: lazyRouteComponent(() => import('./pages/Approvals.tsx'), 'Approvals'),
})

export const approvalRoute = createRoute({
  getParentRoute: () => shell,
  path: '/approvals/$id',
  component: lazyRouteComponent(() => import('./pages/ApprovalPage.tsx'), 'ApprovalPage'),
})

export const grantRoute = createRoute({
  getParentRoute: () => shell,
  path: '/grants/$id',
  component: lazyRouteComponent(() => import('./pages/GrantPage.tsx'), 'GrantPage'),
})

export const sessionsRoute = createRoute({
  getParentRoute: () => shell,
  path: '/sessions',
  validateSearch: z.object({ q: z.string().catch('').default('') }),
  component: lazyRouteComponent(() => import('./pages/Sessions.tsx'), 'Sessions'),
})

export const sessionRoute = createRoute({
  getParentRoute: () => shell,
  path: '/sessions/$id',
  validateSearch: z.object({
    /** Sequence of the entry to show. */
    e: z.number().int().min(0).optional().catch(undefined),
    /** A moment to show, ISO 8601. */
    at: z.string().optional().catch(undefined),
    q: z.string().optional().catch(undefined),
  }),
  component: lazyRouteComponent(() => import('./pages/SessionPage.tsx'), 'SessionPage'),
})

export const traceRoute = createRoute({
  getParentRoute: () => shell,
  path: '/traces/$id',
  component: lazyRouteComponent(() => import('./pages/TracePage.tsx'), 'TracePage'),
})

/** Words of a filter; digits alone are words too. */
const words = z.coerce.string().catch('').default('')
/** A list with one of its items open beside it. */
const OpenInList = z.object({ q: words, open: z.coerce.string().optional().catch(undefined) })

export const targetsRoute = createRoute({
  getParentRoute: () => shell,
  path: '/targets',
  validateSearch: OpenInList,
  component: lazyRouteComponent(() => import('./pages/Targets.tsx'), 'Targets'),
})

export const scanRoute = createRoute({
  getParentRoute: () => shell,
  path: '/targets/$name/scan',
  /** A scan that was asked for. */
  validateSearch: z.object({ id: z.coerce.string().optional().catch(undefined) }),
  component: lazyRouteComponent(() => import('./pages/ScanPage.tsx'), 'ScanPage'),
})

export const quarantineRoute = createRoute({
  getParentRoute: () => shell,
  path: '/quarantine',
  /** `TARGET/TOOL` of the open one. */
  validateSearch: z.object({ open: z.string().optional().catch(undefined) }),
  component: lazyRouteComponent(() => import('./pages/Quarantine.tsx'), 'Quarantine'),
})

export const agentsRoute = createRoute({
  getParentRoute: () => shell,
  path: '/agents',
  validateSearch: OpenInList,
  component: lazyRouteComponent(() => import('./pages/Agents.tsx'), 'Agents'),
})

export const policiesRoute = createRoute({
  getParentRoute: () => shell,
  path: '/policies',
  validateSearch: z.object({ q: words }),
  component: lazyRouteComponent(() => import('./pages/Policies.tsx'), 'Policies'),
})

export const policyRoute = createRoute({
  getParentRoute: () => shell,
  path: '/policies/$name',
  validateSearch: z.object({
    tab: z.enum(['read', 'edit', 'versions']).catch('read').default('read'),
    version: z.number().int().optional().catch(undefined),
    compare: z.number().int().optional().catch(undefined),
  }),
  component: lazyRouteComponent(() => import('./pages/PolicyPage.tsx'), 'PolicyPage'),
})

export const integrationsRoute = createRoute({
  getParentRoute: () => shell,
  path: '/integrations',
  validateSearch: OpenInList,
  component: lazyRouteComponent(() => import('./pages/Integrations.tsx'), 'Integrations'),
})

export const peopleRoute = createRoute({
  getParentRoute: () => shell,
  path: '/people',
  component: lazyRouteComponent(() => import('./pages/People.tsx'), 'People'),
})

export const auditRoute = createRoute({
  getParentRoute: () => shell,
  path: '/audit',
  validateSearch: z.object({
    q: words,
    group: z.enum(['all', 'change', 'read', 'alarm', 'other']).catch('all').default('all'),
  }),
  component: lazyRouteComponent(() => import('./pages/Audit.tsx'), 'Audit'),
})

export const meRoute = createRoute({
  getParentRoute: () => shell,
  path: '/me',
  component: lazyRouteComponent(() => import('./pages/MyAccess.tsx'), 'MyAccess'),
})

export const deviceRoute = createRoute({
  getParentRoute: () => shell,
  path: '/device',
  /** The code of a command line that wants to log in. */
  validateSearch: z.object({ code: z.coerce.string().max(40).optional().catch(undefined) }),
  component: lazyRouteComponent(() => import('./pages/DevicePage.tsx'), 'DevicePage'),
})

/** Any other address, inside the frame. */
const elsewhereRoute = createRoute({ getParentRoute: () => shell, path: '$', component: NotFound })

const tree = root.addChildren([
  signInRoute,
  shell.addChildren([
    overviewRoute,
    approvalsRoute,
    approvalRoute,
    grantRoute,
    sessionsRoute,
    sessionRoute,
    traceRoute,
    targetsRoute,
    scanRoute,
    quarantineRoute,
    agentsRoute,
    policiesRoute,
    policyRoute,
    integrationsRoute,
    peopleRoute,
    auditRoute,
    meRoute,
    deviceRoute,
    elsewhereRoute,
  ]),
])

export function createConsoleRouter(queries: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { queries },
    defaultPreload: 'intent',
    scrollRestoration: true,
    defaultNotFoundComponent: NotFound,
    defaultErrorComponent: RouteError,
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createConsoleRouter>
  }
}
