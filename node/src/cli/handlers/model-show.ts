import { stat } from 'node:fs/promises';
import { dataDirPaths } from '../../data-dir/data-dir.ts';
import { blockPath, findModel } from '../../data-dir/models.ts';
import type { CommandHandler } from '../command.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { formatBytes, print, printable, printJson, table } from '../output.ts';

/** Spec and blocks of a model; `stored` says whether the block's file is in this folder (not whether it is sound). */
export const modelShow: CommandHandler = async (context, input) => {
  const { config } = await loadCommandConfig(context, input);
  const dir = dataDirPaths(config.dataDir).blocks;
  const model = await findModel(dir, input.args[0] as string);
  const blocks = await Promise.all(
    model.blocks.map(async (block) => ({
      ...block,
      stored: await stat(blockPath(dir, block.root)).then(
        () => true,
        () => false,
      ),
    })),
  );
  if (input.options.json === true) {
    const { name, root, dtype, profile, spec } = model;
    return printJson(context, { name, root, dtype, profile, spec, blocks });
  }
  const stored = blocks.filter((block) => block.stored).length;
  const bytes = blocks.reduce((sum, block) => sum + block.byteLength, 0);
  print(context, `${printable(model.name)}  ${model.root}`);
  print(context, `${blocks.length} blocks (${stored} stored here), ${formatBytes(bytes)}, weights ${model.dtype}`);
  print(context, '');
  const spec = Object.entries(model.spec).map(([key, value]) => [
    key,
    Array.isArray(value) ? value.join(' ') : String(value),
  ]);
  print(context, table(spec));
  print(context, '');
  const rows = blocks.map((block) => [
    block.kind,
    String(block.layer ?? '-'),
    String(block.expert ?? '-'),
    String(block.slice ?? '-'),
    block.root,
    formatBytes(block.byteLength),
    block.stored ? 'stored' : '-',
  ]);
  print(context, table([['KIND', 'LAYER', 'EXPERT', 'SLICE', 'ROOT', 'SIZE', 'HERE'], ...rows]));
};
