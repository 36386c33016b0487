import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keyAt } from '../../../builders/netboot/signify.ts';

const JUDGE = '/usr/bin/signify-openbsd';

describe("a head node's key", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'signify-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is made once, and for its owner alone', () => {
    const path = join(folder, 'vsec/head-node.key');
    const { public: first } = keyAt(path);
    expect(keyAt(path).public).toBe(first);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it.each(['', 'nonsense', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'])(
    'is not replaced when it is none: %j',
    (text) => {
      const path = join(folder, 'key');
      writeFileSync(path, text);
      expect(() => keyAt(path)).toThrow('BOOT070');
    },
  );

  it.skipIf(!existsSync(JUDGE))('signs as signify verifies', () => {
    const key = keyAt(join(folder, 'key'));
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const args = [
      ...['-V', '-q', '-p', file('pub', `untrusted comment: x\n${key.public}\n`)],
      ...['-x', file('sig', key.sign('hello\n')), '-m'],
    ];
    execFileSync(JUDGE, [...args, file('good', 'hello\n')]);
    expect(() =>
      execFileSync(JUDGE, [...args, file('bad', 'hullo\n')], { stdio: 'pipe' }),
    ).toThrow();
  });
});
