// Who an agent is at AWS, and where it asks. What proves it lies in variables, files or at the platform, and is read anew, so that
// whatever renews it needs no restart.
import { CredentialReference } from '@sallyport/policy/credential'
import { z } from 'zod'

const origin = z
  .url({ protocol: /^https?$/ })
  .refine((text) => new URL(text).pathname === '/' && new URL(text).search === '', 'an origin')
  .refine(
    (text) => text.startsWith('https:') || ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(text).hostname),
    'https, or http on this machine',
  )
/** The platform's endpoints have no TLS: addresses of this machine, and those that ECS and EKS document. */
const platform = z
  .url({ protocol: /^https?$/ })
  .refine(
    (text) =>
      text.startsWith('https:') ||
      ['127.0.0.1', 'localhost', '[::1]', '169.254.170.2', '169.254.170.23', '[fd00:ec2::23]'].includes(
        new URL(text).hostname,
      ),
    'https, an address of this machine, or one of ECS or EKS',
  )
const file = z.string().min(1)

export const AwsSettings = z.strictObject({
  auth: z.union([
    /** Keys that somebody else renews, or standing ones. */
    z.strictObject({
      keys: z.strictObject({
        accessKeyId: CredentialReference,
        secretAccessKey: CredentialReference,
        sessionToken: CredentialReference.optional(),
      }),
    }),
    /** EKS Pod Identity, ECS. */
    z.strictObject({
      container: z.strictObject({
        uri: platform.default('http://169.254.170.23/v1/credentials'),
        tokenFile: file.optional(),
      }),
    }),
    /** IAM roles for service accounts: a token of the cluster for keys of a role. */
    z.strictObject({
      webIdentity: z.strictObject({
        roleArn: z.string().regex(/^arn:aws[a-z-]*:iam::[0-9]{12}:role\/[\w+=,.@/-]{1,512}$/, 'the ARN of a role'),
        tokenFile: file.default('/var/run/secrets/eks.amazonaws.com/serviceaccount/token'),
        region: z.string().regex(/^[a-z0-9-]{1,40}$/),
        sts: origin.optional(),
      }),
    }),
  ]),
  /** Where Secrets Manager is reached through an address of one's own; AWS's own when absent. */
  secretsManager: origin.optional(),
})
export type AwsSettings = z.infer<typeof AwsSettings>
