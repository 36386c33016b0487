/**
 * Writes README.md's table of hypervisors from what `vsec boot --json` found out, with
 * `--backend all` or of one boot.
 *
 *     node scripts/matrix.mjs README.md RESULTS.json...
 *
 * Several results are taken together (a host image and a guest's, say): of each way to start a
 * guest the best one is shown. The table stands between two comments, which must be there.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const BEGIN = '<!-- matrix: written by `make matrix` -->';
const END = '<!-- /matrix -->';
const TIERS = ['emitted', 'validated', 'ran'];

function die(message) {
  console.error(`matrix: ${message}`);
  process.exit(1);
}

function read(file) {
  let rows;
  try {
    rows = JSON.parse(readFileSync(file, 'utf8'));
  } catch (problem) {
    die(`${file}: ${problem.message}`);
  }
  // One boot is no list, and was attempted.
  if (!Array.isArray(rows)) rows = [{ attempted: true, ...rows }];
  for (const { backend, firmware, tier } of rows)
    if (!backend || !firmware || !TIERS.includes(tier)) die(`${file} holds a row that is no boot`);
  return rows;
}

const rank = (row) => TIERS.indexOf(row.tier) * 2 + (row.attempted ? 1 : 0);

/** The best row of each way, in the order of their first appearance. */
function best(rows) {
  const found = new Map();
  for (const row of rows) {
    const key = `${row.backend} ${row.firmware}`;
    const known = found.get(key);
    if (!known || rank(row) > rank(known)) found.set(key, row);
  }
  return [...found.values()];
}

const cell = (text) => String(text).replaceAll('|', '\\|').replaceAll('\n', ' ');

function remark(row) {
  if (row.up) return row.standIn ? `on ${row.standIn}` : '';
  const why = row.diagnostics?.[0]?.message ?? '';
  return row.validatedBy ? `${why}; ${row.validatedBy} takes the glue` : why;
}

function table(rows) {
  const header = ['backend', 'started by', 'tier', 'up after', 'remark'];
  const line = (cells) => `| ${cells.map(cell).join(' | ')} |`;
  return [
    line(header),
    line(header.map(() => '---')),
    ...rows.map((row) =>
      line([
        `\`${row.backend}\``,
        row.firmware,
        row.tier,
        row.up ? `${Math.round(row.seconds)} s` : '–',
        remark(row),
      ]),
    ),
  ].join('\n');
}

/** All boots of one tree were of one image, and none of them wrote to it. */
function provenance(rows) {
  const images = new Map();
  for (const row of rows.filter((one) => one.attempted)) {
    if (row.imageSha256Before !== row.imageSha256After)
      die(`${row.image} changed on ${row.backend}`);
    images.set(row.imageSha256Before, row.image);
  }
  const lines = [...images].map(([sha256, image]) => `\`${image}\`, SHA-256 \`${sha256}\``);
  return lines.length === 0 ? '' : `\n\nBefore and after: ${lines.join('; ')}.`;
}

const [readme, ...files] = process.argv.slice(2);
if (!readme || files.length === 0) die('usage: matrix.mjs README.md RESULTS.json...');
const rows = best(files.flatMap(read));
const text = readFileSync(readme, 'utf8');
const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
if (from < 0 || to < from) die(`${readme} lacks the lines\n${BEGIN}\n${END}`);
const content = `${BEGIN}\n\n${table(rows)}${provenance(rows)}\n\n`;
writeFileSync(readme, text.slice(0, from) + content + text.slice(to));
