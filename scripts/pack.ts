import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ROOT } from './workspaces.ts';

// Runs as `prepack` and `postpack` of a workspace, in its folder: for the moment of packing, package.json points at `dist`
// and not at the sources; afterwards it is as before. A packed package needs no TypeScript and nothing of the repository.
const KEPT = '.package.json.kept';
/** What every package carries along from the top of the repository, and what single ones do. */
const LEGAL = ['LICENSE', 'NOTICE'];
const CARRIED: Readonly<Record<string, readonly string[]>> = { node: ['genesis'] };

interface Manifest {
  name: string;
  exports?: Record<string, string>;
  files?: string[];
  scripts?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

function carried(): readonly string[] {
  return [...LEGAL, ...(CARRIED[basename(process.cwd())] ?? [])];
}

function restore(): void {
  if (existsSync(KEPT)) renameSync(KEPT, 'package.json');
  for (const name of carried()) rmSync(name, { recursive: true, force: true });
}

function prepare(): void {
  restore();
  const text = readFileSync('package.json', 'utf8');
  const manifest = JSON.parse(text) as Manifest;
  execFileSync(process.execPath, [join(ROOT, 'scripts', 'build.ts'), manifest.name.replace(/^@blyan\//, '')], {
    stdio: 'inherit',
  });
  const { scripts: _, devDependencies: __, ...packed } = manifest;
  const compiled = (path: string, ending: string) => path.replace(/^\.\/src\//, './dist/').replace(/\.tsx?$/, ending);
  const exports = Object.entries(manifest.exports ?? {}).map(([name, path]) => [
    name,
    /\.tsx?$/.test(path) ? { types: compiled(path, '.d.ts'), default: compiled(path, '.js') } : path,
  ]);
  const files = [...new Set(['dist', 'bin', ...(manifest.files ?? []), ...carried()])].filter((name) => name !== 'src');
  for (const name of carried()) cpSync(join(ROOT, name), name, { recursive: true });
  writeFileSync(KEPT, text);
  const contents = { ...packed, exports: Object.fromEntries(exports), files, engines: { node: '>=24' } };
  writeFileSync('package.json', `${JSON.stringify(contents, null, 2)}\n`);
}

if (process.argv[2] === 'prepack') prepare();
else if (process.argv[2] === 'postpack') restore();
else {
  process.stderr.write('usage: pack.ts prepack|postpack, in the folder of a workspace\n');
  process.exitCode = 2;
}
