import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ROOT, sources, type Workspace, workspaces } from './workspaces.ts';

// Emits `dist` (JavaScript, declarations, source maps) of every package, or of those named as arguments with what they
// depend on. Inside the workspace nothing reads `dist`: sources run directly. Packed packages have nothing else.
// The project files are written here, because each is the same but for its name and its references.
const WORK = join(ROOT, 'node_modules', '.cache', 'blyan-build');

function projectPath(workspace: Workspace): string {
  return join(WORK, `${workspace.short}.json`);
}

function writeProject(workspace: Workspace, all: readonly Workspace[]): void {
  const folder = join(ROOT, workspace.folder);
  const dependencies = Object.keys(workspace.manifest.dependencies ?? {});
  const project = {
    extends: join(ROOT, 'tsconfig.base.json'),
    compilerOptions: {
      composite: true,
      declaration: true,
      sourceMap: true,
      // Emit only: `npm run check` is what finds errors in types.
      noCheck: true,
      rootDir: join(folder, 'src'),
      outDir: join(folder, 'dist'),
      tsBuildInfoFile: join(WORK, `${workspace.short}.tsbuildinfo`),
      typeRoots: [join(ROOT, 'node_modules', '@types')],
    },
    files: sources(workspace, 'src').map((file) => join(ROOT, file)),
    references: all
      .filter((other) => dependencies.includes(other.manifest.name))
      .map((other) => ({ path: projectPath(other) })),
  };
  writeFileSync(projectPath(workspace), JSON.stringify(project, null, 2));
}

/** Removes what an earlier build emitted, and nothing else: the gateway's web page lives in its `dist`, too. */
function removeCompiled(workspace: Workspace): void {
  const folder = join(ROOT, workspace.folder);
  for (const entry of readdirSync(join(folder, 'src'))) {
    const name = entry.replace(/\.tsx?$/, '');
    for (const ending of name === entry ? [''] : ['.js', '.js.map', '.d.ts']) {
      rmSync(join(folder, 'dist', name + ending), { recursive: true, force: true });
    }
  }
}

const all = workspaces().filter((workspace) => sources(workspace, 'src').length > 0);
const named = process.argv.slice(2);
const wanted = named.length === 0 ? all : all.filter(({ short }) => named.includes(short));
rmSync(WORK, { recursive: true, force: true });
mkdirSync(WORK, { recursive: true });
for (const workspace of all) {
  removeCompiled(workspace);
  writeProject(workspace, all);
}
execFileSync(join(ROOT, 'node_modules', '.bin', 'tsc'), ['-b', ...wanted.map(projectPath)], {
  cwd: ROOT,
  stdio: 'inherit',
});
process.stdout.write(`built ${wanted.map((workspace) => relative(ROOT, join(workspace.folder, 'dist'))).join(', ')}\n`);
