/** Later choices before earlier ones, as apt has it, in universes of a few packages. */
import { expect, it } from 'vitest';
import { resolve } from '../../repos/resolve.ts';
import { toyUniverse } from '../support/toy-universe.ts';
import { merged, top } from '../vse/support.ts';

const VENDOR = `vse: 1
name: vendor
add:
  distribution: {id: debian, release: bookworm, architecture: amd64}
  repositories:
    main: {mirror: debian, suites: [bookworm], components: [main], signed-by: [./key.asc]}
`;

/** `name=version` of what these requests give. */
async function choose(ask: string, packages: string): Promise<string> {
  const files = { 'vendor.yaml': VENDOR, 'top.yaml': top(`add:\n  packages: [${ask}]\n`) };
  const found = resolve(await merged(files), await toyUniverse(packages), { essential: true });
  return found.packages
    .map(({ name, version }) => (version === '1' ? name : `${name}=${version}`))
    .sort()
    .join(' ');
}

const PLAYER = `
  player; Depends: libplayer, sound-dev
  libplayer; Depends: sound2 | sound-abi
  sound2; Provides: sound-abi; Conflicts: sound1; Depends: resampler
  sound2-dev; Provides: sound-dev; Depends: sound2; Conflicts: sound-dev
  sound1; Provides: sound-abi
  sound-dev; Depends: sound1
  resampler`;

it.each([
  {
    rule: 'a choice gives way to a later one that has no other form, and takes what it needed along',
    ask: 'player',
    packages: PLAYER,
    get: 'libplayer player sound-dev sound1',
  },
  {
    rule: 'what is asked for by name does not give way',
    ask: 'player, sound2',
    packages: PLAYER,
    get: 'libplayer player resampler sound2 sound2-dev',
  },
  {
    rule: 'what has no alternative does not give way',
    ask: 'player',
    packages: PLAYER.replace('sound2 | sound-abi', 'sound2'),
    get: 'libplayer player resampler sound2 sound2-dev',
  },
  {
    rule: 'no package takes an older version to make way',
    ask: 'app',
    packages: `
      app; Depends: lib, new | other
      lib 2
      lib 1
      new; Breaks: lib (>= 2)
      other`,
    get: 'app lib=2 other',
  },
])('$rule', async ({ ask, packages, get }) => {
  expect(await choose(ask, packages)).toBe(get);
});
