// Bundles the TypeScript sources into dist/ so that `bin/vsec` starts fast on any Node.js 20.
import { build } from 'esbuild';
import { mkdirSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

export async function bundle() {
  const outdir = join(root, 'dist');
  mkdirSync(outdir, { recursive: true });
  const started = Date.now() - 1000;
  await build({
    absWorkingDir: root,
    entryPoints: { main: 'cli/main.ts', worker: 'builders/worker.ts' },
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: 'linked',
    logLevel: 'error',
    chunkNames: 'chunk-[hash]',
    banner: {
      js: "import { createRequire as __cr } from 'node:module'; const require = __cr(import.meta.url);",
    },
  });
  const now = new Date();
  for (const name of readdirSync(outdir)) {
    const path = join(outdir, name);
    if (statSync(path).mtimeMs < started) rmSync(path, { force: true });
  }
  utimesSync(join(outdir, 'main.js'), now, now);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle();
