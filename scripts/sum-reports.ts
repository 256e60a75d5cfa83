import { globSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';

// Arguments: a folder of vitest JSON reports, and how many other steps failed. A test that was skipped counts as failed,
// unless ALLOW_SKIP names it or its file, with commas between.
const [folder = '.', failedSteps = '0'] = process.argv.slice(2);

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly success: boolean;
  readonly testResults: readonly {
    /** Path of the file. */
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

const allowed = (process.env.ALLOW_SKIP ?? '')
  .split(',')
  .map((name) => name.trim())
  .filter((name) => name !== '');

let passed = 0;
let failed = Number(failedSteps);
const reports = globSync(`${folder}/*.json`);
// No report means that the tests did not run to their end.
if (reports.length === 0) failed += 1;
for (const path of reports) {
  const report = JSON.parse(readFileSync(path, 'utf8')) as Report;
  passed += report.numPassedTests;
  // A file that does not load has no failed test in it, and is a failure all the same.
  const broken = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  const counted = report.numFailedTests + broken.length;
  failed += counted === 0 && !report.success ? 1 : counted;
  for (const { name: file, assertionResults } of report.testResults) {
    for (const { status, fullName } of assertionResults) {
      if (status === 'passed' || status === 'failed') continue;
      const path = relative('.', file);
      const isAllowed = allowed.includes(fullName) || allowed.includes(path);
      if (!isAllowed) failed += 1;
      process.stdout.write(`skipped${isAllowed ? '' : ', and not in ALLOW_SKIP'}: ${fullName} (${path})\n`);
    }
  }
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
