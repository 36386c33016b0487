// Running a command and what it took.
import { spawn } from 'node:child_process';

/** What GNU time prints of the command and of every child that was waited for. */
const FORMAT = 'TIMING %e %U %S %M %O';
const BLOCK = 512;

/**
 * Runs a command to its end: seconds of wall and processor time, peak memory of the largest
 * process (MB), bytes written to file systems that have a disk, and what it printed.
 */
export function measure(argv, cwd) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn('/usr/bin/time', ['-q', '-f', FORMAT, ...argv], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (part) => (stdout += part));
    child.stderr.on('data', (part) => (stderr += part));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code !== 0)
        return reject(new Error(`${argv.join(' ')} ended with ${code}\n${stderr.slice(-4000)}`));
      const [, , user, system, peak, blocks] = /TIMING (\S+) (\S+) (\S+) (\S+) (\S+)/.exec(stderr);
      resolve({
        wall: (performance.now() - started) / 1000,
        cpu: Number(user) + Number(system),
        peak: Number(peak) / 1024,
        written: Number(blocks) * BLOCK,
        phases: phases(stderr),
        stdout,
      });
    });
  });
}

/** Seconds of each task that vsec reported with `--progress json`. */
function phases(stderr) {
  const found = {};
  for (const line of stderr.split('\n')) {
    if (!line.startsWith('{')) continue;
    const event = JSON.parse(line);
    if (event.type === 'end') found[event.task] = Number(event.seconds.toFixed(2));
  }
  return found;
}

/** Several commands, `atOnce` of them at a time, as if they were one. */
export async function measureAll(commands, atOnce, cwd) {
  const started = performance.now();
  const queue = [...commands];
  const results = [];
  const next = async () => {
    for (let argv = queue.shift(); argv; argv = queue.shift())
      results.push(await measure(argv, cwd));
  };
  await Promise.all(Array.from({ length: atOnce }, next));
  const sum = (key) => results.reduce((total, one) => total + one[key], 0);
  return {
    wall: (performance.now() - started) / 1000,
    cpu: sum('cpu'),
    peak: Math.max(...results.map(({ peak }) => peak)),
    written: sum('written'),
    phases: {},
  };
}

export const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
