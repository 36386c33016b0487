/** Digests of files, small and large, against the program that everybody has. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { fileDigest } from '../../builders/digest.ts';
import { Frontier } from '../../builders/frontier.ts';

const folder = mkdtempSync(join(tmpdir(), 'vsec-digest-'));
afterAll(() => rmSync(folder, { recursive: true }));
const never = new AbortController().signal;

describe('fileDigest', () => {
  it.each([0, 1, 4 << 20, (9 << 20) + 7])(
    'of a file of %i bytes is what sha256sum says',
    async (size) => {
      const path = join(folder, String(size));
      writeFileSync(path, 'x'.repeat(Math.min(size, 5000)));
      truncateSync(path, size);
      const [told] = execFileSync('sha256sum', [path], { encoding: 'utf8' }).split(' ');
      expect(await fileDigest(path, never)).toBe(told);
    },
  );

  it('reads no more than what is not known to be zero', async () => {
    const path = join(folder, 'sparse');
    writeFileSync(path, 'x'.repeat(5000));
    truncateSync(path, (9 << 20) + 7);
    const [told] = execFileSync('sha256sum', [path], { encoding: 'utf8' }).split(' ');
    const extents = [
      { start: 0, length: 8192, zero: false },
      { start: 8192, length: (9 << 20) + 7 - 8192, zero: true },
    ];
    expect(await fileDigest(path, never, { extents })).toBe(told);
    const wrong = [{ ...extents[0]!, zero: true }, extents[1]!];
    expect(await fileDigest(path, never, { extents: wrong })).not.toBe(told);
  });

  it('follows whoever writes the file', async () => {
    const path = join(folder, 'growing');
    const size = 9 << 20;
    writeFileSync(path, '');
    truncateSync(path, size);
    const frontier = new Frontier();
    const extents = [
      { start: 0, length: size - 8192, zero: false },
      { start: size - 8192, length: 8192, zero: true },
    ];
    let told: string | undefined;
    const digest = fileDigest(path, never, { extents, frontier }).then((found) => (told = found));
    await setTimeout(200);
    expect(told).toBeUndefined();
    writeFileSync(path, 'late'.repeat(1 << 20), { flag: 'r+' });
    frontier.advance(5 << 20);
    await setTimeout(200);
    expect(told).toBeUndefined();
    frontier.close(size);
    await digest;
    expect(execFileSync('sha256sum', [path], { encoding: 'utf8' })).toContain(told);
  });

  it.each([0, 1, (9 << 20) + 7])('reads a file that grows to %i bytes', async (size) => {
    const path = join(folder, `to-${size}`);
    writeFileSync(path, '');
    const frontier = new Frontier();
    const digest = fileDigest(path, never, { frontier });
    for (let at = 0; at < size;) {
      const length = Math.min(size - at, 3_000_000);
      writeFileSync(path, Buffer.alloc(length, at % 251), { flag: 'a' });
      frontier.advance((at += length));
      await setTimeout(20);
    }
    frontier.close(size);
    frontier.advance(size);
    expect(execFileSync('sha256sum', [path], { encoding: 'utf8' })).toContain(await digest);
  });

  it('ends with the signal while it waits', async () => {
    const path = join(folder, 'never');
    writeFileSync(path, 'x');
    const stop = new AbortController();
    const extents = [{ start: 0, length: 1, zero: false }];
    const digest = fileDigest(path, stop.signal, { extents, frontier: new Frontier() });
    globalThis.setTimeout(() => stop.abort(new Error('enough')), 200);
    await expect(digest).rejects.toThrow('enough');
  });

  it('ends with the signal', async () => {
    const path = join(folder, 'large');
    writeFileSync(path, '');
    truncateSync(path, 2 ** 36);
    const stop = new AbortController();
    const digest = fileDigest(path, stop.signal);
    globalThis.setTimeout(() => stop.abort(new Error('enough')), 100);
    await expect(digest).rejects.toThrow('enough');
  });

  it('fails where there is no such file', async () => {
    await expect(fileDigest(join(folder, 'none'), never)).rejects.toThrow('ENOENT');
  });
});
