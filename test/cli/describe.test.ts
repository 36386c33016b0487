/** The commands that read and explain descriptions, from outside. */
import type { Log } from 'sarif';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { vsec } from '../support/vsec.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'vsec-describe-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const run = (...args: string[]) => vsec(args, { cwd: dir });
const write = (name: string, text: string) => writeFileSync(join(dir, name), text);
const HEAD = 'vse: 1\nname: cfd\nversion: 2.1.0\nextends: debian-12\n';
const GOOD = `${HEAD}add:\n  packages: [gcc]\noverride:\n  image: {size: 6GiB}\n`;
const BAD = `${HEAD}add:\n  pakages: [gcc]\n  image: {size: lots}\n`;

describe('check', () => {
  it('says that a good environment is good', async () => {
    write('cfd.yaml', GOOD);
    const { code, stdout, stderr } = await run('check', 'cfd.yaml');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      /^cfd\.yaml: cfd 2\.1\.0 is valid \(3 layers, \d+ requested packages\)\n$/,
    );
  });

  it('shows place, line and caret on standard error, exit code 2', async () => {
    write('cfd.yaml', BAD);
    const { code, stdout, stderr } = await run('check', 'cfd.yaml');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('cfd.yaml:6:3: error[VSE020]');
    expect(stderr).toContain('  6 |   pakages: [gcc]\n    |   ^^^^^^^\n');
    expect(stderr).toContain("hint: Did you mean 'packages'?");
    expect(stderr).toMatch(/2 errors\n$/);
  });

  it('prints an array with --json: empty when there is nothing to say', async () => {
    write('cfd.yaml', GOOD);
    const good = await run('check', 'cfd.yaml', '--json');
    expect([good.code, JSON.parse(good.stdout)]).toEqual([0, []]);
    write('cfd.yaml', BAD);
    const bad = await run('check', 'cfd.yaml', '--json');
    expect([bad.code, bad.stderr]).toEqual([2, '']);
    const [first] = JSON.parse(bad.stdout) as object[];
    expect(first).toEqual({
      ...{ code: 'VSE020', severity: 'error', message: "Unknown key 'pakages'" },
      ...{ file: 'cfd.yaml', line: 6, column: 3, hint: "Did you mean 'packages'?", notes: [] },
    });
  });

  it('writes JSON lines to standard error with --progress json', async () => {
    write('cfd.yaml', BAD);
    const { stderr } = await run('check', 'cfd.yaml', '--progress', 'json');
    const [first] = stderr.split('\n').map((line) => line && (JSON.parse(line) as object));
    expect(first).toMatchObject({ type: 'diagnostic', code: 'VSE020', line: 6 });
  });

  it('takes several, and says once what several share', async () => {
    write('base.yaml', BAD.replace('name: cfd', 'name: base'));
    for (const name of ['a', 'b']) {
      write(`${name}.yaml`, `vse: 1\nname: ${name}\nversion: 1.0.0\nextends: ./base.yaml\n`);
    }
    write('cfd.yaml', GOOD);
    const { code, stdout, stderr } = await run('check', 'a.yaml', 'cfd.yaml', 'b.yaml');
    expect(code).toBe(2);
    expect(stdout).toMatch(/^cfd\.yaml: /);
    expect(stderr.match(/pakages'/g)).toHaveLength(1);
  });

  it('blocks may be empty, and a folder is no layer', async () => {
    write('cfd.yaml', `${GOOD}remove:\nexclude:\nprotect:\n`);
    expect(await run('check', 'cfd.yaml')).toMatchObject({ code: 0, stderr: '' });
    const folder = await run('check', '.');
    expect([folder.code, folder.stderr]).toEqual([
      2,
      expect.stringContaining("VSE003]: '.' is a folder"),
    ]);
  });

  it('a file that is not there is no bug of ours', async () => {
    write('cfd.yaml', GOOD);
    const { code, stderr } = await run('check', 'cdf.yaml');
    expect(code).toBe(2);
    expect(stderr).toContain('VSE001');
    expect(stderr).not.toContain('bug');
  });
});

describe('show', () => {
  it('prints one layer that means the same', async () => {
    write('cfd.yaml', GOOD);
    const first = await run('show', 'cfd.yaml');
    expect([first.code, first.stderr]).toEqual([0, '']);
    expect(first.stdout).toContain('size: 6GiB # base:debian-12:');
    write('again.yaml', first.stdout);
    const digest = async (file: string) =>
      (JSON.parse((await run('show', '--json', file)).stdout) as { digest: string }).digest;
    expect(await digest('again.yaml')).toBe(await digest('cfd.yaml'));
  });
});

describe('explain', () => {
  it('shows the chain of an option, newest first', async () => {
    write('cfd.yaml', GOOD);
    const { code, stdout } = await run('explain', 'cfd.yaml', 'image.size');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^image\.size .*\n {2}6GiB\n {4}cfd\.yaml:8:17 {2}override in cfd, in place of auto\n {4}base:debian-12:/,
    );
  });

  it('shows what holds when nobody gives an option, and says so', async () => {
    write('cfd.yaml', GOOD);
    const { stdout } = await run('explain', 'cfd.yaml', 'recommends');
    expect(stdout).toMatch(/^recommends .*\n {2}no layer gives it\n {2}false {2}the default\n$/);
    const json = await run('explain', 'cfd.yaml', 'recommends', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({
      given: [],
      defaults: [{ path: 'recommends', value: false }],
    });
    const none = await run('explain', 'cfd.yaml', 'keymap');
    expect(none.stdout).toContain('  no layer gives it, and it has no default\n');
  });

  it('gives programs every origin', async () => {
    write('cfd.yaml', GOOD);
    const { stdout } = await run('explain', 'cfd.yaml', 'image.size', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      path: 'image.size',
      given: [
        {
          value: '6GiB',
          origins: [{ verb: 'add' }, { verb: 'override', file: 'cfd.yaml', line: 8, column: 17 }],
        },
      ],
    });
  });
});

