import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { ioFailure } from '../../repos/io-errors.ts';
import { Store } from '../../repos/store.ts';
import { VsecError } from '../../vse/diagnostic.ts';
import { sha256 } from './support/archive.ts';
import { diagnosticOf, filesBelow, scratch } from './support/context.ts';

const CONTENT = randomBytes(200_000);
const SHA = sha256(CONTENT);
const EXPECTED = { sha256: SHA, size: CONTENT.length };

async function* chunks(content: Buffer, size = 10_000): AsyncGenerator<Buffer> {
  for (let i = 0; i < content.length; i += size) {
    yield Promise.resolve(content.subarray(i, i + size));
  }
}

test('an object is where its digest says, whole, and read-only', async () => {
  const cache = await scratch();
  const store = new Store(cache);
  expect(await store.has(SHA)).toBe(false);
  const path = await store.add(chunks(CONTENT), EXPECTED);
  expect(path).toBe(join(cache, 'store/sha256', SHA.slice(0, 2), SHA));
  expect(path).toBe(store.path(SHA));
  expect(sha256(await readFile(path))).toBe(sha256(CONTENT));
  expect((await stat(path)).mode & 0o777).toBe(0o444);
  expect(await store.has(SHA, CONTENT.length)).toBe(true);
  expect(await store.size(SHA)).toBe(CONTENT.length);
});

test.each<[what: string, content: Buffer, code: string]>([
  ['another content', Buffer.concat([CONTENT.subarray(1), Buffer.from('x')]), 'REPO150'],
  ['a longer one', Buffer.concat([CONTENT, Buffer.from('x')]), 'REPO151'],
  ['a shorter one', CONTENT.subarray(1), 'REPO151'],
])('%s does not enter, and leaves nothing', async (_what, content, code) => {
  const cache = await scratch();
  const store = new Store(cache);
  const found = await diagnosticOf(store.add(chunks(content), EXPECTED));
  expect(found).toMatchObject({ code, exitCode: 1 });
  expect(await filesBelow(cache)).toEqual([]);
});

test('a stream that breaks leaves nothing', async () => {
  const cache = await scratch();
  async function* broken(): AsyncGenerator<Buffer> {
    yield CONTENT.subarray(0, 1000);
    await Promise.reject(new Error('broken'));
  }
  await expect(new Store(cache).add(broken(), EXPECTED)).rejects.toThrow('broken');
  expect(await filesBelow(cache)).toEqual([]);
});

test('while an object is written, it is not there', async () => {
  const store = new Store(await scratch());
  async function* watched(): AsyncGenerator<Buffer> {
    for await (const chunk of chunks(CONTENT)) {
      expect(await store.has(SHA)).toBe(false);
      yield chunk;
    }
  }
  await store.add(watched(), EXPECTED);
});

test('many writers of one object at once', async () => {
  const cache = await scratch();
  const add = () => new Store(cache).add(chunks(CONTENT, 777), EXPECTED);
  const paths = await Promise.all(Array.from({ length: 10 }, add));
  expect(new Set(paths).size).toBe(1);
  expect(sha256(await readFile(paths[0] ?? ''))).toBe(sha256(CONTENT));
  expect(await readdir(join(cache, 'store/.partial'))).toEqual([]);
});

test('an object that lost its end counts as missing, and is replaced', async () => {
  const store = new Store(await scratch());
  await mkdir(dirname(store.path(SHA)), { recursive: true });
  await writeFile(store.path(SHA), CONTENT.subarray(0, 100));
  expect(await store.has(SHA, CONTENT.length)).toBe(false);
  await store.add(chunks(CONTENT), EXPECTED);
  expect(await store.has(SHA, CONTENT.length)).toBe(true);
});

test('verify reads all of it', async () => {
  const store = new Store(await scratch());
  expect(await store.verify(SHA)).toBe(false);
  const path = await store.add(chunks(CONTENT), EXPECTED);
  expect(await store.verify(SHA)).toBe(true);
  const changed = Buffer.from(CONTENT);
  changed[100_000] = (changed[100_000] ?? 0) ^ 1;
  await chmod(path, 0o644);
  await writeFile(path, changed);
  expect(await store.has(SHA, CONTENT.length)).toBe(true);
  expect(await store.verify(SHA)).toBe(false);
  await store.remove(SHA);
  expect(await store.has(SHA)).toBe(false);
});

test('files of killed processes are swept away, and of others what is a day old', async () => {
  const store = new Store(await scratch());
  const file = await store.begin();
  const [folder, name] = [dirname(file.path), basename(file.path)];
  const killed = name.replace(/^\d+/, '4194305');
  const elsewhere = name.replace(/-[0-9a-f]{8}-/, '-00000000-');
  const old = 'old';
  for (const other of [killed, elsewhere, old]) await writeFile(join(folder, other), '');
  expect(await store.sweep()).toBe(1);
  const yesterday = new Date(Date.now() - 25 * 3600 * 1000);
  for (const other of [name, elsewhere, old])
    await utimes(join(folder, other), yesterday, yesterday);
  expect(await store.sweep()).toBe(2);
  expect(await readdir(folder)).toEqual([name]);
  await file.discard();
});

test('digests are digests', () => {
  const store = new Store('/nowhere');
  for (const bad of ['', '../../etc/passwd', SHA.toUpperCase(), `${SHA}0`]) {
    expect(() => store.path(bad)).toThrow(TypeError);
  }
});

test.each([
  ['ENOSPC', 'REPO160', 'the disk is full'],
  ['EDQUOT', 'REPO160', 'quota'],
  ['EACCES', 'REPO161', 'permission denied'],
  ['EROFS', 'REPO161', 'read-only'],
  ['EIO', 'REPO162', 'input/output error'],
  ['ELOOP', 'REPO162', 'ELOOP: what the system says'],
])('%s of a file becomes %s', (code, number, why) => {
  const error = Object.assign(new Error(`${code}: what the system says`), {
    code,
    syscall: 'open',
  });
  const told = ioFailure(error, 'write the package store', '/cache/store');
  expect(told).toBeInstanceOf(VsecError);
  const [found] = (told as VsecError).diagnostics;
  expect(found).toMatchObject({ code: number, notes: [{ message: 'at /cache/store' }] });
  expect(found?.message).toContain(`cannot write the package store: `);
  expect(found?.message).toContain(why);
});

test('other errors stay as they are', () => {
  const error = new TypeError('a mistake of ours');
  expect(ioFailure(error, 'write')).toBe(error);
});
