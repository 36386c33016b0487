/**
 * What a golden image says on its consoles once systemd has finished booting: the lines that
 * `templates/guest/report.sh` prints. The last of them, which makes the report whole, is
 *
 *     vsec: up seconds=23.4 failed=0 units=- rootfs-uuid=6d0e…
 *
 * and before it come `vsec: failed-unit NAME: RESULT` and `vsec: failed-log NAME: TEXT`. Under Xen
 * the last line ends with ` xen=ROLE`.
 */

export interface FailedUnit {
  readonly name: string;
  /** systemd's word for why, such as `exit-code` or `timeout`; absent if the line was lost. */
  readonly result?: string;
  /** End of the unit's journal. */
  readonly log: readonly string[];
}

export interface GuestReport {
  /** What the guest is to Xen, if it sees one. */
  readonly xenRole?: string;
  /** Since the guest's kernel started. */
  readonly seconds?: number;
  readonly failed: readonly FailedUnit[];
  /** UUID of the file system that is mounted as the guest's root. */
  readonly rootfsUuid?: string;
}

const UP =
  /vsec: up seconds=(-|\d+(?:\.\d+)?) failed=(\d+) units=(\S+) rootfs-uuid=(\S+)(?: xen=(\w+))?\s*$/;
const FAILED = /vsec: failed-unit (\S+): (\S+)\s*$/;
const LOG = /vsec: failed-log (\S+): (.*?)\s*$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Puts a report together from the console's lines, of which others may have cut into some. */
export class GuestReportReader {
  private readonly results = new Map<string, string>();
  private readonly logs = new Map<string, string[]>();

  /** Takes one whole line; returns the report with the line that completes it. */
  take(line: string): GuestReport | undefined {
    const [, failed, result] = FAILED.exec(line) ?? [];
    if (failed !== undefined && result !== undefined) {
      // The guest says everything more than once.
      this.results.set(failed, result);
      this.logs.delete(failed);
      return undefined;
    }
    const [, unit, text] = LOG.exec(line) ?? [];
    if (unit !== undefined && text !== undefined) {
      this.logs.set(unit, [...(this.logs.get(unit) ?? []), text]);
      return undefined;
    }
    return this.complete(UP.exec(line));
  }

  private complete(match: RegExpExecArray | null): GuestReport | undefined {
    if (!match) return undefined;
    const [, seconds = '', count = '', units = '', uuid = '', role] = match;
    const names = units === '-' ? [] : units.split(',');
    if (names.length !== Number(count) || (uuid !== '-' && !UUID.test(uuid))) return undefined;
    return {
      ...(seconds !== '-' && { seconds: Number(seconds) }),
      ...(uuid !== '-' && { rootfsUuid: uuid.toLowerCase() }),
      ...(role !== undefined && { xenRole: role }),
      failed: names.map((name) => {
        const result = this.results.get(name);
        return { name, ...(result !== undefined && { result }), log: this.logs.get(name) ?? [] };
      }),
    };
  }
}
