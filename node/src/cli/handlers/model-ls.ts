import { dataDirPaths } from '../../data-dir/data-dir.ts';
import { listModels } from '../../data-dir/models.ts';
import type { CommandHandler } from '../command.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { formatBytes, print, printable, printJson, say, table } from '../output.ts';

export const modelLs: CommandHandler = async (context, input) => {
  const { config } = await loadCommandConfig(context, input);
  const models = (await listModels(dataDirPaths(config.dataDir).blocks)).map((model) => ({
    name: model.name,
    root: model.root,
    architecture: model.spec.architecture,
    dtype: model.dtype,
    blocks: model.blocks.length,
    bytes: model.blocks.reduce((sum, block) => sum + block.byteLength, 0),
  }));
  if (input.options.json === true) return printJson(context, models);
  if (models.length === 0)
    return say(context, `No models in ${config.dataDir}. Import one with \`blyan-node model import DIR\`.`);
  const rows = models.map((model) => [
    printable(model.name),
    model.root,
    model.architecture,
    model.dtype,
    String(model.blocks),
    formatBytes(model.bytes),
  ]);
  print(context, table([['NAME', 'ROOT', 'ARCHITECTURE', 'DTYPE', 'BLOCKS', 'SIZE'], ...rows]));
};
