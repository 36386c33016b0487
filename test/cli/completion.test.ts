/** Completion in the shells themselves: a line is typed, and the key is pressed. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installed } from '../builders/support/programs.ts';
import { BIN } from '../support/vsec.ts';

const folder = mkdtempSync(join(tmpdir(), 'vsec-completion-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(() => {
  mkdirSync(join(folder, 'bin'));
  mkdirSync(join(folder, 'sub'));
  symlinkSync(BIN, join(folder, 'bin/vsec'));
  const layer = 'vse: 1\nname: mine\nextends: debian-12\n';
  for (const name of ['mine.yaml', 'sub/other.yaml']) writeFileSync(join(folder, name), layer);
  writeFileSync(join(folder, 'mine.lock.json'), '{}');
});

/** What is typed, and what it becomes. */
const LINES: readonly (readonly [string, string])[] = [
  ['vsec vers', 'vsec version'],
  ['vsec version --js', 'vsec version --json'],
  ['vsec check --format sa', 'vsec check --format sarif'],
  ['vsec --progress p', 'vsec --progress plain'],
  ['vsec help compl', 'vsec help completion'],
  ['vsec init x --extends debian-12-h', 'vsec init x --extends debian-12-hpc'],
  ['vsec check --json mi', 'vsec check --json mine.yaml'],
  ['vsec check sub/o', 'vsec check sub/other.yaml'],
];

const environment = () => ({
  PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`,
  HOME: folder,
  TERM: 'dumb',
});

function run(shell: string, script: string): string {
  const args = shell === 'zsh' ? ['-f', '-c', script] : ['-c', script];
  const options = { cwd: folder, env: environment(), encoding: 'utf8', timeout: 60_000 } as const;
  const { stdout, stderr } = spawnSync(shell, args, options);
  return stderr + stdout;
}

/** A terminal in which somebody types: `^X` shows the line as it is, and takes it away. */
const ZSH = `
zmodload zsh/zpty
zpty z zsh -f -i
wait_for() {
  seen=''
  for i in {1..1500}; do zpty -r -t z chunk && seen+=$chunk || sleep 0.02; [[ $seen == *$~1* ]] && return; done
}
type_in() { zpty -w z "$1" }
type_in 'PS1=; unset zle_bracketed_paste; autoload -Uz compinit; compinit -u -D'
type_in 'eval "$(vsec completion zsh)"; bindkey "^I" complete-word'
type_in 'show() { print -r -- "<$BUFFER>"; zle kill-buffer }; zle -N show; bindkey "^X" show; print rea""dy'
wait_for ready
for line in ${LINES.map(([typed]) => `'${typed}'`).join(' ')}; do
  zpty -n -w z "$line"$'\\t\\x18'
  wait_for '<*>'
  print -r -- "\${\${seen##*<}%%>*}"
done
zpty -d z`;

describe.skipIf(!installed('zsh'))('zsh', () => {
  it('completes what is typed', () => {
    const found = run('zsh', ZSH).trim().split('\n');
    expect(found.map((line) => line.trim())).toEqual(LINES.map(([, becomes]) => becomes));
  });
});

describe.skipIf(!installed('fish'))('fish', () => {
  it('completes what is typed', () => {
    const lines = LINES.map(([typed]) => `complete -C '${typed}'; echo ---`);
    const found = run('fish', `vsec completion fish | source; ${lines.join('; ')}`).split('---\n');
    const words = found.map((block) => block.split('\n')[0]!.split('\t')[0]!);
    const expected = LINES.map(([, becomes]) => becomes.split(' ').at(-1)!);
    expect(words.slice(0, -1)).toEqual(expected);
  });
});

describe.skipIf(!installed('bash'))('bash', () => {
  it('completes what is typed', () => {
    const asked = LINES.map(([typed]) => {
      const words = typed.split(' ');
      return `COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; COMPREPLY=(); _vsec; echo "\${COMPREPLY[*]}"`;
    });
    const found = run('bash', `eval "$(vsec completion bash)"\n${asked.join('\n')}`);
    const expected = LINES.map(([, becomes]) => becomes.split(' ').at(-1)!);
    expect(found.trimEnd().split('\n')).toEqual(expected);
  });
});
