/** Builds that end badly: stopped, killed, refused by the disk, wrong in the description. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { cacheWithoutTrees } from './support/cache.ts';
import { buildLayer, lockLayer } from './support/environment.ts';
import type { Built } from './support/environment.ts';
import { copyProgram } from './support/program-copy.ts';
import { isRoot } from './support/programs.ts';
import { leftAfter, processesAfter, run } from './support/runs.ts';
import type { Line, Run, RunSettings } from './support/runs.ts';
import { addUser } from './support/throw-away-user.ts';
import type { User } from './support/throw-away-user.ts';
import type { Lock } from '../../repos/lock.ts';

const HEAD = 'vse: 1\nversion: 1.0.0\nextends: debian-12-repositories\n';
const BASE = `${HEAD}name: bad\nadd:\n  packages: [hello]\n`;

const scratch = mkdtempSync(join(tmpdir(), 'vsec-failures-'));
const cache = join(scratch, 'cache');
const out = join(scratch, 'out');
let program: string;
let layer: string;
let lock: Lock;
let reference: Built;

beforeAll(async () => {
  chmodSync(scratch, 0o755);
  ({ path: layer, lock } = await lockLayer(scratch, 'bad', BASE));
  reference = await buildLayer(layer, join(scratch, 'reference'), ['--format', 'tar']);
  program = copyProgram(join(scratch, 'program'));
  cacheWithoutTrees(cache);
});

afterEach(() => rmSync(out, { recursive: true, force: true }));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Builds `path`, by default from the lock, into `out`. */
const build = (path: string, args: readonly string[], more: Partial<RunSettings> = {}) =>
  run(['build', path, '-O', out, ...args], { program, cache, ...more });
const locked = (...args: string[]): string[] => ['--locked', '--format', 'tar', ...args];

/** Takes what was built out of the cache, so that it has to be built again. */
function forget(...kinds: string[]): void {
  for (const kind of kinds) rmSync(join(cache, kind), { recursive: true, force: true });
}

async function expectClean(): Promise<void> {
  expect(await leftAfter(10, scratch, cache, out)).toEqual([]);
}

async function expectRightBuild(...args: string[]): Promise<void> {
  const done = await build(layer, locked('--json', ...args));
  expect(done.code, JSON.stringify(done.diagnostics)).toBe(0);
  const { manifest } = JSON.parse(done.stdout) as Built;
  expect(manifest.rootfs.digest).toBe(reference.manifest.rootfs.digest);
  await expectClean();
}

/** Writes a layer that is locked as part of the build; its packages are all in the cache. */
function variant(name: string, add: string): string {
  const path = join(scratch, `${name}.yaml`);
  writeFileSync(path, `${HEAD}name: ${name}\nadd:\n  packages: [hello]\n${add}`);
  return path;
}

const starts = (task: string) => (line: Line) => line.type === 'start' && line.task === task;
const MOMENTS: Readonly<Record<string, (line: Line) => boolean>> = {
  'packages are downloaded': starts('fetch'),
  'packages are unpacked': (line) =>
    line.type === 'advance' && line.task.startsWith('stage:') && line.done > 20e6,
  'scripts of packages run': (line) =>
    line.type === 'advance' && /^[1-9]\d* set up/.test(line.detail ?? ''),
  'the tree is read': starts('tree'),
  'an image is written': starts('format:squashfs'),
};

const SLEEPING = '  scripts:\n    slow: { run: "echo begun; sleep 4711" }\n';

function expectInterrupted(stopped: Run): void {
  expect(stopped.stopped, 'the moment came').toBe(true);
  expect([stopped.code, stopped.signal]).toEqual([130, null]);
  expect(stopped.said.at(-1)).toBe('vsec: interrupted');
  expect(stopped.chatter).toBe('');
  expect(stopped.diagnostics).toEqual([]);
  expect(stopped.stdout).toBe('');
}

