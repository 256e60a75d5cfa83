import { toHex } from '@blyan/crypto';
import { z } from 'zod';
import type { StateView } from '../state/state-draft.ts';
import { PACT_KEY } from '../state/state-keys.ts';
import { bytes32 } from './body-parts.ts';
import { recordType } from './record-type.ts';

/** Amounts are below; more than all BLY there will ever be. */
const AMOUNT_END = 1n << 128n;

const amount = z
  .union([z.int(), z.bigint()])
  .transform((value) => BigInt(value))
  .refine((value) => value > 0n && value < AMOUNT_END, 'not from 1 to 2^128 - 1');

/** The share of an amount that the pact sets as fee, rounded up; nothing where a network has no pact. */
function feeShare(value: bigint, state: StateView): bigint {
  const pact = state.get(PACT_KEY) as { chain: { transactionFeePermille: number } } | undefined;
  const permille = BigInt(pact?.chain.transactionFeePermille ?? 0);
  return (value * permille + 999n) / 1_000n;
}

/** Lane C: moves base units to another account, or to the author's own. */
export const transferRecord = recordType({
  lane: 'C',
  name: 'transfer',
  version: 1,
  body: z.strictObject({ to: bytes32, amount }),
  spends: ({ amount }) => amount,
  leastFee: ({ amount }, state) => feeShare(amount, state),
  check: () => null,
  apply(state, { author }, { to, amount }) {
    const sender = state.account(author);
    state.putAccount(author, { ...sender, balance: sender.balance - amount });
    const address = toHex(to);
    const receiver = state.account(address);
    state.putAccount(address, { ...receiver, balance: receiver.balance + amount });
  },
});
