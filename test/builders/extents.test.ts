/** The parts of a sparse file that hold anything. */
import {
  closeSync,
  mkdtempSync,
  openSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { extentsOf } from '../../builders/image/extents.ts';
import { fakeToolbox } from './support/boot.ts';
import { installed } from './support/programs.ts';

const MIB = 1 << 20;
const folder = mkdtempSync(join(tmpdir(), 'vsec-extents-'));
afterAll(() => rmSync(folder, { recursive: true }));
const never = new AbortController().signal;
const path = join(folder, 'disk.raw');
writeFileSync(path, '');
truncateSync(path, 64 * MIB);
const fd = openSync(path, 'r+');
writeSync(fd, Buffer.alloc(MIB, 'x'), 0, MIB, 32 * MIB);
closeSync(fd);

const answering = (answer: string) => fakeToolbox(folder, { 'qemu-img': `echo '${answer}'` });
const whole = [{ start: 0, length: 64 * MIB, zero: false }];

describe('extentsOf', () => {
  it.skipIf(!installed('qemu-img'))('as the real program finds them', async () => {
    const toolbox = fakeToolbox(folder, { 'qemu-img': 'PATH=$PATH:/usr/local/bin qemu-img "$@"' });
    const extents = await extentsOf(path, toolbox, never);
    const data = extents.filter(({ zero }) => !zero);
    expect(data.reduce((sum, { length }) => sum + length, 0)).toBe(MIB);
    expect(data[0]?.start).toBe(32 * MIB);
    expect(extents.reduce((sum, { length }) => sum + length, 0)).toBe(64 * MIB);
  });

  it.each([
    [
      'a gap',
      [
        { start: 0, length: MIB, zero: true },
        { start: 2 * MIB, length: 62 * MIB, zero: false },
      ],
    ],
    ['an end too early', [{ start: 0, length: MIB, zero: true }]],
    ['nothing', []],
  ])('%s in the answer: everything is to be read', async (_, answer) => {
    expect(await extentsOf(path, answering(JSON.stringify(answer)), never)).toEqual(whole);
  });

  it('stops when the program fails', async () => {
    await expect(extentsOf(path, fakeToolbox(folder, {}), never)).rejects.toThrow('holes');
  });
});
