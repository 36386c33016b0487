import { isAbsolute, join, relative, resolve } from 'node:path';
import { backends } from '../../builders/backends/index.ts';
import type { BuildResult } from '../../builders/build.ts';
import { FORMAT_NAMES } from '../../builders/formats.ts';
import { SANDBOX_MODES } from '../../builders/sandbox/modes.ts';
import type { Context } from '../../vse/report.ts';
import { buildEnvironment } from '../building.ts';
import { defineCommand } from '../command.ts';
import { ENV } from '../environment.ts';
import { formatBytes, formatSeconds, plural } from '../format.ts';
import { insecure, jobs, json, offline } from '../options.ts';
import type { CheckResult } from '../second-build.ts';

/** Short where it can be: what a person would type. */
function shown(path: string): string {
  const near = relative(process.cwd(), path);
  return near === '' || near.startsWith('..') || isAbsolute(near) ? path : near;
}

function summary({ manifest, unchanged }: BuildResult, seconds: number): string {
  const images = manifest.artifacts.filter(
    (a) => !['glue', 'lock', 'sbom', 'provenance', 'other'].includes(a.format),
  );
  return [
    `${unchanged ? 'Nothing to do' : 'Built'} in ${formatSeconds(seconds)}`,
    ...images.map((a) => `  ${formatBytes(a.size).padStart(8)}  ${a.file}`),
    `  tree ${manifest.rootfs.digest}`,
    ...manifest.backends.map((name) => `  boot glue in ${join('boot', name)}/`),
    ...(manifest.insecure ? ['  signatures were NOT checked'] : []),
  ].join('\n');
}

const sameness = ({ files, conditions: c }: CheckResult): string =>
  `  built twice, ${plural(files, 'file')} the same to the bit; the second time with --jobs ${c.jobs}, ` +
  `TZ=${c.timeZone}, LC_ALL=${c.locale}, umask ${c.umask}, the tree in ${c.tree}, ${c.cache} in the cache`;

interface Outputs {
  readonly format: readonly string[];
  readonly backend: readonly string[];
  readonly sandbox: string | undefined;
  readonly sign: string | undefined;
  readonly offline: boolean;
  readonly 'insecure-ignore-signatures': boolean;
}

/** Loaded when they are asked for: most builds are neither signed nor made twice. */
const secondBuild = () => import('../second-build.ts');
const signerWith = async (key: string, context: Context) =>
  (await import('../../repos/signing/signer.ts')).openSigner(key, context);

/** The arguments that decide what a bundle holds, and what it may be made of. */
const sameOutputs = (options: Outputs): readonly string[] => [
  ...options.format.flatMap((name) => ['--format', name]),
  ...options.backend.flatMap((name) => ['--backend', name]),
  ...(options.sandbox === undefined ? [] : ['--sandbox', options.sandbox]),
  ...(options.sign === undefined ? [] : ['--sign', options.sign]),
  ...(options.offline ? ['--offline'] : []),
  ...(options['insecure-ignore-signatures'] ? ['--insecure-ignore-signatures'] : []),
];

export default defineCommand({
  description: `Builds an environment into a bundle: a folder with the golden image in each format,
    kernel and initrd, boot glue for each backend, a manifest and checksums. It appears at its
    final name, NAME_VERSION_ARCHITECTURE, only when it is whole.

    Uses ENV.lock.json, and makes it first when it is missing or of an earlier state of the
    environment. What was built before is taken from the cache: a change of your layer costs only
    your layer. Prints the bundle's path.`,
  arguments: [ENV],
  options: {
    'output-directory': {
      kind: 'directory',
      short: 'O',
      placeholder: 'DIR',
      describe: 'Where to put the bundle (default: the current folder)',
    },
    format: {
      kind: 'list',
      placeholder: 'FORMAT',
      choices: FORMAT_NAMES,
      describe: 'Image formats instead of image.formats',
    },
    backend: {
      kind: 'list',
      placeholder: 'NAME',
      choices: backends.map((backend) => backend.name),
      describe: 'Whose boot glue to write, instead of backends',
    },
    locked: { kind: 'flag', describe: 'Take the lock as it is, or fail; never resolve' },
    offline,
    jobs,
    sandbox: {
      kind: 'text',
      placeholder: 'MODE',
      choices: SANDBOX_MODES,
      describe: 'Insist on one way to isolate the build (default: the first that works)',
    },
    check: {
      kind: 'flag',
      describe: 'Build a second time under other conditions; exit 1 if a byte differs',
    },
    sign: {
      kind: 'file',
      placeholder: 'KEY',
      describe: "Sign the bundle's provenance with this private key (vsec key --new makes one)",
    },
    'keep-failed': { kind: 'flag', describe: 'Leave the tree of a failed build for a look' },
    'insecure-ignore-signatures': insecure,
    json: { ...json, describe: 'Print bundle, manifest and time as JSON on standard output' },
  },
  examples: [
    { command: 'vsec build cfd.yaml', does: 'lock if need be, and build into this folder' },
    { command: 'vsec build cfd.yaml -O out --format qcow2,tar.zst', does: 'other formats' },
    {
      command: 'vsec build cfd.yaml --locked --offline',
      does: 'from the lock and the cache alone',
    },
    { command: 'vsec build cfd.yaml --check', does: 'is it the same to the bit?' },
    { command: 'vsec boot "$(vsec build cfd.yaml)"', does: 'build, then boot what was built' },
  ],
  async run({ args: [target = ''], options, session }) {
    const started = performance.now();
    const sandbox = SANDBOX_MODES.find((mode) => mode === options.sandbox);
    const signer = options.sign && (await signerWith(options.sign, session.context));
    const { vse, ...result } = await buildEnvironment(
      target,
      session,
      { locked: options.locked, insecure: options['insecure-ignore-signatures'] },
      {
        outputDirectory: resolve(options['output-directory'] ?? '.'),
        ...(options.format.length > 0 && { formats: options.format }),
        ...(options.backend.length > 0 && { backends: options.backend }),
        ...(sandbox && { sandbox }),
        ...(signer && { signer }),
        keepFailed: options['keep-failed'],
      },
    );
    const seconds = (performance.now() - started) / 1000;
    const check = options.check
      ? await (
          await secondBuild()
        ).checkBuild(result, vse, target, sameOutputs(options), session.context)
      : undefined;
    if (check) session.diagnose(check.diagnostics);
    if (options.json)
      session.printJson({ ...result, seconds, ...(check && { check: check.result }) });
    else {
      session.say(summary(result, seconds));
      if (check?.result.same) session.say(sameness(check.result));
      session.print(shown(result.bundle));
    }
    return check && !check.result.same ? 1 : 0;
  },
});
