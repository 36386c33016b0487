// Measures vsec and mmdebstrap on the same package list, in turns, in one run.
//   node bench/run.mjs [--rounds N] [--env FILE] [--skip-peer]
// Prints medians and ratios; keeps every figure in build/bench/results.json.
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseDocument } from 'yaml';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    env: { type: 'string', default: join(root, 'examples/cfd/cfd.yaml') },
    'skip-peer': { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const work = join(root, 'build', 'bench');
const cache = join(work, 'cache');
const out = join(work, 'out');
const tar = join(work, 'peer.tar');
mkdirSync(work, { recursive: true });

const vsec = (...args) => [process.execPath, join(root, 'bin/vsec'), ...args, '--cache-dir', cache];

/** Runs a command to its end; wall, CPU of all its processes (s), peak memory of the largest (MB). */
function measure(argv) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    // GNU time sees the CPU time of every child that was waited for.
    const child = spawn('/usr/bin/time', ['-q', '-f', 'TIMING %e %U %S %M', ...argv], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: work,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (part) => (stdout += part));
    child.stderr.on('data', (part) => (stderr += part));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code !== 0)
        return reject(new Error(`${argv.join(' ')} ended with ${code}\n${stderr.slice(-4000)}`));
      const [, , user, system, peak] = /TIMING (\S+) (\S+) (\S+) (\S+)/.exec(stderr);
      resolve({
        wall: (performance.now() - started) / 1000,
        cpu: Number(user) + Number(system),
        peak: Number(peak) / 1024,
        stdout,
        stderr,
      });
    });
  });
}

