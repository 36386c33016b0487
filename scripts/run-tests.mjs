// Runs the named vitest projects one after the other and says in one last line how it went.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const LIMIT_MINUTES = { fast: 10, net: 20, e2e: 70 };

const scratch = mkdtempSync(join(tmpdir(), 'vsec-tests-'));
const total = { passed: 0, failed: 0, skipped: 0 };
const complaints = [];

/** Counts from vitest's JSON; whatever went wrong outside a test counts as one failure. */
function count(project, status, report) {
  let failed = 0;
  for (const file of report.testResults) {
    if (file.status === 'failed' && file.assertionResults.length === 0) {
      failed++;
      complaints.push(`${project}: ${file.name} did not load`);
    }
    for (const test of file.assertionResults) {
      if (test.status === 'failed') {
        failed++;
        complaints.push(`${project}: ${test.fullName}`);
      } else if (test.status === 'passed') total.passed++;
      else total.skipped++;
    }
  }
  if (status !== 0 && failed === 0) {
    failed++;
    complaints.push(`${project}: vitest ended with ${status}`);
  }
  total.failed += failed;
}

for (const project of process.argv.slice(2)) {
  const file = join(scratch, `${project}.json`);
  console.log(`\n== ${project} tests`);
  const { status, signal } = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      ...['run', '--project', project, '--passWithNoTests'],
      ...['--reporter=default', '--reporter=json', `--outputFile.json=${file}`],
    ],
    { cwd: root, stdio: 'inherit', timeout: LIMIT_MINUTES[project] * 60_000 },
  );
  let report = { testResults: [] };
  try {
    report = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    if (status === 0) console.log(`no ${project} tests`);
  }
  count(project, status ?? signal, report);
}
rmSync(scratch, { recursive: true, force: true });

console.log('');
for (const complaint of complaints) console.log(`failed: ${complaint}`);
if (total.skipped > 0) console.log(`${total.skipped} skipped`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed > 0 ? 1 : 0);
