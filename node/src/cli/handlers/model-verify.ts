import { errorCode } from '@blyan/interface';
import { verifyBlockFile } from '@blyan/tensorblock';
import { dataDirPaths } from '../../data-dir/data-dir.ts';
import { blockPath, findModel } from '../../data-dir/models.ts';
import type { CommandHandler } from '../command.ts';
import { EXIT_ERROR, EXIT_OK } from '../exit-code.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { formatBytes, print, printJson } from '../output.ts';
import { openProgress } from '../progress.ts';

interface Finding {
  readonly root: string;
  readonly kind: string;
  readonly result: 'ok' | 'missing' | 'damaged';
  readonly message?: string;
}

/** Hashes the manifest block and every stored block of the model; nothing is changed, healing is the daemon's work. */
export const modelVerify: CommandHandler = async (context, input) => {
  const { config } = await loadCommandConfig(context, input);
  const dir = dataDirPaths(config.dataDir).blocks;
  const model = await findModel(dir, input.args[0] as string);
  const blocks = [{ root: model.root, kind: 'model', byteLength: 0 }, ...model.blocks];
  const total = blocks.reduce((sum, block) => sum + block.byteLength, 0);
  const progress = openProgress(context, 'verifying', formatBytes);
  const findings: Finding[] = [];
  let before = 0;
  try {
    for (const { root, kind, byteLength } of blocks) {
      const onProgress = (done: number) => progress.update(before + Math.min(done, byteLength), total);
      try {
        await verifyBlockFile(blockPath(dir, root), root, { signal: context.signal, onProgress });
        findings.push({ root, kind, result: 'ok' });
      } catch (error) {
        context.signal.throwIfAborted();
        const missing = errorCode(error) === 'ENOENT' || errorCode((error as Error).cause) === 'ENOENT';
        findings.push({ root, kind, result: missing ? 'missing' : 'damaged', message: (error as Error).message });
      }
      before += byteLength;
    }
  } finally {
    progress.stop();
  }
  const bad = findings.filter((finding) => finding.result !== 'ok');
  if (input.options.json === true) {
    printJson(context, {
      name: model.name,
      root: model.root,
      ok: bad.length === 0,
      verified: findings.length - bad.length,
      bad,
    });
  } else {
    for (const { root, kind, result, message } of bad) print(context, `${result}  ${kind}  ${root}  ${message}`);
    print(context, `${findings.length - bad.length} of ${findings.length} blocks are sound`);
  }
  return bad.length === 0 ? EXIT_OK : EXIT_ERROR;
};
