/**
 * Damaged and hostile packages: whatever they hold, the answer is a tree or a message, nothing is
 * written outside the tree, and neither time nor memory runs away. `VSEC_FUZZ` says how many.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { decompressHere } from '../../builders/deb/decompress.ts';
import { Database } from '../../builders/deb/database.ts';
import { Ownership } from '../../builders/deb/ownership.ts';
import { openPackage, unpackAll } from '../../builders/deb/unpack.ts';
import { Tree } from '../../builders/rootfs/tree.ts';
import { VsecError } from '../../vse/diagnostic.ts';
import { cases, mutate, numbers, SEED } from '../support/mutate.ts';
import { ar, file, folder, hardLink, link, tar } from './support/deb.ts';
import type { TarEntry } from './support/deb.ts';
import { expectUntouched, site } from './support/tree.ts';

const COUNT = cases(150);
const LABEL = 'toy 1.0';
const BLOCK = 512;
/** Milliseconds for one package of a few kilobytes, on a machine that has other work. */
const LONGEST = 20_000;

const CONTROL: readonly TarEntry[] = [
  file('./control', 'Package: toy\nVersion: 1.0\nArchitecture: amd64\nReplaces: other (<< 2)\n'),
  file('./conffiles', '/etc/toy.conf\n'),
  file('./triggers', 'interest /usr/share/toy\nactivate ldconfig\n'),
  file('./postinst', '#!/bin/sh\ntrue\n', { mode: 0o755 }),
];
const DATA: readonly TarEntry[] = [
  ...[folder('./'), folder('./etc'), file('./etc/toy.conf', 'a=b\n'), folder('./usr/bin')],
  ...[file('./usr/bin/toy', 'x'.repeat(2000), { mode: 0o4755 }), link('./usr/lib', 'bin')],
  ...[hardLink('./usr/bin/toy2', './usr/bin/toy'), link('./up', '../../outside')],
  file(`./usr/share/${'long/'.repeat(30)}name`, 'long'),
];

/** Makes headers of a tar right again, so that their lies are read. */
function mend(bytes: Buffer): Buffer {
  for (let at = 0; at + BLOCK <= bytes.length; at += BLOCK) {
    if (bytes.toString('latin1', at + 257, at + 262) !== 'ustar') continue;
    bytes.fill(' ', at + 148, at + 156);
    const sum = bytes.subarray(at, at + BLOCK).reduce((total, byte) => total + byte, 0);
    bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
  }
  return bytes;
}

/** One byte of one header changed for another that means something, and the checksum right. */
function lie(bytes: Buffer, random: () => number): Buffer {
  const headers = [];
  for (let at = 0; at + BLOCK <= bytes.length; at += BLOCK)
    if (bytes.toString('latin1', at + 257, at + 262) === 'ustar') headers.push(at);
  const header = headers[Math.floor(random() * headers.length)] ?? 0;
  const fields = [0, 100, 108, 116, 124, 136, 156, 157, 257, 329, 337, 345];
  const field = fields[Math.floor(random() * fields.length)] ?? 0;
  const text = ['../../outside/x', '/', '3', '4', '6', '7', 'L', 'K', 'x', 'g', 'S', '77777777777'];
  bytes.write(text[Math.floor(random() * text.length)] ?? '', header + field, 'latin1');
  return mend(bytes);
}

function damaged(control: Buffer, data: Buffer, random: () => number): Buffer {
  const change = (bytes: Buffer): Buffer => {
    const kind = random();
    if (kind < 0.2) return bytes;
    if (kind < 0.5) return lie(Buffer.from(bytes), random);
    const other = mutate(bytes, random);
    return kind < 0.8 ? mend(other) : other;
  };
  const gzip = random() < 0.3;
  const pack = (bytes: Buffer): Buffer<ArrayBuffer> => Buffer.from(gzip ? gzipSync(bytes) : bytes);
  const suffix = gzip ? '.gz' : random() < 0.02 ? '.xz' : '';
  const whole = ar([
    { name: 'debian-binary', bytes: Buffer.from('2.0\n') },
    { name: `control.tar${suffix}`, bytes: pack(random() < 0.5 ? change(control) : control) },
    { name: `data.tar${suffix}`, bytes: pack(change(data)) },
  ]);
  return random() < 0.25 ? mutate(whole, random) : whole;
}

const SPECIAL = new Set(['isBlockDevice', 'isCharacterDevice', 'isFIFO', 'isSocket'] as const);

test(
  `${COUNT} packages (VSEC_SEED=${SEED})`,
  async () => {
    const random = numbers(SEED);
    const place = site();
    const path = join(place.root, '..', 'toy.deb');
    const [control, data] = [await tar(CONTROL), await tar(DATA)];
    const decompress = decompressHere();
    const before = process.memoryUsage().rss;
    const outcomes = { unpacked: 0, refused: 0 };
    const codes = new Set<string>();
    for (let i = 0; i < COUNT; i++) {
      writeFileSync(path, damaged(control, data, random));
      const started = performance.now();
      try {
        const pkg = await openPackage({ path, label: LABEL }, decompress);
        const tree = new Tree(place.root);
        const options = { jobs: 2, ownership: new Ownership() };
        await unpackAll([pkg], tree, new Database(tree), decompress, options);
        outcomes.unpacked++;
      } catch (error) {
        if (!(error instanceof VsecError)) throw new Error(`case ${i}`, { cause: error });
        outcomes.refused++;
        for (const { code, message } of error.diagnostics) {
          codes.add(code);
          expect(message, `case ${i}`).not.toMatch(/undefined|\[object|\n/);
        }
      }
      expect(performance.now() - started, `case ${i}`).toBeLessThan(LONGEST);
      expectUntouched(place);
      expect(readdirSync(join(place.root, '..')).sort()).toEqual(['outside', 'root', 'toy.deb']);
      for (const entry of readdirSync(place.root, { recursive: true, withFileTypes: true }))
        for (const is of SPECIAL) expect(entry[is](), `case ${i}: ${entry.name}`).toBe(false);
      rmSync(place.root, { recursive: true });
      mkdirSync(place.root);
    }
    expect(outcomes.unpacked).toBeGreaterThan(COUNT / 20);
    expect(outcomes.refused).toBeGreaterThan(COUNT / 20);
    expect(codes.size).toBeGreaterThan(3);
    expect(process.memoryUsage().rss - before).toBeLessThan(400e6);
  },
  60_000 + COUNT * 200,
);
