import { resolve } from 'node:path';
import { importCheckpoint } from '@blyan/model';
import { BlockStore } from '@blyan/store';
import { openDataDir } from '../../data-dir/data-dir.ts';
import { pinModel } from '../../data-dir/models.ts';
import { createLogger } from '../../log/logger.ts';
import type { CommandHandler } from '../command.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { formatBytes, print, printJson, say } from '../output.ts';
import { openProgress } from '../progress.ts';

type DType = Parameters<typeof importCheckpoint>[0]['dtype'];

/** Imports into the data folder's own store and pins what came, so that no collection of garbage takes it. */
export const modelImport: CommandHandler = async (context, input) => {
  const { config } = await loadCommandConfig(context, input);
  const dir = resolve(context.cwd, input.args[0] as string);
  await using dataDir = await openDataDir(config.dataDir, context.pid);
  const logger = createLogger({ level: 'warn', stream: context.stderr, color: context.env.NO_COLOR === undefined });
  const store = new BlockStore({ dir: dataDir.blocks, quotaBytes: config.storeQuotaBytes }, { logger });
  await store.start(context.signal);
  const progress = openProgress(context, 'importing', formatBytes);
  try {
    const { root, manifest } = await importCheckpoint({
      dir,
      store,
      name: input.options.name as string | undefined,
      dtype: ((input.options.dtype as string | undefined) ?? 'f32') as DType,
      onProgress: ({ doneBytes, totalBytes }) => progress.update(doneBytes, totalBytes),
      signal: context.signal,
    });
    await pinModel(store, manifest);
    progress.stop();
    const bytes = manifest.blocks.reduce((sum, block) => sum + block.byteLength, 0);
    if (input.options.json === true) {
      return printJson(context, {
        name: manifest.name,
        root,
        dtype: manifest.dtype,
        blocks: manifest.blocks.length,
        bytes,
      });
    }
    print(context, root);
    say(
      context,
      `${manifest.name}: ${manifest.blocks.length} blocks, ${formatBytes(bytes)}. Serve it: blyan-node start --model ${manifest.name} --data-dir ${dataDir.root}`,
    );
  } finally {
    progress.stop();
    await store.stop();
  }
};