describe('Ctrl-C', () => {
  test.each(Object.keys(MOMENTS))('while %s', async (moment) => {
    forget('rootfs', 'stages', ...(moment.includes('downloaded') ? ['store'] : []));
    const when = MOMENTS[moment] as (line: Line) => boolean;
    const args = ['--locked', '--format', 'squashfs'];
    expectInterrupted(await build(layer, args, { stop: { when, signal: 'SIGINT' } }));
    await expectClean();
    expect(existsSync(out) ? readdirSync(out) : []).toEqual([]);
  });

  test('while a script of the environment runs, in a bare chroot too', async () => {
    const path = variant('slow', SLEEPING);
    for (const mode of isRoot ? ['mount', 'chroot'] : ['userns']) {
      const args = ['--format', 'tar', '--sandbox', mode];
      const stop = { running: 'sleep 4711', signal: 'SIGINT' } as const;
      expectInterrupted(await build(path, args, { stop }));
      await expectClean();
    }
  });

  test('and the next build is right', () => expectRightBuild());

  test('TERM is as good, and an old bundle stays', async () => {
    await expectRightBuild();
    const before = readFileSync(join(out, 'bad_1.0.0_amd64/manifest.json'), 'utf8');
    const stop = { when: MOMENTS['an image is written'] as never, signal: 'SIGTERM' } as const;
    expectInterrupted(await build(layer, ['--locked', '--format', 'squashfs'], { stop }));
    await expectClean();
    expect(readFileSync(join(out, 'bad_1.0.0_amd64/manifest.json'), 'utf8')).toBe(before);
  });
});

