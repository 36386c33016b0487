/** The three ways to get a place where a tree can be assembled with owners of its own. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { failure } from '../../vse/diagnostic.ts';
import type { Isolation } from './inside.ts';

export type SandboxMode = 'userns' | 'mount' | 'chroot';

/** In the order in which they are tried. */
export const SANDBOX_MODES: readonly SandboxMode[] = ['userns', 'mount', 'chroot'];

export interface ModeProbe {
  readonly mode: SandboxMode;
  readonly usable: boolean;
  readonly reason?: string;
  /** The command or step that mends it. */
  readonly remedy?: string;
}

/** `unshare` arguments that open a mode, before `--` and the program. */
export function modeArguments(mode: SandboxMode): readonly string[] {
  switch (mode) {
    case 'userns':
      return [
        '--user',
        '--map-root-user',
        '--map-auto',
        '--mount',
        '--pid',
        '--fork',
        '--kill-child',
      ];
    case 'mount':
      return ['--mount', '--pid', '--fork', '--kill-child'];
    case 'chroot':
      return [];
  }
}

export const isolationOf = (mode: SandboxMode): Isolation =>
  mode === 'chroot' ? 'chroot' : 'namespaces';

const CAP_SYS_CHROOT = 18;
const CAP_MKNOD = 27;

/** Of this process: may it do what the capability with this number (capabilities(7)) allows? */
export function hasCapability(bit: number): boolean {
  const m = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return m?.[1] !== undefined && ((BigInt(`0x${m[1]}`) >> BigInt(bit)) & 1n) === 1n;
}

function tryOut(mode: SandboxMode): Promise<string | undefined> {
  const args = mode === 'chroot' ? ['--root=/'] : modeArguments(mode);
  return new Promise((resolve) => {
    execFile(
      'unshare',
      [...args, '--', 'true'],
      { timeout: 10_000 },
      (problem, _stdout, stderr) => {
        if (!problem) resolve(undefined);
        else if ((problem as NodeJS.ErrnoException).code === 'ENOENT')
          resolve('the program unshare is missing');
        else resolve(stderr.trim().split('\n').at(-1) || problem.message);
      },
    );
  });
}

function subordinateIds(): string | undefined {
  const { username, uid } = userInfo();
  for (const file of ['/etc/subuid', '/etc/subgid']) {
    let text = '';
    try {
      text = readFileSync(file, 'utf8');
    } catch {
      // Absent counts as empty.
    }
    const range = text
      .split('\n')
      .map((line) => line.split(':'))
      .find((row) => row[0] === username || row[0] === String(uid));
    if (!range) return `${username} has no range of ids in ${file}`;
    if (Number(range[2]) < 65536)
      return `${username}'s range in ${file} holds fewer than 65536 ids`;
  }
  return undefined;
}

function remedyFor(mode: SandboxMode, reason: string): string {
  const { username } = userInfo();
  if (reason.includes('unshare is missing')) return 'apt-get install util-linux';
  if (mode !== 'userns') return 'run as root, or make user namespaces usable';
  if (reason.includes('newuidmap') || reason.includes('newgidmap')) return 'apt-get install uidmap';
  if (reason.includes('/etc/sub'))
    return `usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${username}`;
  if (reason.includes('map-auto') || reason.includes('unrecognized'))
    return 'util-linux 2.38 or later is needed';
  return 'sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=65536 (and kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu)';
}

async function probe(mode: SandboxMode): Promise<ModeProbe> {
  let reason: string | undefined;
  if (mode === 'userns') reason = subordinateIds() ?? (await tryOut(mode));
  else if (process.getuid?.() !== 0) reason = 'needs root';
  else if (mode === 'mount') reason = await tryOut(mode);
  else if (!hasCapability(CAP_SYS_CHROOT)) reason = 'CAP_SYS_CHROOT is missing';
  else if (!hasCapability(CAP_MKNOD)) reason = 'CAP_MKNOD is missing';
  else reason = await tryOut(mode);
  return reason === undefined
    ? { mode, usable: true }
    : { mode, usable: false, reason, remedy: remedyFor(mode, reason) };
}

/** Tries every mode; the first usable one is taken by a build. */
export async function probeSandbox(): Promise<readonly ModeProbe[]> {
  const probes: ModeProbe[] = [];
  for (const mode of SANDBOX_MODES) probes.push(await probe(mode));
  return probes;
}

/** The mode to use: the one asked for, or the first that works; throws with every refusal. */
export async function chooseMode(wanted: SandboxMode | undefined): Promise<SandboxMode> {
  const refused: ModeProbe[] = [];
  for (const mode of wanted ? [wanted] : SANDBOX_MODES) {
    const result = await probe(mode);
    if (result.usable) return mode;
    refused.push(result);
  }
  throw failure(
    'BUILD180',
    wanted ? `sandbox mode ${wanted} does not work here` : 'no sandbox mode works here',
    {
      notes: refused.map((r) => ({ message: `${r.mode}: ${r.reason}; remedy: ${r.remedy}` })),
      hint: 'vsec doctor tells more',
    },
  );
}
