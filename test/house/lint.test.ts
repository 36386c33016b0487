/** The rules of the house are only rules if breaking them fails the check. */
import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const eslint = new ESLint({ cwd: root });

async function rulesBroken(file: string, text: string): Promise<string[]> {
  const [result] = await eslint.lintText(text, { filePath: `${root}/${file}` });
  return (result?.messages ?? []).map((message) => message.ruleId ?? message.message);
}

/** Milliseconds: the first file makes the linter read the types of the whole project. */
const PATIENCE = 120_000;

const VSE = 'vse/diagnostic.ts';
const REPOS = 'repos/lock.ts';
const BUILDERS = 'builders/backend.ts';
const CLI = 'cli/main.ts';

it.each([
  [VSE, `export * from '../repos/lock.ts';`, 'no-restricted-imports'],
  [VSE, `import '../cli/main.ts';`, 'no-restricted-imports'],
  [VSE, `export const load = () => import('../builders/backend.ts');`, 'no-restricted-syntax'],
  [VSE, `export type L = import('../repos/lock.ts').Lock;`, 'no-restricted-syntax'],
  [REPOS, `export * from '../builders/backend.ts';`, 'no-restricted-imports'],
  [BUILDERS, `import '../cli/main.ts';`, 'no-restricted-imports'],
  [BUILDERS, `import '../test/support/bundle.ts';`, 'no-restricted-imports'],
  [BUILDERS, `console.log('x');`, 'no-console'],
  [REPOS, `process.stderr.write('x');`, 'no-restricted-properties'],
  [REPOS, `export const home = process.env['HOME'];`, 'no-restricted-properties'],
  [BUILDERS, `process.exit(1);`, 'no-restricted-properties'],
  [CLI, `console.log('x');`, 'no-console'],
  [VSE, `export const x = 1;\n`.repeat(1) + '// line\n'.repeat(300), 'max-lines'],
])(
  '%s: %s breaks the house rules',
  async (file, text, rule) => {
    expect(await rulesBroken(file, text)).toContain(rule);
  },
  PATIENCE,
);

it.each([
  [REPOS, `export * from '../vse/diagnostic.ts';`],
  [BUILDERS, `export * from '../repos/lock.ts';\nexport * from '../vse/types.ts';`],
  [CLI, `export * from '../builders/backend.ts';\nprocess.stdout.write('x');`],
])(
  '%s: %s is as it should be',
  async (file, text) => {
    expect(await rulesBroken(file, text)).toEqual([]);
  },
  PATIENCE,
);
