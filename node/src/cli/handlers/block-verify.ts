import { basename } from 'node:path';
import { isRoot } from '@blyan/interface';
import { verifyBlockFile } from '@blyan/tensorblock';
import { usageError } from '../../errors.ts';
import type { CommandHandler } from '../command.ts';
import { formatBytes, print, printJson } from '../output.ts';
import { openProgress } from '../progress.ts';

/** Exit code 0 when every byte of the file is what the root says. */
export const blockVerify: CommandHandler = async (context, input) => {
  const file = input.args[0] as string;
  const root = (input.options.root as string | undefined)?.toLowerCase() ?? basename(file).replace(/\.tb$/, '');
  if (!isRoot(root)) {
    throw usageError(`"${root}" is not a root (64 hexadecimal digits). Say which one to compare with: --root ROOT.`);
  }
  const progress = openProgress(context, 'verifying', formatBytes);
  try {
    const manifest = await verifyBlockFile(file, root, { signal: context.signal, onProgress: progress.update });
    progress.stop();
    if (input.options.json === true) {
      return printJson(context, { ok: true, root, file, kind: manifest.header.kind, byteLength: manifest.byteLength });
    }
    print(context, `ok  ${root}  ${manifest.header.kind}, ${formatBytes(manifest.byteLength)}`);
  } finally {
    progress.stop();
  }
};
