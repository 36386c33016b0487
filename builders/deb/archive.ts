/**
 * Reading a binary package: an `ar` archive of `debian-binary`, `control.tar[.*]` and
 * `data.tar[.*]`, in that order (deb(5)).
 */
import { closeSync, createReadStream, fstatSync, openSync, readSync } from 'node:fs';
import { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import type { Header } from 'tar-stream';
import { errorCode } from '../../repos/io-errors.ts';
import { VsecError, failure } from '../../vse/diagnostic.ts';

/** A member of the archive: where its bytes are in the file. */
export interface Member {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

export interface DebMembers {
  readonly control: Member;
  readonly data: Member;
}

/** Turns a compressed stream into a plain one. `suffix` is `.xz`, `.zst`, `.gz` or empty. */
export type Decompress = (input: Readable, suffix: string) => Readable;

/** A tar entry: its header, and its content as a stream. */
export type Entry = Readable & { readonly header: Header };

const HEADER = 60;
const MAGIC = '!<arch>\n';

/** BUILD101: what the file holds is no package. `path`: the file, for the message. */
export function invalidPackage(path: string, why: string): VsecError {
  return failure('BUILD101', `not a valid Debian package: ${why}`, {
    notes: [{ message: `in ${path}` }],
    hint: 'the file has the digest that its repository signed, so the repository itself is wrong',
  });
}

/** Finds the members of a package file; never reads past what the file really holds. */
export function readMembers(path: string): DebMembers {
  const fd = openSync(path, 'r');
  try {
    const end = fstatSync(fd).size;
    const bytes = Buffer.alloc(HEADER);
    if (readSync(fd, bytes, 0, 8, 0) < 8 || bytes.toString('latin1', 0, 8) !== MAGIC)
      throw invalidPackage(path, 'no ar signature');
    const found: Member[] = [];
    let at = 8;
    while (at + HEADER <= end && found.length < 16) {
      readSync(fd, bytes, 0, HEADER, at);
      const name = bytes.toString('latin1', 0, 16).trimEnd().replace(/\/$/, '');
      const sizeText = bytes.toString('latin1', 48, 58).trimEnd();
      if (!/^\d+$/.test(sizeText) || bytes.toString('latin1', 58, 60) !== '`\n')
        throw invalidPackage(path, `bad ar header at byte ${at}`);
      const size = Number(sizeText);
      const offset = at + HEADER;
      if (offset + size > end) throw invalidPackage(path, `member ${name} is longer than the file`);
      found.push({ name, offset, size });
      at = offset + size + (size % 2);
    }
    const control = found.find((m) => m.name.startsWith('control.tar'));
    const data = found.find((m) => m.name.startsWith('data.tar'));
    if (found[0]?.name !== 'debian-binary')
      throw invalidPackage(path, 'debian-binary is not first');
    if (!control || !data) throw invalidPackage(path, 'control or data member is missing');
    return { control, data };
  } finally {
    closeSync(fd);
  }
}

/** Hands the entries of one member's tar to `take`, in order; it must read or resume each. */
export async function readEntries(
  path: string,
  member: Member,
  decompress: Decompress,
  take: (entry: Entry) => void | Promise<void>,
): Promise<void> {
  const suffix = member.name.slice(member.name.indexOf('.tar') + 4);
  const raw =
    member.size === 0
      ? Readable.from([])
      : createReadStream(path, {
          start: member.offset,
          end: member.offset + member.size - 1,
          highWaterMark: 1 << 18,
        });
  const tar = extract();
  let damage: Error | undefined;
  const fail = (e: Error): void => {
    damage ??= e;
    tar.destroy(e);
  };
  raw.on('error', fail);
  tar.on('error', fail);
  let plain: Readable | undefined;
  try {
    plain = decompress(raw, suffix);
    plain.on('error', fail);
    plain.pipe(tar);
    for await (const entry of tar as unknown as AsyncIterable<Entry>) {
      entry.on('error', fail);
      await take(entry);
    }
  } catch (e) {
    if (!damage || e instanceof VsecError) throw e;
    if (errorCode(damage) !== undefined && 'syscall' in damage) throw damage;
    throw invalidPackage(path, `${member.name}: ${damage.message.split('\n')[0] ?? ''}`);
  } finally {
    raw.destroy();
    plain?.destroy();
  }
}