it('check --format says it in the form that is asked for', async () => {
  write('bad.yaml', 'vse: 1\nname: bad\npakages: []\nextends: debian-12\n');
  const sarif = await run('check', 'bad.yaml', '--format', 'sarif');
  expect(sarif.code).toBe(2);
  const [result] = (JSON.parse(sarif.stdout) as Log).runs[0]!.results!;
  expect(result).toMatchObject({ ruleId: 'VSE020', level: 'error' });
  expect(result?.locations?.[0]?.physicalLocation?.region?.startLine).toBe(3);
  const json = await run('check', 'bad.yaml', '--format', 'json');
  expect(JSON.parse(json.stdout)).toMatchObject([{ code: 'VSE020', line: 3 }]);
  expect((await run('check', 'bad.yaml', '--format', 'text')).stderr).toContain('error[VSE020]');
});

describe('init', () => {
  it('writes a layer that is valid as it stands', async () => {
    const { code, stdout } = await run('init', 'mine', '--extends', 'debian-12-hpc');
    expect([code, stdout]).toEqual([0, 'mine.yaml\n']);
    expect((await run('check', 'mine.yaml')).code).toBe(0);
  });

  it('writes the schema beside it, which is current', async () => {
    await run('init', 'mine');
    const [first] = readFileSync(join(dir, 'mine.yaml'), 'utf8').split('\n');
    expect(first).toBe('# yaml-language-server: $schema=./vse.schema.json');
    expect(await run('schema', '--check', 'vse.schema.json')).toMatchObject({
      code: 0,
      stdout: '',
    });
    write('vse.schema.json', '{}');
    const stale = await run('schema', '--check', 'vse.schema.json');
    expect([stale.code, stale.stderr]).toEqual([1, expect.stringContaining('error[CLI012]')]);
  });

  it('never overwrites', async () => {
    write('mine.yaml', 'precious');
    const { code, stderr } = await run('init', 'mine');
    expect(code).toBe(1);
    expect(stderr).toContain('CLI007');
    expect(readFileSync(join(dir, 'mine.yaml'), 'utf8')).toBe('precious');
  });

  it.each([['../evil'], ['a b'], ['x\ny'], ['"q"'], ['Ünicode']])(
    'refuses the name %j and leaves nothing behind',
    async (name) => {
      expect((await run('init', name)).code).toBe(2);
      expect([readdirSync(dir), existsSync(join(dir, '../evil.yaml'))]).toEqual([[], false]);
    },
  );

  it('refuses a base that there is not, and leaves nothing behind', async () => {
    const { code, stderr } = await run('init', 'mine', '--extends', 'debain-12');
    expect(code).toBe(2);
    expect(stderr).toContain("Did you mean 'debian-12'?");
    expect(readdirSync(dir)).toEqual([]);
  });
});

it('schema prints a JSON Schema', async () => {
  const { code, stdout } = await run('schema');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ required: ['vse', 'name'] });
});
