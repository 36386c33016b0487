/** Maintainer scripts: preinst before unpacking where it matters, then `dpkg --configure`. */
import { failure } from '../../vse/diagnostic.ts';
import type { Inside } from '../sandbox/inside.ts';
import { lastLines } from '../sandbox/programs.ts';
import { withStandIns } from './stand-ins.ts';
import type { Package } from './unpack.ts';

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

export const hasPreinst = (pkg: Package): boolean => pkg.control.files.has('preinst');

/** Where dpkg has the control members of a package while its preinst runs. */
const CONTROL_INFORMATION = '/var/lib/dpkg/tmp.ci';

/**
 * Shell lines that run one preinst from where dpkg would: what debconf records as the owner of a
 * question it reads from the control file beside the script.
 */
function preinstLines({ owner, control }: Package): readonly string[] {
  const { name, id } = owner;
  const about = ['Package', 'Version', 'Architecture'].map(
    (field) => `${field}: ${control.fields.get(field) ?? ''}`,
  );
  return [
    `rm -rf ${CONTROL_INFORMATION}`,
    `mkdir ${CONTROL_INFORMATION}`,
    `printf '%s\\n' ${about.map(quote).join(' ')} > ${CONTROL_INFORMATION}/control`,
    ...[...control.files.keys()].map(
      (member) => `ln -s ${quote(`../info/${id}.${member}`)} ${CONTROL_INFORMATION}/${member}`,
    ),
    [
      `DPKG_MAINTSCRIPT_PACKAGE=${quote(name)}`,
      `DPKG_MAINTSCRIPT_ARCH=${quote(control.fields.get('Architecture') ?? '')}`,
      // A script that reads standard input would swallow the lines of the next ones.
      `${CONTROL_INFORMATION}/preinst install </dev/null ||`,
      `{ echo "vsec-failed ${name} $?"; exit 1; }`,
    ].join(' '),
  ];
}

/** Runs the preinst scripts of `packages`, in that order, as dpkg does on a first installation. */
export async function runPreinsts(inside: Inside, packages: readonly Package[]): Promise<void> {
  const lines = packages.filter(hasPreinst).flatMap(preinstLines);
  if (lines.length === 0) return;
  const result = await inside.run(['/bin/sh', '-s'], {
    env: {
      DPKG_MAINTSCRIPT_NAME: 'preinst',
      DPKG_ADMINDIR: '/var/lib/dpkg',
      DPKG_ROOT: '',
      DPKG_RUNNING_VERSION: '1.21.0',
      DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT: '1',
    },
    input: `${[...lines, `rm -rf ${CONTROL_INFORMATION}`].join('\n')}\n`,
  });
  if (result.code === 0) return;
  const which = /vsec-failed (\S+) (\d+)/.exec(result.tail);
  throw failure(
    'BUILD140',
    `the preinst script of ${which?.[1] ?? 'a package'} failed (exit code ${which?.[2] ?? result.code})`,
    {
      notes: lastLines(result.tail, 20)
        .filter((line) => !line.startsWith('vsec-failed'))
        .map((message) => ({ message })),
      hint: 'remove or exclude the package, or pin another version of it',
    },
  );
}

/**
 * `dpkg --configure`: of `names`, or of everything that is unpacked. `progress` hears the name of
 * each package as dpkg sets it up.
 */
export async function configure(
  inside: Inside,
  names: readonly string[] | 'all',
  progress?: (name: string) => void,
): Promise<void> {
  let line = '';
  const result = await withStandIns(inside.root, () =>
    inside.run(
      [
        '/usr/bin/dpkg',
        '--force-confdef',
        '--force-confold',
        '--force-unsafe-io',
        '--configure',
        ...(names === 'all' ? ['-a'] : names),
      ],
      {
        output: (text) => {
          line += text;
          const parts = line.split('\n');
          line = parts.pop() ?? '';
          for (const part of parts) {
            const m = /^(?:Setting up|Processing triggers for) (\S+)/.exec(part);
            if (m?.[1]) progress?.(m[1]);
          }
        },
      },
    ),
  );
  if (result.code === 0) return;
  const broken = [...result.tail.matchAll(/error processing package (\S+)/g)].map((m) => m[1]);
  throw failure(
    'BUILD141',
    broken.length > 0
      ? `the maintainer scripts of ${[...new Set(broken)].join(', ')} failed`
      : `dpkg --configure failed (exit code ${result.code})`,
    {
      notes: lastLines(result.tail, 25).map((message) => ({ message })),
      hint: 'the lines above are what the scripts printed; remove or exclude the package, or build with --keep-failed and look at the tree',
    },
  );
}
