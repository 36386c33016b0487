/** What `vsec boot` found out, and how it is said. */
import { error } from '../../vse/diagnostic.ts';
import type { Diagnostic, Note } from '../../vse/diagnostic.ts';
import type { Accelerator, Firmware, XenRole } from '../backend.ts';
import type { Manifest } from '../manifest.ts';
import type { ProcessEnd } from './guest-process.ts';
import type { GuestReport } from './guest-report.ts';
import type { ImageUnderTest } from './image-under-test.ts';
import type { ExecResult } from './login.ts';
import type { NetbootStep } from './netboot-log.ts';
import type { HostView, Watched } from './watch.ts';

/**
 * What is proven of a backend: a guest of ours booted on it, its own parser or schema accepted the
 * glue, or nothing here can check it.
 */
export type Tier = 'ran' | 'validated' | 'emitted';

/** `vsec boot --json`; the first seven fields are a contract (design.md). */
export interface BootResult {
  readonly backend: string;
  /** What stood for the hypervisor, where nothing here can run that itself. */
  readonly standIn?: string;
  /** systemd reached its default target and no unit failed. */
  readonly up: boolean;
  /** From the start of the hypervisor to the guest's report, or until it was given up. */
  readonly seconds: number;
  readonly tier: Tier;
  /** The program that took the glue, where nothing came up; the tier is then `validated`. */
  readonly validatedBy?: string;
  readonly failedUnits: readonly string[];
  /** Hex; measured, not read from the manifest. */
  readonly imageSha256Before: string;
  readonly imageSha256After: string;
  /** The file that was booted, in the bundle. */
  readonly image: string;
  readonly firmware: Firmware;
  readonly accelerator: Accelerator;
  /** Of a guest that a host of its own was started for; not part of `seconds`. */
  readonly hostSeconds?: number;
  /** What the netboot shim did; `at` since its kernel started. */
  readonly steps?: readonly NetbootStep[];
  readonly guest?: {
    /** Since the guest's kernel started. */
    readonly seconds?: number;
    readonly rootfsUuid?: string;
  };
  /** The last lines of the console. */
  readonly console: readonly string[];
  readonly exec?: ExecResult;
  /** Why it is not up, and what else went wrong. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Why a guest did not come up; nothing when it did. */
export function explain(watched: Watched, accelerator: Accelerator): readonly Diagnostic[] {
  const { ending, seconds } = watched;
  switch (ending.kind) {
    case 'no-host':
      return [
        error('BOOT050', 'the Xen host that should start the guest did not come up', {
          notes:
            ending.host.kind === 'up'
              ? [{ message: 'its boot menu fell back to Linux without Xen' }]
              : explain({ ...watched, ending: ending.host }, accelerator).map(({ message }) => ({
                  message,
                })),
          hint: 'see the console; vsec boot --backend xen-host boots such a host alone',
        }),
      ];
    case 'host-lost': {
      const { end, last } = ending.host;
      return [
        error('BOOT052', `the Xen host ended ${how(end)} while the guest started in it`, {
          notes: last.map((message) => ({ message })),
          hint: 'the guest may be sound: try another --firmware, or a real host',
        }),
      ];
    }
    case 'up':
      return ending.report.failed.map(describeUnit);
    case 'trouble':
      return [error(ending.trouble.code, ending.trouble.message, { hint: ending.trouble.hint })];
    case 'not-started':
      return [error('BOOT030', `the hypervisor could not be started: ${ending.reason}`)];
    case 'exited': {
      const { code } = ending.end;
      return [
        error('BOOT031', `the hypervisor ended ${how(ending.end)} before the guest was up`, {
          notes: lines(ending.stderr).map((message) => ({ message })),
          hint:
            code === 0 ? 'the guest switched itself off, or restarted: see its console' : undefined,
        }),
      ];
    }
    case 'silent':
      return [
        error('BOOT032', `${silence(ending.spoke)}, ${seconds.toFixed(0)} s after the start`, {
          notes: fromHost(ending.seen),
          hint:
            accelerator === 'kvm'
              ? 'KVM may not really work on this host: try --accelerator tcg'
              : ending.spoke
                ? 'see the last lines of its console; it may have waited for ever'
                : 'the guest has no console on ttyS0, or no firmware or kernel started',
        }),
      ];
    case 'timeout':
      return [
        error('BOOT033', `the guest was not up after ${seconds.toFixed(0)} s`, {
          notes: [
            { message: `its console was last heard ${spent(ending.quiet)} before` },
            ...fromHost(ending.seen),
          ],
          hint: 'see its console; give it more time with --timeout',
        }),
      ];
  }
}

const silence = (spoke: boolean): string =>
  spoke ? 'the guest fell silent' : 'the console stays silent';

function fromHost(seen: HostView | undefined): readonly Note[] {
  if (!seen) return [];
  if (seen.length === 0) return [{ message: 'its host does not answer, either' }];
  return seen.map((line) => ({ message: `its host: ${line}` }));
}

const how = ({ code, signal }: ProcessEnd): string =>
  signal === null ? `with exit code ${code}` : `by ${signal}`;

const spent = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(0)} s`;

const lines = (text: string): readonly string[] =>
  text.split('\n').filter((line) => line.trim() !== '');

function describeUnit(unit: GuestReport['failed'][number]): Diagnostic {
  return error('BOOT034', `in the guest, ${unit.name} failed (${unit.result ?? 'unknown'})`, {
    notes: unit.log.map((message) => ({ message })),
  });
}

/** Whether the guest runs the tree that the manifest names, by the UUID that it reported. */
export function foreignRoot(uuid: string | undefined, manifest: Manifest): readonly Diagnostic[] {
  const expected = manifest.rootfs.uuid.toLowerCase();
  if (uuid === undefined || uuid === expected) return [];
  return [
    error('BOOT036', 'the guest runs from another root file system than the manifest names', {
      notes: [{ message: `it has UUID ${uuid}, expected ${expected}` }],
      hint: 'is there a second disk or a stale boot menu with the same label?',
    }),
  ];
}

/** Whether the guest runs where the backend says; a boot menu's fallback would be up as well. */
export function foreignHypervisor(
  report: GuestReport | undefined,
  expected: XenRole | undefined,
): readonly Diagnostic[] {
  if (!report || expected === undefined || report.xenRole === expected) return [];
  const seen = report.xenRole === undefined ? 'no Xen' : `itself as ${report.xenRole} under Xen`;
  return [
    error('BOOT038', `the guest came up, but not as ${expected} under Xen`, {
      notes: [{ message: `it sees ${seen}` }],
      hint:
        expected === 'dom0'
          ? 'Xen did not start, and the boot menu fell back to Linux alone: see the console'
          : 'something else than the guest was started: see the console',
    }),
  ];
}

/** Whether the image still is what it was before the boot. */
export function written(under: ImageUnderTest, after: string): readonly Diagnostic[] {
  if (after === under.sha256) return [];
  return [
    error('BOOT037', `${under.file} changed while it was booted`, {
      notes: [{ message: `SHA-256 before ${under.sha256}` }, { message: `after ${after}` }],
      hint: 'the guest writes to an overlay: something else on this host wrote to the image',
    }),
  ];
}
