import { describe, expect, it } from 'vitest';
import { cacheDirectory } from '../../cli/context.ts';
import { lockPath } from '../../cli/lock-beside.ts';

describe('cacheDirectory', () => {
  const env = { HOME: '/home/me' };
  it.each([
    ['the home folder', env, undefined, '/home/me/.cache/vsec'],
    ['XDG_CACHE_HOME', { ...env, XDG_CACHE_HOME: '/x' }, undefined, '/x/vsec'],
    [
      'not a relative XDG_CACHE_HOME',
      { ...env, XDG_CACHE_HOME: 'x' },
      undefined,
      '/home/me/.cache/vsec',
    ],
    ['VSEC_CACHE_DIR', { ...env, XDG_CACHE_HOME: '/x', VSEC_CACHE_DIR: '/v' }, undefined, '/v'],
    ['the option', { ...env, VSEC_CACHE_DIR: '/v' }, '/o', '/o'],
  ])('follows %s', (_, given, chosen, expected) => {
    expect(cacheDirectory(given, chosen)).toBe(expected);
  });
});

describe('lockPath', () => {
  it.each([
    ['examples/cfd/cfd.yaml', 'examples/cfd/cfd.lock.json'],
    ['debian-12', 'debian-12.lock.json'],
  ])('%s → %s', (target, expected) => expect(lockPath(target)).toBe(expected));
});
