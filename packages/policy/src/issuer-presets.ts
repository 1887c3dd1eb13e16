// What the platforms that give identities to workloads put into their tokens: from where they come, which claim must be bound
// so that not every customer of the platform is believed, what rules may read. Data and pure functions; packages/identity holds
// tokens against it, check-issuer.ts documents.

/** Kinds of TrustedIssuer. Without one an issuer is any OpenID Connect provider (`oidc`). */
export const issuerPresets = ['kubernetes', 'github-actions', 'gitlab-ci', 'aws', 'google', 'azure', 'oidc'] as const
export type IssuerPreset = (typeof issuerPresets)[number]

export interface PresetRules {
  /** What `issuer` looks like; null: anything. */
  readonly issuer: RegExp | null
  /** How to write it, for the person who did not. */
  readonly example: string
  /** One of these has to be among `requiredClaims`; empty where the issuer itself belongs to one owner. */
  readonly bound: readonly string[]
  /** Claims that rules may read, beside those that the document exposes. */
  readonly exposes: readonly string[]
}

const tenant = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'

/** Sources: the platforms' own pages on their tokens, named in docs/workloads.md. */
export const presetRules: Readonly<Record<IssuerPreset, PresetRules>> = {
  kubernetes: {
    issuer: null,
    example: 'https://kubernetes.default.svc.cluster.local',
    bound: [],
    exposes: ['kubernetes.io'],
  },
  'github-actions': {
    // GitHub.com, an enterprise's own issuer there, or an Enterprise Server.
    issuer: /^https:\/\/(token\.actions\.githubusercontent\.com(\/[A-Za-z0-9-]+)?|[a-z0-9.-]+\/_services\/token)$/,
    example: 'https://token.actions.githubusercontent.com',
    bound: ['repository_id', 'repository', 'repository_owner_id', 'repository_owner', 'enterprise_id'],
    exposes: [
      'repository',
      'repository_id',
      'repository_owner',
      'repository_owner_id',
      'ref',
      'ref_type',
      'ref_protected',
      'environment',
      'event_name',
      'workflow_ref',
      'job_workflow_ref',
      'runner_environment',
      'actor',
      'actor_id',
      'run_id',
    ],
  },
  'gitlab-ci': {
    issuer: /^https:\/\/[a-z0-9.-]+(:\d+)?(\/[A-Za-z0-9._~/-]*)?$/,
    example: 'https://gitlab.com',
    bound: ['project_id', 'project_path', 'namespace_id', 'namespace_path'],
    exposes: [
      'project_id',
      'project_path',
      'namespace_id',
      'namespace_path',
      'ref',
      'ref_type',
      'ref_protected',
      'environment',
      'environment_protected',
      'deployment_tier',
      'pipeline_source',
      'job_id',
      'user_id',
      'user_login',
    ],
  },
  aws: {
    issuer: /^https:\/\/sts(\.[a-z0-9-]+)?\.amazonaws\.com(\.cn)?$/,
    example: 'https://sts.eu-central-1.amazonaws.com',
    bound: ['account'],
    exposes: ['account', 'arn', 'role', 'session', 'id'],
  },
  google: {
    issuer: /^https:\/\/accounts\.google\.com$/,
    example: 'https://accounts.google.com',
    bound: ['sub', 'email', 'azp', 'hd', '/google/compute_engine/project_id', '/google/compute_engine/project_number'],
    exposes: ['email', 'azp', 'google'],
  },
  azure: {
    issuer: new RegExp(`^https://(login\\.microsoftonline\\.com/${tenant}/v2\\.0|sts\\.windows\\.net/${tenant}/)$`),
    example: 'https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000/v2.0',
    bound: [],
    exposes: ['tid', 'oid', 'azp', 'appid', 'roles', 'xms_mirid'],
  },
  oidc: { issuer: null, example: 'https://issuer.example.com', bound: [], exposes: [] },
}

/** Accounts of private persons at Microsoft: a tenant that everybody is in. */
export const azureTenantOfEveryone = '9188040d-6c67-4c5b-b112-36a304b66dad'

/** The tenant that an issuer of Azure names. */
export const azureTenantOf = (issuer: string): string | undefined => new RegExp(tenant).exec(issuer)?.[0]

/** Claims that rules may read, of an issuer of this kind. */
export const exposedClaims = ({
  preset = 'oidc',
  exposeClaims,
}: {
  readonly preset?: IssuerPreset | undefined
  readonly exposeClaims: readonly string[]
}): readonly string[] => [...new Set([...presetRules[preset].exposes, ...exposeClaims])]
