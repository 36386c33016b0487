/** Who met the full disk makes no difference to what is told. */
import { describe, expect, test } from 'vitest';
import { diskTrouble } from '../../builders/disk-trouble.ts';
import { mustRun } from '../../builders/sandbox/programs.ts';
import { VsecError, failure } from '../../vse/diagnostic.ts';

const told = (e: unknown): VsecError => {
  const found = diskTrouble(e, 'write the bundle', '/results');
  if (!(found instanceof VsecError)) throw new Error('expected a diagnostic');
  return found;
};

describe('a full disk', () => {
  test('met by our own code', () => {
    const error = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'write' });
    expect(told(error).diagnostics[0]).toMatchObject({
      code: 'REPO160',
      message: 'cannot write the bundle: the disk is full',
      notes: [{ message: 'at /results' }],
    });
  });

  test.each([
    'tar: ./usr/x: Cannot write: No space left on device',
    'dpkg: error: Disk quota exceeded',
    'tar: /cache/tree.part: Wrote only 4096 of 262144 bytes',
    'ENOSPC: no space left on device, write',
  ])('met by a program that said %j', async (complaint) => {
    const failing = mustRun('compressing the tar', 'sh', ['-c', `echo '${complaint}' >&2; exit 2`]);
    const error = await failing.catch((e: unknown) => e);
    const [found] = told(error).diagnostics;
    expect(found).toMatchObject({ code: 'REPO160', severity: 'error' });
    expect(found?.message).toBe('cannot write the bundle: the disk is full');
    const notes = found?.notes.map((note) => note.message);
    expect(notes).toEqual(['at /results', 'compressing the tar failed (exit code 2)', complaint]);
    expect(found?.hint).toContain('free some space');
  });

  test('told already stays as it was told', () => {
    const inner = failure('REPO160', 'cannot assemble the tree: the disk is full');
    expect(diskTrouble(inner, 'write the bundle', '/results')).toBe(inner);
  });
});

test('anything else is given back', () => {
  for (const error of [
    failure('BUILD169', 'script x failed', { notes: [{ message: 'false' }] }),
    new Error('a bug'),
    new DOMException('stopped', 'AbortError'),
  ])
    expect(diskTrouble(error, 'write the bundle', '/results')).toBe(error);
});
