// The test rings of STYLE §5, one project each. Full size by SALLYPORT_TEST=full; the sample is the default.
import { defaultExclude, defineConfig } from 'vitest/config'

/** Properties in full size take more than ten times as long. */
const isFull = process.env.SALLYPORT_TEST === 'full'

/** Puts modules of its own in the place of others, which nobody else may see. */
const mocking = 'apps/agent/test/turns-prop.int.test.ts'

/** To load all modules anew for each file takes a sixth of this ring's time. */
const integration = (name: string, include: string[], exclude: string[], isolate: boolean) => ({
  test: {
    name,
    include,
    exclude: [...defaultExclude, ...exclude],
    environment: 'node' as const,
    isolate,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})

export default defineConfig({
  test: {
    // Vitest's own choice on two processors is one worker, which leaves one of them idle.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'packages/tools/*.test.ts'],
          environment: 'node',
          // Nothing is mocked and nothing listens in this ring: to load all modules for each file took two thirds of its time.
          isolate: false,
          testTimeout: isFull ? 240_000 : 20_000,
        },
      },
      integration('integration', ['apps/*/test/**/*.int.test.ts'], [mocking], false),
      integration('integration-mocked', [mocking], [], true),
      {
        test: {
          name: 'e2e',
          include: ['e2e/**/*.e2e.ts'],
          environment: 'node',
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
})
