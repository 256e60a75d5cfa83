import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeCodes, type ErrorEntry } from './error-codes.ts';
import { ROOT, sources, workspaces } from './workspaces.ts';

const DOCUMENT = join(ROOT, 'docs', 'ERRORS.md');

const KINDS = `| kind | whose fault | command line | HTTP |
| --- | --- | --- | --- |
| \`caller\` | of whoever asked: a request, a file, a setting | exit code 1 (2 for usage and configuration) | 400 |
| \`peer\` | of another node: what it sent is refused, and it may be penalised | exit code 1 | 503 |
| \`internal\` | ours or the machine's | exit code 1 | 500 |

The status is that of the kind unless \`gateway/src/http-errors.ts\` has a rule for the code: that file is the one table from errors
to HTTP.`;

const HEAD = `# Errors

Every error that leaves a package has a stable code, a kind and a sentence that says what to do. This list is generated from
the sources (\`npm run errors\`) and checked by \`npm run check\`; \`…\` stands for what the message fills in.

${KINDS}
`;

function render(entries: readonly ErrorEntry[]): string {
  const byPackage = Map.groupBy(entries, (entry) => entry.package);
  const parts = [...byPackage].map(([name, codes]) => {
    const rows = codes.map(
      ({ code, kinds, sentence }) => `| \`${code}\` | ${kinds.join(', ')} | ${sentence.replaceAll('|', '\\|')} |`,
    );
    return `\n## ${name}\n\n| code | kind | meaning |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
  });
  return HEAD + parts.join('');
}

const problems: string[] = [];
const entries: ErrorEntry[] = [];
for (const workspace of workspaces()) {
  const files = sources(workspace, 'src').map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
  const found = describeCodes(workspace.manifest.name, files);
  entries.push(...found.entries);
  problems.push(...found.problems);
}
const codes = new Set<string>();
for (const { code } of entries) {
  if (codes.has(code)) problems.push(`${code} is declared twice`);
  codes.add(code);
}

const text = render(entries);
if (process.argv.includes('--check')) {
  const current = (() => {
    try {
      return readFileSync(DOCUMENT, 'utf8');
    } catch {
      return '';
    }
  })();
  if (current !== text) problems.push('docs/ERRORS.md is not what the sources say: run `npm run errors`');
} else writeFileSync(DOCUMENT, text);

for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(
  `errors: ${entries.length} codes${problems.length === 0 ? '' : `, ${problems.length} problems`}\n`,
);
process.exitCode = problems.length === 0 ? 0 : 1;
