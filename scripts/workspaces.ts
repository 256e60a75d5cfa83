import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

export interface Workspace {
  /** Relative to the repository: `packages/crypto`, `node`. */
  readonly folder: string;
  /** Last part of the package's name: `crypto`, `node`. */
  readonly short: string;
  readonly manifest: {
    readonly name: string;
    readonly exports?: Record<string, unknown>;
    readonly bin?: Record<string, string>;
    readonly dependencies?: Record<string, string>;
    readonly devDependencies?: Record<string, string>;
  };
}

/** Every workspace of the root package.json, by folder. */
export function workspaces(): Workspace[] {
  const { workspaces: patterns } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    workspaces: string[];
  };
  const folders = patterns.flatMap((pattern) => globSync(pattern, { cwd: ROOT })).sort();
  return folders
    .filter((folder) => existsSync(join(ROOT, folder, 'package.json')))
    .map((folder) => {
      const manifest = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Workspace['manifest'];
      return { folder, short: manifest.name.replace(/^@blyan\//, ''), manifest };
    });
}

/** TypeScript files under a workspace's subfolder, relative to the repository. */
export function sources(workspace: Workspace, subfolder: string): string[] {
  return globSync(`${workspace.folder}/${subfolder}/**/*.{ts,tsx}`, { cwd: ROOT }).sort();
}
