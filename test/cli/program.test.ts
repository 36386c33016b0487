/** The program from outside: streams, exit codes, help. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { commands } from '../../cli/table.ts';
import { BIN, vsec } from '../support/vsec.ts';

const shell = (script: string) => spawnSync('bash', ['-c', script], { encoding: 'utf8' });

describe('usage', () => {
  it('alone prints the overview on standard output', async () => {
    const { code, stdout, stderr } = await vsec([]);
    expect([code, stderr]).toEqual([0, '']);
    for (const { name } of commands.filter((entry) => !entry.hidden))
      expect(stdout).toMatch(new RegExp(`^  ${name} +\\w`, 'm'));
  });

  it.each([
    [['chekc'], 'CLI001'],
    [['version', '--jsn'], 'CLI002'],
    [['--jsn', 'version'], 'CLI002'],
    [['version', '--progress'], 'CLI003'],
    [['version', '--progress', 'bars'], 'CLI004'],
    [['completion'], 'CLI005'],
    [['version', 'now'], 'CLI006'],
    [['check', ''], 'CLI005'],
    [['--jobs', '0', 'check'], 'CLI002'],
    [['build', 'x.yaml', '--format', ','], 'CLI003'],
    [['help', 'biuld'], 'CLI001'],
    [['completion', 'csh'], 'CLI004'],
  ])('%j is wrong usage: %s, exit code 2, nothing on standard output', async (args, id) => {
    const { code, stdout, stderr } = await vsec(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(`error[${id}]`);
    expect(stderr).not.toContain('    at ');
  });

  it('tells programs of wrong usage in their own form', async () => {
    const { code, stderr } = await vsec(['--progress', 'json', 'chekc']);
    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({
      code: 'CLI001',
      severity: 'error',
      hint: "Did you mean 'vsec check'?",
    });
  });
});

describe.each(commands.map((entry) => [entry.name, entry] as const))('%s', (name, entry) => {
  it('has help with a description and examples of itself', async () => {
    const { code, stdout, stderr } = await vsec([name, '--help']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(`Usage: vsec ${name} [OPTIONS]`);
    const command = await entry.load();
    expect(command.description.length).toBeGreaterThan(40);
    expect(command.examples.length).toBeGreaterThan(0);
    for (const example of command.examples) expect(example.command).toContain(`vsec ${name}`);
    expect((await vsec(['help', name])).stdout).toBe(stdout);
  });

  it('has help of at most 80 columns', async () => {
    const { stdout } = await vsec([name, '-h']);
    const [wide] = stdout.split('\n').filter((line) => line.length > 80);
    expect(wide).toBeUndefined();
  });
});

describe('streams', () => {
  it('a reader that stops early is no error', () => {
    const { stderr, stdout } = shell(
      `'${BIN}' completion zsh | head -c 1; echo " \${PIPESTATUS[0]}"`,
    );
    expect([stdout, stderr]).toEqual(['# 0\n', '']);
  });

  it('a result that cannot be written is an error', () => {
    const { status, stderr } = shell(`'${BIN}' completion zsh > /dev/full`);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^vsec: cannot write to standard output/);
  });

  it.each([
    ['none in a pipe', {}, false],
    ['forced', { FORCE_COLOR: '1' }, true],
    ['NO_COLOR wins', { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
  ])('colours: %s', async (_, env, coloured) => {
    const { stderr } = await vsec(['nonsense'], { env });
    expect(stderr.includes('\u001b[')).toBe(coloured);
  });
});
