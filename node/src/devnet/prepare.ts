import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type AppError, errorCode } from '@blyan/interface';
import { blockLabel, type ModelManifest } from '@blyan/model';
import { devnetHostSpecs, parseHostSpec, resolveHostSpec } from '@blyan/routing';
import type { DataDir } from '../data-dir/data-dir.ts';
import { ensurePrivateGenesis } from '../data-dir/genesis-file.ts';
import type { DevnetOptions } from './devnet-options.ts';
import { findModelSource, repairSource } from './model-source.ts';
import { type ProvisionDeps, provisionNode } from './provision-node.ts';
import { validatorsOf } from './validators.ts';

export interface PreparedNode {
  readonly dataDir: string;
  readonly host: string;
  /** In an earlier run. */
  readonly hasServed: boolean;
}

export interface PreparedDevnet {
  readonly modelRoot: string;
  readonly modelName: string;
  readonly nodes: readonly PreparedNode[];
  /** Parts of the model that no node is to host, as labels; none when a node places itself. */
  readonly missing: readonly string[];
}

export interface PrepareDeps extends ProvisionDeps {
  readonly cwd: string;
  readonly onImportProgress: (doneBytes: number, totalBytes: number) => void;
}

/**
 * Everything a local network needs on disk: the model imported, a genesis of its own, and for each node a folder with the
 * blocks it hosts. What an earlier run left is used again.
 */
export async function prepareDevnet(
  options: DevnetOptions,
  dataDir: DataDir,
  deps: PrepareDeps,
): Promise<PreparedDevnet> {
  const { cwd, logger, signal, onImportProgress: onProgress } = deps;
  const sourceDeps = { logger, onProgress, signal };
  let source = await findModelSource(options.model, cwd, dataDir, sourceDeps);
  const { root, name, spec } = source.manifest;
  const hosts = options.hosts ?? devnetHostSpecs(options.nodeCount, spec);
  for (const host of hosts) parseHostSpec(host, spec);
  const nodes = hosts.map((host, index) => {
    const dir = join(dataDir.root, `node-${index}`);
    return { dataDir: dir, host, hasServed: existsSync(join(dir, 'model')) };
  });
  const validators = await validatorsOf(nodes.map((node) => node.dataDir));
  const genesis = await ensurePrivateGenesis(dataDir.genesis, 'devnet', validators);
  const provision = async () => {
    for (const { dataDir: dir, host } of nodes) await provisionNode(dir, { host, source, genesis }, deps);
  };
  try {
    await provision();
  } catch (error) {
    const { checkpoint } = source;
    if (errorCode(error) !== 'ERR_STORE_CORRUPT' || checkpoint === null) throw error;
    logger.warn('the imported model is damaged; what is wrong is imported again', {
      root: (error as AppError).meta.root,
    });
    source = await repairSource({ ...source, checkpoint }, dataDir, sourceDeps);
    await provision();
  }
  return { modelRoot: root, modelName: name, nodes, missing: unhosted(hosts, source.manifest) };
}

function unhosted(hosts: readonly string[], manifest: ModelManifest): string[] {
  const specs = hosts.map((host) => parseHostSpec(host, manifest.spec));
  const hosted = new Set<number>();
  for (const spec of specs) {
    if (spec.kind === 'auto') return [];
    for (const index of resolveHostSpec(spec, manifest)) hosted.add(index);
  }
  const labels = manifest.blocks.flatMap((block, index) =>
    hosted.has(index) ? [] : [blockLabel({ ...block, slice: undefined })],
  );
  return [...new Set(labels)];
}
