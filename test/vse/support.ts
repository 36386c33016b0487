/** Layers in a scratch folder, loaded as `vsec check` would. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import type { Diagnostic } from '../../vse/diagnostic.ts';
import { loadVse } from '../../vse/load.ts';
import type { LoadOptions } from '../../vse/load.ts';
import type { TracedVse } from '../../vse/types.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'vsec-vse-')));
/** Milliseconds: ten thousand stacks are many files. */
const CLEANING = 600_000;
afterAll(() => rmSync(root, { recursive: true, force: true }), CLEANING);
let count = 0;

export type Files = Readonly<Record<string, string | Uint8Array>>;

/** The least that an environment stands on. */
export const VENDOR = `vse: 1
name: vendor
version: 1.0
add:
  distribution: {id: debian, release: bookworm, architecture: amd64}
  repositories:
    main: {mirror: debian, suites: [bookworm], components: [main], signed-by: [./key.asc]}
  packages: [nano, gcc (>= 12)]
  timezone: Etc/UTC
  kernel: {cmdline: {quiet: true, loglevel: 4}}
  files: {/etc/motd: {content: vendor}}
  services: {ssh: enabled}
  image: {size: 4GiB}
  backends: [qemu, kvm]
`;

const ALWAYS: Files = { 'vendor.yaml': VENDOR, 'key.asc': 'a key' };

/** A fresh folder with these files and the vendor's. */
export function folder(files: Files): string {
  const dir = join(root, String((count += 1)));
  for (const [name, content] of Object.entries({ ...ALWAYS, ...files })) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), content);
  }
  return dir;
}

export interface Outcome {
  readonly vse: TracedVse | undefined;
  readonly diagnostics: readonly Diagnostic[];
  readonly codes: readonly string[];
}

export async function load(
  files: Files,
  target = 'top.yaml',
  options: Partial<LoadOptions> = {},
): Promise<Outcome> {
  const cwd = options.cwd ?? folder(files);
  const { vse, diagnostics } = await loadVse(target, { env: {}, ...options, cwd });
  return { vse, diagnostics, codes: diagnostics.map((d) => d.code) };
}

/** A layer `top` on the vendor's, with `body` as the rest of its text. */
export const top = (body: string, lower = './vendor.yaml'): string =>
  `vse: 1\nname: top\nextends: ${lower}\n${body}`;

/** The merged VSE of layers that must be right. */
export async function merged(files: Files, target = 'top.yaml'): Promise<TracedVse> {
  const { vse, diagnostics } = await load(files, target);
  if (!vse) throw new Error(diagnostics.map((d) => `${d.code} ${d.message}`).join('\n'));
  return vse;
}

/** `12:5 text` of what a diagnostic points at: line, column, and the marked text. */
export function pointsAt({ span }: Diagnostic): string {
  if (!span) return '';
  const marked = span.text?.slice(span.column - 1, (span.endColumn ?? span.column) - 1) ?? '';
  return `${span.line}:${span.column} ${marked}`.trimEnd();
}