describe('killed outright', () => {
  const cases: readonly (readonly [moment: string, mode: string])[] = [
    ['packages are unpacked', 'mount'],
    ['scripts of packages run', 'chroot'],
    ['an image is written', 'mount'],
  ];
  test.skipIf(!isRoot).each(cases)(
    'while %s (%s): the rest ends by itself',
    async (moment, mode) => {
      forget('rootfs', ...(moment.includes('image') ? [] : ['stages']));
      const stop = { when: MOMENTS[moment] as never, signal: 'SIGKILL' } as const;
      const args = ['--locked', '--format', 'squashfs', '--sandbox', mode];
      const killed = await build(layer, args, { stop });
      expect([killed.stopped, killed.signal]).toEqual([true, 'SIGKILL']);
      expect(await processesAfter(20, scratch)).toEqual([]);
    },
  );

  test.skipIf(!isRoot)('a service that a script started ends, too (needs root)', async () => {
    const run = 'echo begun; setsid sleep 2000 >/dev/null 2>&1 & sleep 4712';
    const path = variant('service', `  scripts:\n    slow: { run: "${run}" }\n`);
    const stop = { running: 'sleep 4712', signal: 'SIGKILL' } as const;
    const killed = await build(path, ['--format', 'tar', '--sandbox', 'chroot'], { stop });
    expect(killed.stopped).toBe(true);
    expect(await processesAfter(20, scratch)).toEqual([]);
  });

  test('the next build sweeps up and is right', () => expectRightBuild());

  test('trees of subordinate ids are swept, too (needs root, to make a user)', async (context) => {
    if (!isRoot) context.skip('needs root');
    const home = join(scratch, 'user-home');
    const user: User = addUser(home);
    try {
      const ids = [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--init-groups'];
      const namespace = ['unshare', '--user', '--map-root-user', '--map-auto', '--mount', 'true'];
      if (spawnSync('setpriv', [...ids, ...namespace]).status !== 0)
        context.skip('an ordinary user may not make user namespaces here');
      const own = join(home, 'cache');
      cacheWithoutTrees(own);
      for (const name of ['bad.yaml', 'bad.lock.json'])
        writeFileSync(join(home, name), readFileSync(join(scratch, name)));
      for (const path of [home, own]) chownSync(path, user.uid, user.gid);
      const args = ['build', join(home, 'bad.yaml'), ...locked('--offline'), '-O', join(home, 'o')];
      const settings = { program, cache: own, privileges: ids };
      const when = MOMENTS['scripts of packages run'] as (line: Line) => boolean;
      const killed = await run(args, { ...settings, stop: { when, signal: 'SIGKILL' } });
      expect(killed.signal).toBe('SIGKILL');
      expect(await processesAfter(20, home)).toEqual([]);
      expect(readdirSync(join(own, 'work'))).toHaveLength(1);
      const done = await run([...args, '--json'], settings);
      expect(done.code, JSON.stringify(done.diagnostics)).toBe(0);
      const { manifest } = JSON.parse(done.stdout) as Built;
      expect(manifest.rootfs.digest).toBe(reference.manifest.rootfs.digest);
      expect(await leftAfter(5, home, own, join(home, 'o'))).toEqual([]);
    } finally {
      user.remove();
    }
  });
});

describe('kept stages', () => {
  const stages = join(cache, 'stages');
  const harm: Readonly<Record<string, (tar: Buffer) => Buffer>> = {
    'one flipped bit': (tar) => {
      const at = tar.length >> 1;
      tar[at] = (tar[at] as number) ^ 1;
      return tar;
    },
    'the end missing': (tar) => tar.subarray(0, tar.length >> 1),
    'nothing but zeros': (tar) => tar.fill(0),
  };

  test.each(Object.keys(harm))('%s: it is found and built again', async (kind) => {
    forget('rootfs');
    await expectRightBuild();
    const [name = ''] = readdirSync(stages);
    const kept = join(stages, name);
    writeFileSync(kept, harm[kind]!(readFileSync(kept)));
    const anew = (): void => {
      forget('rootfs');
      rmSync(out, { recursive: true });
    };
    anew();
    const done = await build(layer, locked('--json', '--offline'));
    expect(done.code, JSON.stringify(done.diagnostics)).toBe(0);
    expect(done.diagnostics.map((d) => [d.severity, d.code])).toEqual([['warning', 'BUILD106']]);
    const { manifest } = JSON.parse(done.stdout) as Built;
    expect(manifest.rootfs.digest).toBe(reference.manifest.rootfs.digest);
    const [key = ''] = name.split('.');
    expect(readdirSync(stages)).toEqual([expect.stringMatching(`^${key}`)]);
    await expectClean();
    anew();
    const again = await build(layer, locked('--offline'));
    expect([again.code, again.diagnostics]).toEqual([0, []]);
  });
});

describe('kept trees', () => {
  const keptFile = (name: string): string => {
    const [folder = ''] = readdirSync(join(cache, 'rootfs'));
    return join(cache, 'rootfs', folder, name);
  };
  const flip = (path: string): void => {
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
    writeFileSync(path, bytes);
  };
  const harm: Readonly<Record<string, () => void>> = {
    'one flipped bit': () => flip(keptFile('rootfs.tar')),
    'nothing but zeros': () =>
      writeFileSync(keptFile('rootfs.tar'), Buffer.alloc(statSync(keptFile('rootfs.tar')).size)),
    'another digest in its description': () => {
      const path = keptFile('rootfs.json');
      writeFileSync(path, readFileSync(path, 'utf8').replace(/sha256:./, 'sha256:g'));
    },
    'no list of what it holds': () => rmSync(keptFile('.contents.json')),
  };

  test.each(Object.keys(harm))('%s: it is found and built again', async (kind) => {
    await expectRightBuild();
    harm[kind]!();
    rmSync(out, { recursive: true });
    const done = await build(layer, [
      '--locked',
      '--json',
      '--format',
      'tar',
      '--format',
      'squashfs',
    ]);
    expect(done.code, JSON.stringify(done.diagnostics)).toBe(0);
    expect(done.diagnostics.map((d) => [d.severity, d.code])).toEqual([['warning', 'BUILD107']]);
    const { bundle, manifest } = JSON.parse(done.stdout) as Built;
    expect(manifest.rootfs.digest).toBe(reference.manifest.rootfs.digest);
    const { status } = spawnSync('sha256sum', ['--check', 'SHA256SUMS'], { cwd: bundle });
    expect(status).toBe(0);
    expect(readdirSync(bundle).filter((name) => name.startsWith('.'))).toEqual([]);
    await expectClean();
    rmSync(out, { recursive: true });
    await expectRightBuild();
  });
});

test('stages above a damaged one are right, too', async () => {
  const middle = variant('middle', '');
  const top = join(scratch, 'top.yaml');
  writeFileSync(
    top,
    'vse: 1\nname: top\nversion: 1.0.0\nextends: ./middle.yaml\nadd:\n  packages: [tree]\n',
  );
  const buildTop = async (): Promise<readonly [string, readonly string[]]> => {
    forget('rootfs');
    rmSync(out, { recursive: true, force: true });
    const done = await build(top, ['--format', 'tar', '--json']);
    expect(done.code, JSON.stringify(done.diagnostics)).toBe(0);
    const { manifest } = JSON.parse(done.stdout) as Built;
    return [manifest.rootfs.digest, done.diagnostics.map(({ code }) => code)];
  };
  forget('stages');
  const [right] = await buildTop();
  forget('stages', 'rootfs');
  rmSync(out, { recursive: true });
  expect((await build(middle, ['--format', 'tar'])).code).toBe(0);
  const base = join(cache, 'stages', readdirSync(join(cache, 'stages'))[0] ?? '');
  const tar = readFileSync(base);
  tar.write('G', tar.indexOf('GNU GENERAL PUBLIC LICENSE') + 1);
  writeFileSync(base, tar);
  expect(await buildTop()).toEqual([right, ['BUILD106']]);
  expect(await buildTop()).toEqual([right, []]);
});

const firstOf = (failed: Run) => {
  const [found] = failed.diagnostics.filter((d) => d.severity === 'error');
  const all = JSON.stringify(failed.diagnostics);
  expect(failed.chatter, 'no stack trace').toBe('');
  return { ...found, all };
};

describe('packages in the store', () => {
  /** Changes one byte of the largest package, as a bad disk or a bad person would. */
  function tamper(): string {
    const pkg = lock.packages.toSorted((a, b) => b.size - a.size)[0] as Lock['packages'][0];
    const path = join(cache, 'store/sha256', pkg.sha256.slice(0, 2), pkg.sha256);
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
    // Not in place: the shared cache has the same file.
    rmSync(path);
    writeFileSync(path, bytes);
    return pkg.name;
  }

  test('offline, a damaged one is a missing one', async () => {
    forget('rootfs', 'stages');
    const name = tamper();
    const failed = await build(layer, locked('--offline'));
    expect(failed.code).toBe(1);
    expect(failed.diagnostics.map((d) => [d.severity, d.code])).toEqual([
      ['warning', 'BUILD105'],
      ['error', 'REPO112'],
    ]);
    expect(failed.diagnostics[0]?.message).toContain(`package ${name} `);
    await expectClean();
  });

  test('online, it is fetched again and the build is right', async () => {
    forget('rootfs', 'stages');
    await expectRightBuild();
    forget('rootfs', 'stages');
    tamper();
    await expectRightBuild();
  });

  test('vsec cache verify finds it and drops it; the next build fetches it', async () => {
    const verify = () => run(['cache', 'verify', '--json'], { program, cache });
    forget('rootfs', 'stages');
    await expectRightBuild();
    // Drops toolboxes that were made before there were seals.
    await verify();
    expect((await verify()).diagnostics).toEqual([]);
    tamper();
    const found = await verify();
    expect([found.code, found.diagnostics.map((d) => d.code)]).toEqual([1, ['CLI020']]);
    forget('rootfs', 'stages');
    await expectRightBuild();
    expect((await verify()).code).toBe(0);
  });

  test('a prune in the middle of a build takes nothing away from it', async () => {
    forget('rootfs', 'stages');
    let pruned = '';
    const prune = (line: Line): boolean => {
      if (pruned !== '' || !MOMENTS['packages are unpacked']?.(line)) return false;
      const args = [program, 'cache', 'prune', '--max-size', '0', '--json'];
      const env = { PATH: process.env['PATH'], VSEC_CACHE_DIR: cache };
      pruned = execFileSync(process.execPath, args, { encoding: 'utf8', env });
      return true;
    };
    const stop = { when: prune, signal: 'SIGCONT' } as const;
    const done = await build(layer, locked('--json'), { stop });
    const { manifest } = JSON.parse(done.stdout) as Built;
    expect(manifest.rootfs.digest).toBe(reference.manifest.rootfs.digest);
    const { kept } = JSON.parse(pruned) as { kept: { entries: number } };
    expect(kept.entries).toBeGreaterThan(lock.packages.length);
    rmSync(cache, { recursive: true, force: true });
    cacheWithoutTrees(cache);
    await expectClean();
  });
});

describe.skipIf(!isRoot)('disks (needs root, for the mounts)', () => {
  const mounts: string[] = [];
  afterEach(() => {
    for (const mount of mounts.splice(0)) execFileSync('umount', [mount]);
  });
  function disk(megabytes: number): string {
    const path = mkdtempSync(join(scratch, 'disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path]);
    mounts.push(path);
    return path;
  }

  test('no room for the tree', async () => {
    const work = join(cache, 'work');
    mkdirSync(work, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=60m', 'tmpfs', work]);
    mounts.push(work);
    forget('rootfs', 'stages');
    const failed = await build(layer, locked());
    const found = firstOf(failed);
    expect([failed.code, found.code]).toEqual([1, 'REPO160']);
    expect(found.message).toBe('cannot assemble the tree: the disk is full');
    expect(found.all).toContain(`at ${work}`);
    expect(found.hint).toContain('--cache-dir');
    expect(readdirSync(work)).toEqual([]);
  });

  test('no room for the image, written by us or by a program', async () => {
    for (const format of ['tar', 'squashfs', 'tar.zst']) {
      const place = disk(8);
      const failed = await build(layer, ['--locked', '--format', format, '-O', place]);
      const found = firstOf(failed);
      expect([failed.code, found.code], format).toEqual([1, 'REPO160']);
      expect(found.message).toBe('cannot write the bundle: the disk is full');
      expect(found.all).toContain(`at ${place}`);
      expect(found.hint).toContain('-O');
      expect(readdirSync(place)).toEqual([]);
    }
  });

  test('an output folder that cannot be written is told before any work', async () => {
    forget('rootfs');
    const place = disk(8);
    execFileSync('mount', ['-o', 'remount,ro', place]);
    const failed = await build(layer, locked('-O', join(place, 'deep/results')));
    const found = firstOf(failed);
    expect([failed.code, found.code]).toEqual([1, 'REPO161']);
    expect(found.message).toBe('cannot write the bundle: the file system is read-only');
    expect(existsSync(join(cache, 'rootfs'))).toBe(false);
  });
});

describe('limits', () => {
  test('few open files: a clear message or the right tree, and nothing left', async () => {
    for (const files of [40, 56]) {
      forget('rootfs', 'stages');
      const command = [process.execPath, program, 'build', layer, '-O', out];
      const args = [`--nofile=${files}`, '--', ...command, ...locked('--json')];
      const env = { PATH: process.env['PATH'], HOME: cache, VSEC_CACHE_DIR: cache };
      const options = { encoding: 'utf8', env } as const;
      const { status, stdout, stderr } = spawnSync('prlimit', args, options);
      if (status === 0) {
        const { manifest } = JSON.parse(stdout) as Built;
        expect(manifest.rootfs.digest).toBe(reference.manifest.rootfs.digest);
      } else {
        expect(stderr).toMatch(/error\[(CLI010|REPO162)\]/);
        expect(stderr).toContain('ulimit -n');
        expect(stderr).not.toContain('    at ');
      }
      await expectClean();
    }
  });

  test('a worker that the kernel kills for its memory', async () => {
    forget('rootfs', 'stages');
    const killWorker = (line: Line): boolean => {
      if (!MOMENTS['packages are unpacked']?.(line)) return false;
      // As the kernel does when memory is short: the largest process goes, unasked.
      spawnSync('pkill', ['-KILL', '-f', `^${process.execPath} .*${scratch}.*/dist/worker.js`]);
      return true;
    };
    const failed = await build(layer, locked(), { stop: { when: killWorker, signal: 'SIGCONT' } });
    const found = firstOf(failed);
    expect([failed.code, found.code]).toEqual([1, 'BUILD183']);
    expect(found.hint).toContain('out of memory');
    await expectClean();
    expect(existsSync(out) ? readdirSync(out) : []).toEqual([]);
    await expectRightBuild();
  });
});

describe('mistakes that only a build finds', () => {
  test.each([
    [
      'a script that fails',
      '  scripts:\n    setup: { run: "echo working; false; echo not reached" }\n',
      'BUILD169',
      'script setup failed (exit code 1)',
      'scripts.setup',
    ],
    [
      'a script that is not one',
      '  scripts:\n    setup: { run: "no-such-program --now" }\n',
      'BUILD169',
      'script setup failed (exit code 127)',
      'no-such-program: not found',
    ],
    [
      'a service without systemd',
      '  services: { nginx: enabled }\n',
      'BUILD167',
      'services need systemd, which is not in the image',
      'systemd-sysv',
    ],
    [
      'an unknown time zone',
      '  timezone: Mars/Olympus\n',
      'BUILD166',
      'no time zone Mars/Olympus in the image',
      'tzdata',
    ],
    [
      'a number that is taken',
      '  users:\n    ada: { uid: 1 }\n',
      'BUILD162',
      'number 1 for user ada is taken by daemon',
      'users.ada',
    ],
    [
      'an unknown group',
      '  users:\n    ada: { groups: [wizards] }\n',
      'BUILD163',
      'user ada is to be in group wizards, which does not exist',
      'add it under groups',
    ],
    [
      'an unknown owner',
      '  files:\n    /etc/x: { content: x, owner: ada }\n',
      'BUILD164',
      'file /etc/x is to belong to user ada, which does not exist',
      'add it under users',
    ],
    [
      'a file where a folder is',
      '  files:\n    /usr/bin: { content: x }\n',
      'BUILD165',
      'file /usr/bin: there is a folder of that name in the image',
      'files./usr/bin',
    ],
  ])('%s', async (_what, add, code, message, also) => {
    const path = variant('mistake', add);
    const failed = await build(path, ['--format', 'tar']);
    const found = firstOf(failed);
    expect([failed.code, found.code, found.message]).toEqual([1, code, message]);
    expect(found.all).toContain(also);
    // The line of the layer that asked for it: the fifth and its followers hold `add`.
    expect(found.file).toBe(path);
    expect(found.line).toBeGreaterThanOrEqual(7);
    expect(failed.diagnostics).toHaveLength(1);
    await expectClean();
    expect(existsSync(out) ? readdirSync(out) : []).toEqual([]);
  });

  test('a source that changes while the build runs', async () => {
    const source = join(scratch, 'source');
    writeFileSync(source, 'before');
    const path = variant('source', `  files:\n    /opt/x: { source: ${source} }\n`);
    const stop = { when: starts('tree'), signal: 'SIGCONT' } as const;
    const changing = (line: Line): boolean => {
      if (line.type === 'start' && line.task.startsWith('stage:')) writeFileSync(source, 'after!');
      return stop.when(line);
    };
    forget('rootfs', 'stages');
    const failed = await build(path, ['--format', 'tar'], { stop: { ...stop, when: changing } });
    const found = firstOf(failed);
    expect([failed.code, found.code]).toEqual([1, 'BUILD174']);
    expect(found.message).toBe(`${source} changed after the environment was read`);
    expect(found.file).toBe(path);
    await expectClean();
  });

  test('--keep-failed leaves the tree, and no later build takes it away', async () => {
    const path = variant('kept', '  scripts:\n    setup: { run: "touch /evidence; false" }\n');
    const failed = await build(path, ['--format', 'tar', '--keep-failed']);
    expect(failed.code).toBe(1);
    await build(path, ['--format', 'tar']);
    const [kept = ''] = readdirSync(join(cache, 'work'));
    expect(kept).toMatch(/^kept-/);
    expect(statSync(join(cache, 'work', kept, 'root/evidence')).isFile()).toBe(true);
    rmSync(join(cache, 'work', kept), { recursive: true });
  });
});
