// Runs `npm ci` when node_modules is missing or does not hold what package-lock.json says.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function versions(path) {
  const { packages } = JSON.parse(readFileSync(join(root, path), 'utf8'));
  return Object.entries(packages).filter(([name, { optional }]) => name !== '' && !optional);
}

function reason() {
  let installed;
  try {
    installed = new Map(versions('node_modules/.package-lock.json'));
  } catch {
    return 'node_modules is missing';
  }
  const stale = versions('package-lock.json').find(
    ([name, { version }]) => installed.get(name)?.version !== version,
  );
  return stale && `${stale[0]} is not at ${stale[1].version}`;
}

const why = reason();
if (why) {
  console.log(`npm ci: ${why}`);
  execFileSync('npm', ['ci'], { cwd: root, stdio: 'inherit' });
}
