import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const NET = 'test/**/*.net.test.ts';
const E2E = 'test/**/*.e2e.test.ts';
const MINUTE = 60_000;

export default defineConfig({
  test: {
    globalSetup: ['test/support/bundle.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: [NET, E2E],
          testTimeout: 20_000,
          hookTimeout: 30_000,
        },
      },
      {
        // Real repositories: patient, and not all at once.
        extends: true,
        test: {
          name: 'net',
          include: [NET],
          testTimeout: 5 * MINUTE,
          hookTimeout: 5 * MINUTE,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // Builds and boots: one at a time, for they use the whole machine.
        extends: true,
        test: {
          name: 'e2e',
          include: [E2E],
          // One for all of them, and kept: packages are fetched once.
          env: {
            VSEC_CACHE_DIR: process.env['VSEC_CACHE_DIR'] || join(tmpdir(), 'vsec-e2e-cache'),
          },
          testTimeout: 20 * MINUTE,
          hookTimeout: 20 * MINUTE,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
