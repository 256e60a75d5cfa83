import { type CanonicalValue, decodeCanonical, encodeCanonical } from '@blyan/codec';
import { fromHex, sha256, toHex } from '@blyan/crypto';
import type { NetworkId, Root } from '@blyan/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { z } from 'zod';
import { P2pError } from './errors.ts';
import { MAX_JOIN_SECRET_BYTES, MIN_JOIN_SECRET_BYTES } from './join-secret.ts';

export const INVITE_PREFIX = 'blyan1';
const CHECKSUM_BYTES = 4;
const MAX_ADDRESSES = 16;
const MAX_ADDRESS_CHARS = 256;
const MAX_INVITE_CHARS = 8192;

/** All a new node needs: where to connect, to which network, for which model, and the secret of a private network. */
export interface Invite {
  /** Multiaddrs ending in `/p2p/<peer id>`, 1 to 16. */
  readonly addresses: readonly string[];
  readonly networkId: NetworkId;
  readonly modelRoot?: Root;
  /** 16 to 64 bytes. Whoever has the token has it. */
  readonly joinSecret?: Uint8Array;
}

const bytes = (least: number, most: number) =>
  z.instanceof(Uint8Array).refine((value) => value.byteLength >= least && value.byteLength <= most);
const inviteBody = z.object({
  v: z.literal(1),
  addresses: z.array(z.string().max(MAX_ADDRESS_CHARS)).min(1).max(MAX_ADDRESSES),
  network: bytes(32, 32),
  model: bytes(32, 32).optional(),
  secret: bytes(MIN_JOIN_SECRET_BYTES, MAX_JOIN_SECRET_BYTES).optional(),
});

/** `blyan1` and base64url of canonical CBOR with the first four bytes of its SHA-256. */
export function encodeInvite(invite: Invite): string {
  const { addresses, networkId, modelRoot, joinSecret } = invite;
  const value: Record<string, CanonicalValue> = { v: 1, addresses, network: fromHex(networkId) };
  if (modelRoot !== undefined) value.model = fromHex(modelRoot);
  if (joinSecret !== undefined) value.secret = joinSecret;
  if (!inviteBody.safeParse(value).success) {
    throw new P2pError(
      'ERR_P2P_INVITE',
      `An invite has 1 to ${MAX_ADDRESSES} addresses; this node has none others can reach.`,
      {
        kind: 'caller',
      },
    );
  }
  const body = encodeCanonical(value);
  return INVITE_PREFIX + Buffer.concat([body, checksum(body)]).toString('base64url');
}

export function isInvite(text: string): boolean {
  return text.startsWith(INVITE_PREFIX);
}

/** @throws P2pError ERR_P2P_INVITE for anything that {@link encodeInvite} did not make, a mistyped character included. */
export function decodeInvite(text: string): Invite {
  const token = text.trim();
  if (!isInvite(token) || token.length > MAX_INVITE_CHARS) throw badInvite();
  const encoded = token.slice(INVITE_PREFIX.length);
  const raw = Buffer.from(encoded, 'base64url');
  const body = raw.subarray(0, Math.max(0, raw.byteLength - CHECKSUM_BYTES));
  if (raw.toString('base64url') !== encoded || !raw.subarray(body.byteLength).equals(checksum(body))) throw badInvite();
  try {
    const { addresses, network, model, secret } = inviteBody.parse(
      decodeCanonical(body, { maxBytes: MAX_INVITE_CHARS }),
    );
    for (const address of addresses) multiaddr(address);
    return {
      addresses,
      networkId: toHex(network),
      ...(model === undefined ? {} : { modelRoot: toHex(model) }),
      ...(secret === undefined ? {} : { joinSecret: secret }),
    };
  } catch (cause) {
    throw badInvite(cause);
  }
}

function checksum(body: Uint8Array): Buffer {
  return Buffer.from(sha256(body).subarray(0, CHECKSUM_BYTES));
}

function badInvite(cause?: unknown): P2pError {
  const message = `This is not a complete invite; copy the whole token that starts with ${INVITE_PREFIX}.`;
  return new P2pError('ERR_P2P_INVITE', message, { kind: 'caller', cause });
}
