// Measures vsec and its peers on the same package list, in turns, in one run.
//   node bench/run.mjs [--rounds N] [--env FILE] [--peers NAME,…] [--only WORDS] [--scale]
// Prints medians and ratios to mmdebstrap's time; keeps every figure in build/bench/results.json.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release as kernel, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { SIZES, copyExample, plain, variant } from './environments.mjs';
import { measure, measureAll, median } from './measure.mjs';
import { peerCommands } from './peers.mjs';
import { printScale, printTable } from './table.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    env: { type: 'string', default: join(root, 'examples/cfd/cfd.yaml') },
    peers: { type: 'string', default: 'mmdebstrap,debootstrap' },
    // Parts of the names of rows, with commas between them.
    only: { type: 'string', default: '' },
    scale: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const work = join(root, 'build', 'bench');
const cache = join(work, 'cache');
const out = join(work, 'out');
const ENVIRONMENTS = 10;
const CORES = 2;
mkdirSync(work, { recursive: true });

const vsec = (...args) => [process.execPath, join(root, 'bin/vsec'), ...args, '--cache-dir', cache];
const buildOf = (what, ...more) =>
  vsec('build', what, '--locked', '-O', out, '--progress', 'json', ...more);
const lockBeside = (path) => path.replace(/\.yaml$/, '.lock.json');
const lockOf = async (file) => {
  await measure(vsec('lock', file), work);
  return JSON.parse(readFileSync(lockBeside(file), 'utf8'));
};
const forget = (...names) => {
  for (const name of names) rmSync(join(cache, name), { recursive: true, force: true });
  rmSync(out, { recursive: true, force: true });
};

console.log('preparing: indexes, locks, toolbox');
const file = copyExample(values.env, join(work, 'env'));
const lock = await lockOf(file);
await measure(buildOf(file, '--format', 'tar'), work);
const names = new Set(lock.packages.map((pkg) => pkg.name));
const extra = ['tree', 'bc', 'time', 'pv'].filter((name) => !names.has(name));
const oneMore = variant(file, 'one-more', extra.slice(0, 1));
const second = variant(file, 'second', extra.slice(1, 2));
const unlocked = variant(file, 'unlocked', []);
const ten = Array.from({ length: ENVIRONMENTS }, (_, at) =>
  variant(file, `env-${at}`, extra.slice(0, 1 + (at % 3))),
);
for (const path of [oneMore, second, ...ten]) await lockOf(path);

const { stdout: doctor } = await measure(vsec('doctor', '--json'), work);
const address = (name) =>
  JSON.parse(doctor)
    .findings.find((finding) => finding.topic === `mirror ${name}`)
    .detail.split(/[\s,]+/)[0];
const isThere = (program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
const peers = Object.entries(peerCommands(lock, address, work)).filter(
  ([name]) => values.peers.split(',').includes(name) && isThere(name),
);

const bootable = lock.packages.some(({ name }) => name.startsWith('linux-image-'));
const image = bootable ? 'raw' : 'tar';
const tar = ['--format', 'tar'];
const row = (before, argv) => ({ before, work: () => measure(argv, work) });
const rows = {
  'cold: packages to be downloaded': row(
    () => forget('store', 'stages', 'rootfs'),
    buildOf(file, ...tar),
  ),
  ...Object.fromEntries(peers.map(([name, { before, argv }]) => [name, row(before, argv)])),
  'packages in the store, no stage': row(() => forget('stages', 'rootfs'), buildOf(file, ...tar)),
  [`one package more in the top layer, to ${image}`]: row(
    () => forget('rootfs'),
    buildOf(oneMore, '--format', image),
  ),
  'a second environment on the same site base': row(
    () => forget('rootfs'),
    buildOf(second, ...tar),
  ),
  'only settings of the top layer changed': row(() => forget('rootfs'), buildOf(file, ...tar)),
  [`tree in the cache, to ${image}`]: row(() => forget(), buildOf(file, '--format', image)),
  'nothing changed': row(
    () => measure(buildOf(file, '--format', image), work),
    buildOf(file, '--format', image),
  ),
  [`${ENVIRONMENTS} environments on one base, ${CORES} at a time`]: {
    before: () => forget('stages', 'rootfs'),
    work: () =>
      measureAll(
        ten.map((path) => buildOf(path, ...tar)),
        CORES,
        work,
      ),
  },
  'lock, for the first time, warm indexes': row(
    () => rmSync(lockBeside(unlocked), { force: true }),
    vsec('lock', unlocked, '--offline', '--progress', 'json'),
  ),
  'lock, still right': row(() => undefined, vsec('lock', file, '--offline', '--progress', 'json')),
  check: row(() => undefined, vsec('check', file)),
  'node -e 0': row(() => undefined, [process.execPath, '-e', '0']),
};

const wanted = values.only.split(',');
for (const name of Object.keys(rows))
  if (!wanted.some((words) => name.includes(words))) delete rows[name];

const machine = {
  cpu: cpus()[0]?.model,
  cores: availableParallelism(),
  memory: totalmem(),
  kernel: kernel(),
  node: process.version,
};
const kept = join(work, 'results.json');
/** After each figure, for a run may be ended. */
const keep = () =>
  writeFileSync(
    kept,
    `${JSON.stringify({ machine, rounds, packages: lock.packages.length, results, scale }, null, 2)}\n`,
  );
const scale = [];
const results = Object.fromEntries(Object.keys(rows).map((name) => [name, []]));
for (let round = 1; round <= rounds; round++)
  for (const [name, { before, work: perform }] of Object.entries(rows)) {
    await before();
    const figures = await perform();
    delete figures.stdout;
    results[name].push(figures);
    keep();
    console.log(`round ${round}: ${name}: ${figures.wall.toFixed(2)} s`);
  }

if (values.scale)
  for (const size of SIZES) {
    const path = plain(join(work, 'env'), size);
    const { packages } = await lockOf(path);
    forget('store', 'stages', 'rootfs');
    const figures = await measure(buildOf(path, ...tar), work);
    delete figures.stdout;
    const bytes = packages.reduce((sum, pkg) => sum + pkg.installedSize, 0);
    scale.push({ packages: packages.length, bytes, ...figures });
    keep();
    console.log(`${packages.length} packages: ${figures.wall.toFixed(2)} s`);
  }

const medians = Object.fromEntries(
  Object.entries(results).map(([name, list]) => [
    name,
    Object.fromEntries(
      ['wall', 'cpu', 'peak', 'written'].map((key) => [key, median(list.map((one) => one[key]))]),
    ),
  ]),
);
console.log(
  `\n${lock.packages.length} packages, median of ${rounds}, ${machine.cores} cores (${machine.cpu})`,
);
printTable(medians);
if (scale.length > 0) printScale(scale);
const cold = results['cold: packages to be downloaded']?.at(-1);
if (cold) console.log(`\nphases of a cold build: ${JSON.stringify(cold.phases)}`);
const fresh = results['lock, for the first time, warm indexes']?.at(-1);
if (fresh) console.log(`\nphases of a first lock: ${JSON.stringify(fresh.phases)}`);
if (existsSync(kept)) console.log(`every figure: ${kept}`);
