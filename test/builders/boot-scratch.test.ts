/** Folders of boots: private, and those of killed boots go. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeScratch } from '../../builders/boot/scratch.ts';

let dir = '';
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'vsec-scratch-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test('a killed boot’s folder goes with the next boot; one that runs keeps its own', () => {
  const running = makeScratch({ env: { TMPDIR: dir } });
  expect(statSync(running).mode & 0o777).toBe(0o700);
  const dead = join(dir, basename(running).replace(/boot-\d+/, 'boot-4194305'));
  mkdirSync(dead);
  writeFileSync(join(dead, 'overlay.qcow2'), 'x');
  mkdirSync(join(dir, 'vsec-boot-of-somebody'));
  const next = makeScratch({ env: { TMPDIR: dir } });
  const expected = [running, next, 'vsec-boot-of-somebody'].map((path) => basename(path)).sort();
  expect(readdirSync(dir).sort()).toEqual(expected);
});
