import { type CanonicalValue, decodeCanonical, encodeCanonical } from '@blyan/codec';
import { sign, verify } from '@blyan/crypto';
import { isRoot, type PeerId } from '@blyan/interface';
import {
  MAX_ADDRESSES_PER_RECORD,
  MAX_MODELS_PER_RECORD,
  MAX_RECORD_BYTES,
  MAX_RECORD_TTL_MS,
  RECORD_SIGNATURE_DOMAIN,
} from '@blyan/params';
import type { NodeRecordFields } from '@blyan/routing';
import { publicKeyFromRaw } from '@libp2p/crypto/keys';
import { peerIdFromPublicKey } from '@libp2p/peer-id';
import { z } from 'zod';
import { P2pError } from './errors.ts';

const MAX_TEXT_CHARS = 1024;
/** Bitmap of a model with 2^17 blocks. */
const MAX_BITMAP_BYTES = 16 * 1024;

/** Four bits for each of 2^14 experts. */
const MAX_DEMAND_BYTES = 8 * 1024;

const count = z.number().int().nonnegative();
const text = z.string().max(MAX_TEXT_CHARS);
const bytesOf = (length: number) => z.instanceof(Uint8Array).refine((value) => value.byteLength === length);

const recordFields = z.object({
  v: z.literal(1),
  peerId: z.string().max(128),
  publicKey: bytesOf(32),
  addresses: z.array(z.string().max(256)).max(MAX_ADDRESSES_PER_RECORD),
  sequence: count,
  issuedAtMs: count,
  ttlMs: z.number().int().min(1).max(MAX_RECORD_TTL_MS),
  version: z.string().max(64),
  tier: z.number().int().min(0).max(9),
  profile: text,
  host: text,
  models: z
    .array(
      z.object({
        root: z.string().refine(isRoot),
        blocks: z.instanceof(Uint8Array).refine((value) => value.byteLength <= MAX_BITMAP_BYTES),
        demand: z
          .instanceof(Uint8Array)
          .refine((value) => value.byteLength <= MAX_DEMAND_BYTES)
          .optional(),
      }),
    )
    .max(MAX_MODELS_PER_RECORD),
  measured: z.object({
    stepUs: count,
    trunkUs: count,
    expertUs: count,
    headUs: count,
    prefillRowUs: count,
    bandwidthMBps: count,
    messageUs: count,
  }),
  active: count,
  queued: count,
  freeKvBytes: count,
  gateway: z.boolean(),
});

const envelope = z.object({ body: z.instanceof(Uint8Array), signature: bytesOf(64) });

/**
 * The bytes of a signed record: canonical CBOR of `{body, signature}`, where body is the canonical CBOR of the fields and the
 * signature is over body in the domain `blyan/record/1`.
 *
 * @throws P2pError ERR_P2P_RECORD when the fields break their bounds or take more than 64 KiB
 */
export function encodeNodeRecord(fields: NodeRecordFields, secretSeed: Uint8Array): Uint8Array {
  const parsed = recordFields.safeParse(fields);
  if (!parsed.success) throw badRecord('its fields break their bounds', { kind: 'internal', cause: parsed.error });
  const body = encodeCanonical(parsed.data as unknown as CanonicalValue);
  const bytes = encodeCanonical({ body, signature: sign(RECORD_SIGNATURE_DOMAIN, body, secretSeed) });
  if (bytes.byteLength > MAX_RECORD_BYTES) throw badRecord('it is too large', { kind: 'internal' });
  return bytes;
}

/**
 * The fields of a record whose signature holds and whose peer id belongs to its key. Fields this version does not know are
 * ignored; time and sequence are not judged here.
 *
 * @throws P2pError ERR_P2P_RECORD
 */
export function decodeNodeRecord(bytes: Uint8Array): NodeRecordFields {
  if (bytes.byteLength > MAX_RECORD_BYTES) throw badRecord('it is too large');
  try {
    const { body, signature } = envelope.parse(decodeCanonical(bytes, { maxBytes: MAX_RECORD_BYTES }));
    const fields = recordFields.parse(decodeCanonical(body, { maxBytes: MAX_RECORD_BYTES }));
    if (fields.peerId !== peerIdOf(fields.publicKey)) throw badRecord('its peer id belongs to another key');
    if (!verify(RECORD_SIGNATURE_DOMAIN, body, signature, fields.publicKey)) throw badRecord('its signature is wrong');
    return fields;
  } catch (error) {
    if (error instanceof P2pError) throw error;
    throw badRecord('it cannot be read', { kind: 'peer', cause: error });
  }
}

/** The peer id of an ed25519 public key of 32 bytes. */
export function peerIdOf(publicKey: Uint8Array): PeerId {
  return peerIdFromPublicKey(publicKeyFromRaw(publicKey)).toString();
}

function badRecord(why: string, options: { kind: 'peer' | 'internal'; cause?: unknown } = { kind: 'peer' }): P2pError {
  return new P2pError('ERR_P2P_RECORD', `A node record is not valid: ${why}.`, options);
}
