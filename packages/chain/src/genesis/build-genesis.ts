import type { z } from 'zod';
import { ChainError } from '../errors.ts';
import { type BuiltGenesis, encodeGenesis } from './genesis-bytes.ts';
import { type GenesisFile, hashGenesisFile, listGenesisFiles, readGenesisJson } from './genesis-folder.ts';
import { describeIssues, protocolSchema, validatorsSchema } from './genesis-schema.ts';
import { pactSchema } from './pact-schema.ts';

/**
 * The public genesis of a folder: a pure function of the names and bytes of its files. The pact's numbers, the protocol
 * parameters and the validators are taken in; every file, weights included, is bound by path, length and hash.
 *
 * @throws ChainError ERR_CHAIN_GENESIS_FILE when a file is missing, unreadable or does not belong;
 *   ERR_CHAIN_GENESIS_CONTENT when one does not say what it must (`meta.file`)
 */
export async function buildGenesis(dir: string, options: { signal?: AbortSignal } = {}): Promise<BuiltGenesis> {
  const files: GenesisFile[] = [];
  for (const path of await listGenesisFiles(dir)) files.push(await hashGenesisFile(dir, path, options.signal));
  const read = async <T>(path: string, schema: z.ZodType<T>): Promise<T> => {
    const byteLength = files.find((file) => file.path === path)?.byteLength ?? 0;
    const result = schema.safeParse(await readGenesisJson(dir, path, byteLength));
    if (result.success) return result.data;
    throw new ChainError('ERR_CHAIN_GENESIS_CONTENT', `${path} cannot be used: ${describeIssues(result.error)}.`, {
      meta: { file: path },
    });
  };
  const pact = await read('pact.json', pactSchema);
  const protocol = await read('protocol.json', protocolSchema);
  const { validators } = await read('validators.json', validatorsSchema);
  return encodeGenesis({ type: 'blyan/genesis', v: 1, access: 'public', pact, protocol, validators, files });
}
