/** Programs of the tree that are put aside while maintainer scripts run, and come back. */
import { existsSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withStandIns } from '../../builders/deb/stand-ins.ts';
import { put } from './support/etc.ts';
import { expectUntouched, site } from './support/tree.ts';
import type { Site } from './support/tree.ts';

let place: Site;
beforeEach(() => {
  place = site();
});
afterEach(() => expectUntouched(place));

const TMPFILES = 'usr/bin/systemd-tmpfiles';
const POLICY = 'usr/sbin/policy-rc.d';

test('the real program is back afterwards, also after a failure', async () => {
  put(place.root, TMPFILES, 'real', 0o755);
  put(place.root, 'usr/sbin/other');
  await withStandIns(place.root, () => {
    expect(place.read(TMPFILES)).toBe('#!/bin/sh\nexit 0\n');
    expect(statSync(join(place.root, TMPFILES)).mode & 0o777).toBe(0o755);
    return Promise.resolve();
  });
  const failing = withStandIns(place.root, () => Promise.reject(new Error('on purpose')));
  await expect(failing).rejects.toThrow('on purpose');
  expect(place.read(TMPFILES)).toBe('real');
  expect(readdirSync(join(place.root, 'usr/bin'))).toEqual(['systemd-tmpfiles']);
  expect(readdirSync(join(place.root, 'usr/sbin'))).toEqual(['other']);
});

test('no service starts meanwhile; a policy of the image comes back', async () => {
  put(place.root, 'usr/sbin/other');
  await withStandIns(place.root, () => {
    expect(place.read(POLICY)).toBe('#!/bin/sh\nexit 101\n');
    return Promise.resolve();
  });
  expect(existsSync(join(place.root, POLICY))).toBe(false);
  put(place.root, POLICY, 'mine');
  await withStandIns(place.root, () => Promise.resolve());
  expect(place.read(POLICY)).toBe('mine');
});

test('what is not there is not made', async () => {
  await withStandIns(place.root, () => Promise.resolve());
  expect(readdirSync(place.root)).toEqual([]);
});

test('a link to the host in the place of the program, or of its folder', async () => {
  put(place.root, 'usr/bin/other');
  symlinkSync(join(place.outside, 'secret'), join(place.root, TMPFILES));
  symlinkSync(place.outside, join(place.root, 'usr/sbin'));
  await withStandIns(place.root, () => Promise.resolve());
  expectUntouched(place);
});
