// Bundles the TypeScript sources into dist/ so that `bin/vsec` starts fast on any Node.js 20.
import { build } from 'esbuild';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const outdir = join(root, 'dist');
const DAY_MS = 86_400_000;

/** Whole at every moment: a program that starts meanwhile sees the old file or the new one. */
function replace(path, contents) {
  const scratch = `${path}.${process.pid}`;
  writeFileSync(scratch, contents);
  renameSync(scratch, path);
}

export async function bundle() {
  const entries = {
    main: 'cli/main.ts',
    worker: 'builders/worker.ts',
    digest: 'builders/digest-worker.ts',
  };
  const started = new Date();
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(
      Object.entries(entries).filter(([, source]) => existsSync(join(root, source))),
    ),
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: 'linked',
    logLevel: 'error',
    chunkNames: 'chunk-[hash]',
    write: false,
    banner: {
      js: "import { createRequire as __cr } from 'node:module'; const require = __cr(import.meta.url);",
    },
  });
  mkdirSync(outdir, { recursive: true });
  // Entries last: they name the chunks.
  const isEntry = ({ path }) => !basename(path).startsWith('chunk-');
  for (const file of [...outputFiles].sort((a, b) => isEntry(a) - isEntry(b))) {
    replace(file.path, file.contents);
  }
  // So that an edit made while it was bundled counts as newer.
  utimesSync(join(outdir, 'main.js'), started, started);
  // A program that still runs may yet load the chunks of its own time.
  const current = new Set(outputFiles.map((file) => basename(file.path)));
  for (const name of readdirSync(outdir)) {
    const path = join(outdir, name);
    if (!current.has(name) && started - statSync(path).mtimeMs > DAY_MS) {
      rmSync(path, { force: true });
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle();
