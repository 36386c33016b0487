/** What is said when a VSE has no packages that satisfy it: the whole chain, from the user's line. */
import { describe, expect, it } from 'vitest';
import { nearestNames, searchExhausted } from '../../repos/resolve-failure.ts';
import { resolve } from '../../repos/resolve.ts';
import { VsecError, type Diagnostic } from '../../vse/diagnostic.ts';
import { toyUniverse } from '../support/toy-universe.ts';
import { merged, top, VENDOR } from '../vse/support.ts';

interface Case {
  readonly name: string;
  readonly body: string;
  readonly packages: string;
  /** Each failure as text; a line's place follows it. */
  readonly says: string;
}

const BARE = VENDOR.replace(/ {2}packages: .*\n/, '');

async function failuresOf(body: string, packages: string): Promise<readonly Diagnostic[]> {
  const vse = await merged({ 'vendor.yaml': BARE, 'top.yaml': top(body) });
  const universe = await toyUniverse(packages);
  try {
    resolve(vse, universe, { essential: true });
  } catch (error) {
    if (!(error instanceof VsecError)) throw error;
    expect(error.exitCode).toBe(1);
    return error.diagnostics;
  }
  throw new Error('expected a failure');
}

const place = (span: Diagnostic['span']): string => (span ? ` @${span.file}:${span.line}` : '');

const textOf = ({ code, message, span, notes, hint }: Diagnostic): string =>
  [
    `${code}: ${message}${place(span)}`,
    ...notes.map((note) => `  ${note.message}${place(note.span)}`),
    ...(hint === undefined ? [] : [`  hint: ${hint}`]),
  ].join('\n');

