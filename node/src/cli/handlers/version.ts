import { createRequire } from 'node:module';
import { VERSION } from '../../version.ts';
import type { CommandHandler } from '../command.ts';
import { print, printJson } from '../output.ts';

/** The inference runtime's version from its package file, without loading the native library. */
function runtimeVersion(): string | null {
  try {
    return (createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string }).version;
  } catch {
    return null;
  }
}

export const version: CommandHandler = async (context, input) => {
  const versions = { version: VERSION, node: context.nodeVersion, onnxruntime: runtimeVersion() };
  if (input.options.json === true) return printJson(context, versions);
  print(context, `blyan-node ${VERSION} (node ${versions.node}, onnxruntime ${versions.onnxruntime ?? 'missing'})`);
};