/** Seconds of each reported task. */
function phases(stderr) {
  const found = {};
  for (const line of stderr.split('\n')) {
    if (!line.startsWith('{')) continue;
    const event = JSON.parse(line);
    if (event.type === 'end') found[event.task] = Number(event.seconds.toFixed(2));
  }
  return found;
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const forget = (...names) => {
  for (const name of names) rmSync(join(cache, name), { recursive: true, force: true });
  rmSync(out, { recursive: true, force: true });
};

const env = join(work, 'env');
cpSync(dirname(values.env), env, { recursive: true });
const file = join(env, values.env.slice(dirname(values.env).length + 1));
const lockFile = file.replace(/\.yaml$/, '.lock.json');
const buildOf = (what, ...more) =>
  vsec('build', what, '--locked', '-O', out, '--progress', 'json', ...more);
const build = (...more) => buildOf(file, ...more);

console.log('preparing: indexes, lock, toolbox');
rmSync(lockFile, { force: true });
await measure(vsec('lock', file));
const lock = JSON.parse(readFileSync(lockFile, 'utf8'));
await measure(build('--format', 'tar'));

/** The same environment with one small package more in its own layer; returns its path. */
async function withOneMore() {
  const names = new Set(lock.packages.map((pkg) => pkg.name));
  const extra = ['tree', 'bc', 'time'].find((name) => !names.has(name));
  const layer = parseDocument(readFileSync(file, 'utf8'));
  const packages = layer.getIn(['add', 'packages']);
  if (packages) packages.add(extra);
  else layer.setIn(['add', 'packages'], [extra]);
  const path = join(env, 'one-more.yaml');
  writeFileSync(path, layer.toString());
  rmSync(join(env, 'one-more.lock.json'), { force: true });
  await measure(vsec('lock', path));
  return path;
}
const oneMore = await withOneMore();

/** The addresses that vsec uses, for a peer that shall use the same. */
async function peerCommand() {
  const { stdout } = await measure(vsec('doctor', '--json'));
  const address = (name) =>
    JSON.parse(stdout)
      .findings.find((finding) => finding.topic === `mirror ${name}`)
      .detail.split(/[\s,]+/)[0];
  const release = lock.distribution.release;
  const sources = [
    `deb ${address('debian')} ${release} main`,
    `deb ${address('debian')} ${release}-updates main`,
    `deb ${address('debian-security')} ${release}-security main`,
  ];
  writeFileSync(join(work, 'peer.list'), `${sources.join('\n')}\n`);
  const include = lock.packages.map((pkg) => `${pkg.name}=${pkg.version}`).join(',');
  return [
    'mmdebstrap',
    '--quiet',
    '--variant=essential',
    `--include=${include}`,
    release,
    tar,
    join(work, 'peer.list'),
  ];
}

const bootable = lock.packages.some(({ name }) => name.startsWith('linux-image-'));
const rows = {
  'vsec, cold: packages to be downloaded': {
    before: () => forget('store', 'stages', 'rootfs'),
    argv: build('--format', 'tar'),
  },
  ...(!values['skip-peer'] && {
    'mmdebstrap, same packages': {
      before: () => rmSync(tar, { force: true }),
      argv: await peerCommand(),
    },
  }),
  'vsec, packages in the store, no stage': {
    before: () => forget('stages', 'rootfs'),
    argv: build('--format', 'tar'),
  },
  'vsec, only the settings of the top layer changed': {
    before: () => forget('rootfs'),
    argv: build('--format', 'tar'),
  },
  ...(bootable && {
    'vsec, to the bootable images, tree in the cache': {
      before: () => forget(),
      argv: build(),
    },
  }),
  'vsec, nothing changed': {
    before: () => undefined,
    argv: bootable ? build() : build('--format', 'tar'),
  },
  'vsec, one package more in the top layer': {
    before: () => forget('rootfs'),
    argv: buildOf(oneMore, '--format', 'tar'),
  },
  'vsec lock, warm indexes': {
    before: () => undefined,
    argv: vsec('lock', file, '--offline'),
  },
  'vsec check': { before: () => undefined, argv: vsec('check', file) },
  'node -e 0': { before: () => undefined, argv: [process.execPath, '-e', '0'] },
};

const results = Object.fromEntries(Object.keys(rows).map((name) => [name, []]));
for (let round = 1; round <= rounds; round++)
  for (const [name, { before, argv }] of Object.entries(rows)) {
    before();
    const { wall, cpu, peak, stderr } = await measure(argv);
    results[name].push({ wall, cpu, peak, phases: phases(stderr) });
    console.log(`round ${round}: ${name}: ${wall.toFixed(2)} s`);
  }

const machine = {
  cpu: cpus()[0]?.model,
  cores: availableParallelism(),
  memory: totalmem(),
  node: process.version,
};
const size = existsSync(tar) ? statSync(tar).size : undefined;
writeFileSync(
  join(work, 'results.json'),
  `${JSON.stringify({ machine, rounds, packages: lock.packages.length, peerTarBytes: size, results }, null, 2)}\n`,
);

const peer = results['mmdebstrap, same packages'];
const base = peer && median(peer.map((r) => r.wall));
console.log(
  `\n${lock.packages.length} packages, median of ${rounds}, ${machine.cores} cores (${machine.cpu})`,
);
console.log(
  `${'work'.padEnd(52)} ${'wall s'.padStart(8)} ${'CPU s'.padStart(8)} ${'peak MB'.padStart(8)} ${'ratio'.padStart(7)}`,
);
for (const [name, list] of Object.entries(results)) {
  const pick = (key) => median(list.map((r) => r[key]));
  const ratio = base ? (pick('wall') / base).toFixed(2) : '';
  console.log(
    `${name.padEnd(52)} ${pick('wall').toFixed(2).padStart(8)} ${pick('cpu').toFixed(2).padStart(8)} ${pick('peak').toFixed(0).padStart(8)} ${ratio.padStart(7)}`,
  );
}
console.log(
  `\nphases of a cold build: ${JSON.stringify(results['vsec, cold: packages to be downloaded'].at(-1).phases)}`,
);
console.log(`every figure: ${join(work, 'results.json')}`);