const cases: readonly Case[] = [
  {
    name: 'a misspelt package gets the nearest names',
    body: 'add:\n  packages: [openssh-sever, gc]\n',
    packages: 'openssh-server\n openssh-client\n gcc\n gdc\n gpc\n gtc\n linux',
    says: `
SOLV101: there is no package 'openssh-sever' @top.yaml:5
  hint: did you mean 'openssh-server'?
SOLV101: there is no package 'gc' @top.yaml:5
  hint: did you mean 'gcc' or 'gdc' or 'gpc'?`,
  },
  {
    name: 'a name like no other',
    body: 'add:\n  packages: [quantum-leap]\n',
    packages: 'gcc',
    says: `
SOLV101: there is no package 'quantum-leap' @top.yaml:5
  hint: if it is in another suite or component, add that to the repository`,
  },
  {
    name: 'a version that nobody has',
    body: 'add:\n  packages: [gcc (>= 99)]\n',
    packages: 'gcc 12\n gcc 11',
    says: `
SOLV102: no version of 'gcc' satisfies 'gcc (>= 99)' @top.yaml:5
  top asks for >= 99 @top.yaml:5
  there is gcc 12 (toys toy)
  there is gcc 11 (toys toy)
  hint: loosen the relation, or add a repository or suite that has such a version`,
  },
  {
    name: 'an architecture that a package is not there for',
    body: 'add:\n  packages: ["wine:i386"]\n',
    packages: 'wine 8',
    says: `
SOLV102: no version of 'wine' satisfies 'wine:i386' @top.yaml:5
  there is wine 8 (toys toy) for amd64
  hint: loosen the relation, or add a repository or suite that has such a version`,
  },
  {
    name: 'two requests that exclude each other',
    body: 'add:\n  packages:\n  - postfix\n  - other\n  - exim4\n',
    packages: `
      postfix; Provides: mta; Conflicts: mta
      other
      exim4; Depends: exim4-daemon
      exim4-daemon; Provides: mta`,
    says: `
SOLV103: 'postfix' and 'exim4' cannot be installed together @top.yaml:6
  top asks for postfix @top.yaml:6
  top asks for exim4 @top.yaml:8
  exim4 1 (toys toy) depends on exim4-daemon
  postfix 1 (toys toy) conflicts with mta: exim4-daemon 1 (toys toy)
  hint: any one of these solves it: remove 'postfix' (top.yaml:6); remove 'exim4' (top.yaml:8)`,
  },
  {
    name: 'an excluded package that is needed, and every way to it',
    body: 'add:\n  packages: [suite]\nexclude:\n  packages: [mailer]\n',
    packages: `
      suite; Depends: cron | timer
      cron; Depends: mailer
      timer; Depends: notify
      notify; Depends: mailer
      mailer`,
    says: `
SOLV104: 'mailer' is excluded, but 'suite' cannot do without it @top.yaml:7
  top asks for suite @top.yaml:5
  suite 1 (toys toy) depends on cron | timer
  cron 1 (toys toy) depends on mailer
  'mailer' is excluded by top @top.yaml:7
  timer 1 (toys toy) depends on notify
  notify 1 (toys toy) depends on mailer
  hint: any one of these solves it: take back the exclusion of 'mailer' (top.yaml:7); remove 'suite' (top.yaml:5)`,
  },
  {
    name: 'an essential package that is excluded',
    body: 'exclude:\n  packages: [shell]\n',
    packages: 'shell; Essential: yes',
    says: `
SOLV104: 'shell' is excluded, but every installation has it @top.yaml:5
  'shell' is essential: every installation has it
  'shell' is excluded by top @top.yaml:5
  hint: take back the exclusion of 'shell' (top.yaml:5): that solves it`,
  },
  {
    name: 'a dependency that no repository has',
    body: 'add:\n  packages: [app]\n',
    packages: 'app; Depends: lib\n lib; Depends: closed-source (>= 2)',
    says: `
SOLV105: 'app' cannot be installed: it needs closed-source (>= 2), which no repository has @top.yaml:5
  top asks for app @top.yaml:5
  app 1 (toys toy) depends on lib
  lib 1 (toys toy) depends on closed-source (>= 2), which no repository has
  hint: add the suite or repository that has it; or remove 'app' (top.yaml:5): that solves it`,
  },
  {
    name: 'a dependency on a version that no repository has',
    body: 'add:\n  packages: [app]\n',
    packages: 'app; Depends: lib (>= 2) | lib2\n lib 1',
    says: `
SOLV105: 'app' cannot be installed: it needs lib (>= 2) | lib2, but there is only lib 1 (toys toy) @top.yaml:5
  top asks for app @top.yaml:5
  app 1 (toys toy) depends on lib (>= 2) | lib2, but there is only lib 1 (toys toy)
  hint: add the suite or repository that has it; or remove 'app' (top.yaml:5): that solves it`,
  },
  {
    name: 'a package that another one provides, which is in conflict as well',
    body: 'add:\n  packages: [app, rival]\nexclude:\n  packages: [lib]\n',
    packages: `
      app; Depends: lib
      lib
      libnew; Provides: lib; Conflicts: rival
      rival 2`,
    says: `
SOLV104: 'lib' is excluded, but 'app' and 'rival' cannot do without it @top.yaml:7
  top asks for app @top.yaml:5
  top asks for rival @top.yaml:5
  app 1 (toys toy) depends on lib (provided by libnew)
  'lib' is excluded by top @top.yaml:7
  libnew 1 (toys toy) conflicts with rival: rival 2 (toys toy)
  hint: any one of these solves it: take back the exclusion of 'lib' (top.yaml:7); remove 'app' (top.yaml:5); remove 'rival' (top.yaml:5)`,
  },
  {
    name: 'versions that cannot both be there',
    body: 'add:\n  packages: [old, new]\n',
    packages: `
      old; Depends: lib (= 1)
      new; Depends: lib (= 2)
      lib 1
      lib 2`,
    says: `
SOLV103: 'old' and 'new' cannot be installed together @top.yaml:5
  top asks for old @top.yaml:5
  top asks for new @top.yaml:5
  old 1 (toys toy) depends on lib (= 1)
  new 1 (toys toy) depends on lib (= 2)
  lib 1 (toys toy) cannot be installed together with lib 2 (toys toy)
  hint: any one of these solves it: remove 'old' (top.yaml:5); remove 'new' (top.yaml:5)`,
  },
  {
    name: 'a relation that only one version has, which conflicts: taking it back is tried, too',
    body: "add:\n  packages: ['lib (<< 2)', app]\n",
    packages: `
      app; Depends: lib (>= 2)
      lib 1
      lib 2`,
    says: `
SOLV103: 'lib' and 'app' cannot be installed together @top.yaml:5
  top asks for lib (<< 2) @top.yaml:5
  top asks for app @top.yaml:5
  app 1 (toys toy) depends on lib (>= 2)
  lib 1 (toys toy) cannot be installed together with lib 2 (toys toy)
  hint: any one of these solves it: take back 'lib (<< 2)' (top.yaml:5); remove 'lib' (top.yaml:5); remove 'app' (top.yaml:5)`,
  },
  {
    name: 'one failure behind another: what solves each when the other is solved',
    body: 'add:\n  packages: [app, rival]\nexclude:\n  packages: [lib]\n',
    packages: `
      app; Depends: lib
      lib; Conflicts: rival
      rival`,
    says: `
SOLV104: 'lib' is excluded, but 'app' cannot do without it @top.yaml:7
  top asks for app @top.yaml:5
  app 1 (toys toy) depends on lib
  'lib' is excluded by top @top.yaml:7
  hint: any one of these solves it: take back the exclusion of 'lib' (top.yaml:7); remove 'app' (top.yaml:5)
SOLV103: 'app' and 'rival' cannot be installed together @top.yaml:5
  top asks for app @top.yaml:5
  top asks for rival @top.yaml:5
  app 1 (toys toy) depends on lib
  lib 1 (toys toy) conflicts with rival: rival 1 (toys toy)
  hint: any one of these solves it: remove 'app' (top.yaml:5); remove 'rival' (top.yaml:5)`,
  },
  {
    name: 'what an essential package does not bear: only the change that solves it is named',
    body: "add:\n  packages: ['app (>= 1)', tool]\n",
    packages: `
      shell; Essential: yes; Conflicts: lib
      app; Depends: lib
      tool
      lib`,
    says: `
SOLV103: 'shell' and 'app' cannot be installed together @top.yaml:5
  'shell' is essential: every installation has it
  top asks for app (>= 1) @top.yaml:5
  app 1 (toys toy) depends on lib
  shell 1 (toys toy) conflicts with lib: lib 1 (toys toy)
  hint: remove 'app' (top.yaml:5): that solves it`,
  },
  {
    name: 'an excluded package that an essential one needs',
    body: 'exclude:\n  packages: [libc]\n',
    packages: 'shell; Essential: yes; Pre-Depends: libc\n libc',
    says: `
SOLV104: 'libc' is excluded, but 'shell' cannot do without it @top.yaml:5
  'shell' is essential: every installation has it
  shell 1 (toys toy) pre-depends on libc
  'libc' is excluded by top @top.yaml:5
  hint: take back the exclusion of 'libc' (top.yaml:5): that solves it`,
  },
  {
    name: 'a package with a malformed relation',
    body: 'add:\n  packages: [app]\n',
    packages: 'app; Depends: lib (1)\n other; Provides: app (1',
    says: `
SOLV111: app 1: malformed relation 'lib (1)'
  in its depends, in toys toy
  hint: the repository is broken; exclude the package or tell its maintainers`,
  },
  {
    name: 'several failures at once',
    body: 'add:\n  packages: [aa, bb, cc]\nexclude:\n  packages: [banned]\n',
    packages: `
      aa; Depends: missing
      bb; Depends: banned
      cc
      banned`,
    says: `
SOLV105: 'aa' cannot be installed: it needs missing, which no repository has @top.yaml:5
  top asks for aa @top.yaml:5
  aa 1 (toys toy) depends on missing, which no repository has
  hint: add the suite or repository that has it; or remove 'aa' (top.yaml:5): that solves it
SOLV104: 'banned' is excluded, but 'bb' cannot do without it @top.yaml:7
  top asks for bb @top.yaml:5
  bb 1 (toys toy) depends on banned
  'banned' is excluded by top @top.yaml:7
  hint: any one of these solves it: take back the exclusion of 'banned' (top.yaml:7); remove 'bb' (top.yaml:5)`,
  },
];

describe('a failure to resolve', () => {
  it.each(cases)('$name', async ({ body, packages, says }) => {
    const failures = await failuresOf(body, packages);
    expect(failures.map(textOf).join('\n')).toBe(says.trim());
  });
});

describe('nearestNames', () => {
  it('gives at most three, nearest first, then by name, and none that is much farther', () => {
    const names = ['gcc', 'gdc', 'g++', 'gccgo', 'gtc', 'abc'];
    expect(nearestNames('gc', names)).toEqual(['gcc', 'gdc', 'gtc']);
    const far = ['open-isns-server', 'openssh-server'];
    expect(nearestNames('openssh-serveer', far)).toEqual(['openssh-server']);
  });
});

it('a search that is given up says so, and what to do', () => {
  expect(textOf(searchExhausted(1000))).toBe(
    'SOLV106: no solution found after 1000 wrong choices\n  hint: ask for fewer alternatives at once: request the packages that you mean by name',
  );
});
