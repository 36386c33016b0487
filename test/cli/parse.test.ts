import { describe, expect, it } from 'vitest';
import { VsecError } from '../../vse/diagnostic.ts';
import type { ArgumentSpec, Options } from '../../cli/command.ts';
import { globalOptions } from '../../cli/options.ts';
import { commandPosition, likely, parseCommand } from '../../cli/parse.ts';

const options = {
  format: { kind: 'list', short: 'f', placeholder: 'F', describe: '', choices: ['raw', 'qcow2'] },
  'output-directory': { kind: 'directory', short: 'O', placeholder: 'DIR', describe: '' },
  jobs: { kind: 'integer', short: 'j', placeholder: 'N', describe: '' },
  size: { kind: 'size', placeholder: 'SIZE', describe: '' },
  timeout: { kind: 'duration', placeholder: 'TIME', describe: '' },
  json: { kind: 'flag', describe: '' },
} as const satisfies Options;
const one: ArgumentSpec[] = [{ name: 'ENV', describe: 'an environment' }];
const many: ArgumentSpec[] = [{ name: 'ENV', describe: 'an environment', many: true }];

const parse = (argv: string[], specs = one) => parseCommand(argv, options, specs);
function complaint(argv: string[], specs = one) {
  try {
    parse(argv, specs);
  } catch (error) {
    if (!(error instanceof VsecError)) throw error;
    const [d] = error.diagnostics;
    return { code: d?.code, hint: d?.hint, exitCode: error.exitCode };
  }
  return undefined;
}

describe('parseCommand', () => {
  it.each([
    [['-O', 'out', 'e'], { 'output-directory': 'out' }],
    [['-Oout', 'e'], { 'output-directory': 'out' }],
    [['--output-directory=-odd', 'e'], { 'output-directory': '-odd' }],
    [['e', '--format', 'raw,qcow2'], { format: ['raw', 'qcow2'] }],
    [['-f', 'raw', 'e', '--format=qcow2'], { format: ['raw', 'qcow2'] }],
    [['e', '-j4'], { jobs: 4 }],
    [['e', '--size', '2GiB'], { size: 2 ** 31 }],
    [['e', '--timeout', '5m'], { timeout: 300 }],
    [['e', '--json'], { json: true }],
  ])('%j', (argv, expected) => {
    const parsed = parse(argv);
    expect(parsed.options).toMatchObject(expected);
    expect(parsed.args).toEqual(['e']);
  });

  it('leaves what was not given empty', () => {
    expect(parse(['e']).options).toEqual({ format: [], json: false });
  });

  it('takes every word after -- as an argument', () => {
    expect(parse(['--', '--json']).args).toEqual(['--json']);
  });

  it('takes many arguments only where they belong', () => {
    expect(parse(['a', 'b'], many).args).toEqual(['a', 'b']);
    expect(complaint(['a', 'b'])).toMatchObject({ code: 'CLI006', exitCode: 2 });
  });

  it.each([
    [['e', '--jsn'], 'CLI002', "Did you mean '--json'?"],
    [['e', '--out'], 'CLI002', "Did you mean '--output-directory'?"],
    [['e', '-x'], 'CLI002', undefined],
    [['e', '--size'], 'CLI003', undefined],
    [['e', '--size', '--json'], 'CLI003', undefined],
    [['e', '--json=yes'], 'CLI003', undefined],
    [['e', '--format', 'rav'], 'CLI004', "Did you mean 'raw'?"],
    [['e', '--jobs', '0'], 'CLI004', undefined],
    [['e', '--jobs', '2x'], 'CLI004', undefined],
    [['e', '--size', 'big'], 'CLI004', 'Write for example 512MiB or 2GiB.'],
    [['e', '--timeout', '-5'], 'CLI003', undefined],
    [[], 'CLI005', undefined],
  ])('%j is %s', (argv, code, hint) => {
    expect(complaint(argv)).toEqual({ code, hint, exitCode: 2 });
  });
});

describe('commandPosition', () => {
  it.each([
    [['check', 'x'], 0],
    [['--progress', 'plain', 'check'], 2],
    [['--progress=plain', '-q', 'check'], 2],
    [['--version'], undefined],
    [[], undefined],
  ])('%j → %s', (argv, expected) => {
    expect(commandPosition(argv, globalOptions)).toBe(expected);
  });
});

describe('likely', () => {
  it.each([
    ['biuld', 'build'],
    ['comp', 'completion'],
    ['xyzzy', undefined],
  ])('%s → %s', (word, expected) => {
    expect(likely(word, ['build', 'boot', 'check', 'completion'])).toBe(expected);
  });
});
