import { globSync, readFileSync } from 'node:fs';

// Arguments: a folder of vitest JSON reports, and how many other steps failed.
const [folder = '.', failedSteps = '0'] = process.argv.slice(2);

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly success: boolean;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

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
  for (const { status, fullName } of report.testResults.flatMap((file) => file.assertionResults)) {
    if (status !== 'passed' && status !== 'failed') process.stdout.write(`skipped: ${fullName}\n`);
  }
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
