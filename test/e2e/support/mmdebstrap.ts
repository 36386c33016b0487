/** mmdebstrap, the fastest of Debian's bootstrappers, on the packages of a lock. */
import { spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readAptSources } from '../../../repos/apt-sources.ts';
import type { Lock } from '../../../repos/lock.ts';

const KEYS = fileURLToPath(new URL('../../../vse/base/keys', import.meta.url));

/**
 * The lines of a sources.list(5) for what `lock` was resolved from, as the host reaches it and
 * with the keys that vsec pins; none when the host's apt knows no such repository.
 */
export async function sourcesOf(lock: Lock): Promise<readonly string[]> {
  const suites = new Set(lock.indexes.map(({ suite }) => suite));
  const keys = readdirSync(KEYS)
    .filter((name) => name.endsWith('.asc'))
    .map((name) => join(KEYS, name));
  return (await readAptSources()).flatMap((source) =>
    source.suites
      .filter((suite) => suites.has(suite) && source.components.includes('main'))
      .map((suite) => `deb [signed-by=${keys.join(',')}] ${source.uris[0]} ${suite} main`),
  );
}

/** Installs exactly the packages of `lock` into the tar at `path`. */
export function mmdebstrap(lock: Lock, sources: readonly string[], path: string): Promise<void> {
  const list = join(dirname(path), 'mmdebstrap.list');
  writeFileSync(list, `${sources.join('\n')}\n`);
  const packages = lock.packages.map(({ name, version }) => `${name}=${version}`);
  return new Promise((resolve, reject) => {
    const child = spawn(
      'mmdebstrap',
      [
        ...[
          '--variant=custom',
          '--format=tar',
          `--architectures=${lock.distribution.architecture}`,
        ],
        ...[`--include=${packages.join(',')}`, lock.distribution.release, path, list],
      ],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, LC_ALL: 'C.UTF-8', SOURCE_DATE_EPOCH: String(lock.epoch) },
      },
    );
    let said = '';
    child.stderr.on('data', (part: Buffer) => (said = (said + part.toString()).slice(-8192)));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`mmdebstrap ended with ${code}:\n${said}`)),
    );
  });
}
