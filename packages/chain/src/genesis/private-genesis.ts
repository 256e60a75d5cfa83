import type { Root } from '@blyan/interface';
import { PROTOCOL_PARAMS } from '@blyan/params';
import { ChainError } from '../errors.ts';
import { type BuiltGenesis, encodeGenesis } from './genesis-bytes.ts';
import { describeIssues, type GenesisValidator, genesisSchema, type PrivateGenesis } from './genesis-schema.ts';

export interface PrivateGenesisOptions {
  /** 1 to 64 letters, digits, dots, dashes, underscores or blanks. */
  readonly name: string;
  /** 16 to 64 random bytes: two networks of one name stay apart. */
  readonly salt: Uint8Array;
  readonly modelRoot?: Root;
  /** Whose votes count from the first block on; without any the chain stays at its genesis block. */
  readonly validators?: readonly GenesisValidator[];
  /** Balances in base units, decimal text; together below 2^128. */
  readonly accounts?: PrivateGenesis['accounts'];
  /** Models that are published from the start. */
  readonly models?: PrivateGenesis['models'];
}

/**
 * The genesis of a local network, or of a node started alone. A pure function of its options and this build's protocol
 * parameters.
 *
 * @throws ChainError ERR_CHAIN_GENESIS_OPTIONS
 */
export function privateGenesis({ name, salt, modelRoot, ...state }: PrivateGenesisOptions): BuiltGenesis {
  const { validators = [], accounts, models } = state;
  const result = genesisSchema.safeParse({
    type: 'blyan/genesis',
    v: 1,
    access: 'private',
    name,
    salt,
    ...(modelRoot !== undefined && { modelRoot }),
    ...(accounts !== undefined && { accounts }),
    ...(models !== undefined && { models }),
    protocol: PROTOCOL_PARAMS,
    validators,
  });
  if (result.success) return encodeGenesis(result.data);
  throw new ChainError('ERR_CHAIN_GENESIS_OPTIONS', `No private network can be made: ${describeIssues(result.error)}.`);
}
