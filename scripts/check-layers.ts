import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, sources, type Workspace, workspaces } from './workspaces.ts';

// Imports point strictly up this list, package by package; packages of one line may be in any order in the documents but
// have one here, so that no cycle can form.
const LAYERS =
  'interface params crypto codec chain-format light-client tensorblock store grammar model chain routing ledger trust datasets learning evolution p2p inference api gateway node'.split(
    ' ',
  );
/** May import everything, and only tests and benchmarks may import it. */
const TEST_ONLY = 'testkit';
const IMPORT = /(?<![.\w])(?:from|import)\s*\(?\s*'((?:@[\w-]+\/)?\w[\w.:-]*)(?:\/[\w./-]+)?'/g;

const problems: string[] = [];

function checkDirection(workspace: Workspace): void {
  const rank = workspace.short === TEST_ONLY ? LAYERS.length : LAYERS.indexOf(workspace.short);
  if (rank < 0) problems.push(`${workspace.folder}: "${workspace.short}" is not in the layer table`);
  for (const name of Object.keys(workspace.manifest.dependencies ?? {})) {
    if (!name.startsWith('@blyan/')) continue;
    const target = LAYERS.indexOf(name.slice('@blyan/'.length));
    if (target < 0 || target >= rank)
      problems.push(`${workspace.folder}/package.json: may not depend on ${name}, which is not above it`);
  }
}

function checkImports(workspace: Workspace): void {
  const declared = new Set([workspace.manifest.name, ...Object.keys(workspace.manifest.dependencies ?? {})]);
  for (const file of sources(workspace, 'src')) {
    for (const [, name = ''] of readFileSync(join(ROOT, file), 'utf8').matchAll(IMPORT)) {
      if (!name.startsWith('node:') && !declared.has(name))
        problems.push(`${file}: imports ${name}, which its package.json does not declare`);
    }
  }
}

for (const workspace of workspaces()) {
  checkDirection(workspace);
  checkImports(workspace);
}
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(
  problems.length === 0 ? 'layers: every import points down\n' : `layers: ${problems.length} problems\n`,
);
process.exitCode = problems.length === 0 ? 0 : 1;
