/** Bundles once before any test starts the program, so that tests in parallel do not each do it. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export default function setup(): void {
  const bin = fileURLToPath(new URL('../../bin/vsec', import.meta.url));
  execFileSync(process.execPath, [bin, '--version'], { stdio: ['ignore', 'ignore', 'inherit'] });
}
