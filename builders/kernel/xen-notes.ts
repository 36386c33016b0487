/** How Xen can start a kernel, by the ELF notes that the kernel carries (xen/public/elfnote.h). */
import type { Bytes } from './bytes.ts';

export type XenEntry = 'pv' | 'pvh';

/** Types of notes named "Xen" that hold an entry point, and the guests that are started there. */
const ENTRIES: ReadonlyMap<number, XenEntry> = new Map([
  [1, 'pv'],
  [18, 'pvh'],
]);

const PT_NOTE = 4;
/** Bytes; real ones are some hundred. */
const MOST_NOTES = 1 << 20;

const FILE_HEADER = 64;
const PROGRAM_HEADER = 56;

/** Reads the program headers of a 64-bit little-endian ELF file; `undefined` for another file. */
export function xenEntries(elf: Bytes): readonly XenEntry[] | undefined {
  const head = elf.read(0, FILE_HEADER);
  if (head.length < FILE_HEADER || head.toString('latin1', 0, 6) !== '\x7fELF\x02\x01')
    return undefined;
  const headers = Number(head.readBigUInt64LE(32));
  const size = head.readUInt16LE(54);
  const count = head.readUInt16LE(56);
  const found = new Set<XenEntry>();
  for (let index = 0; index < count; index++) {
    const header = elf.read(headers + index * size, PROGRAM_HEADER);
    if (header.length < PROGRAM_HEADER) return undefined;
    if (header.readUInt32LE(0) !== PT_NOTE) continue;
    const offset = Number(header.readBigUInt64LE(8));
    const length = Number(header.readBigUInt64LE(32));
    for (const type of xenNotes(elf.read(offset, Math.min(length, MOST_NOTES)))) {
      const entry = ENTRIES.get(type);
      if (entry) found.add(entry);
    }
  }
  return [...found].sort();
}

const padded = (length: number): number => Math.ceil(length / 4) * 4;

function* xenNotes(notes: Buffer): Generator<number> {
  for (let at = 0; at + 12 <= notes.length;) {
    const nameLength = notes.readUInt32LE(at);
    const length = notes.readUInt32LE(at + 4);
    const name = notes.toString('latin1', at + 12, at + 12 + nameLength);
    if (name === 'Xen\0') yield notes.readUInt32LE(at + 8);
    at += 12 + padded(nameLength) + padded(length);
  }
}
