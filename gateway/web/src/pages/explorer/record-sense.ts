import { isFields, listOf, numberOf, textOf } from './fields.ts';

/** What a node says of itself on the chain. */
export interface NodeClaims {
  /** Empty where it has none. */
  readonly name: string;
  readonly tier: number;
  readonly profile: string;
  readonly memoryBytes: number;
  readonly addresses: readonly string[];
}

/** What a record does, as far as this page knows its type. */
export type RecordSense =
  | { readonly type: 'transfer'; readonly to: string; readonly amount: bigint }
  | ({ readonly type: 'node' } & NodeClaims)
  | {
      readonly type: 'model';
      readonly name: string;
      readonly version: string;
      readonly root: string;
      readonly layers: number;
      readonly experts: number;
    }
  | {
      readonly type: 'expert';
      readonly model: string;
      readonly layer: number;
      readonly expert: number;
      readonly slices: number;
      readonly round: number;
    }
  /** A type that this page does not know, or a body that was left out or is not as it must be. */
  | { readonly type: 'other' };

export interface ReadableRecord {
  /** As the record calls it. */
  readonly type: string;
  readonly version: number;
  readonly lane: string;
  readonly author: string;
  readonly nonce: number;
  readonly fee: bigint;
  readonly dependsOn: readonly string[];
  readonly sense: RecordSense;
}

/** Reads the fields of a record as the API tells them; null where they are none. Never throws. */
export function readRecord(fields: unknown): ReadableRecord | null {
  if (!isFields(fields)) return null;
  const [type, lane, author] = [textOf(fields.type), textOf(fields.lane), textOf(fields.author)];
  if (type === '' || author === '') return null;
  return {
    ...{ type, lane, author, version: numberOf(fields.version), nonce: numberOf(fields.nonce) },
    fee: bigintOf(fields.fee) ?? 0n,
    dependsOn: listOf(fields.dependsOn).map(textOf),
    sense: senseOf(type, fields.body),
  };
}

/** Null for what are no claims. */
export function claimsOf(claims: unknown): NodeClaims | null {
  if (!isFields(claims)) return null;
  const { name, tier, profile, memoryBytes, addresses } = claims;
  return {
    ...{ name: textOf(name), tier: numberOf(tier), profile: textOf(profile) },
    ...{ memoryBytes: numberOf(memoryBytes), addresses: listOf(addresses).map(textOf) },
  };
}

function senseOf(type: string, body: unknown): RecordSense {
  if (!isFields(body)) return { type: 'other' };
  if (type === 'transfer') {
    const amount = bigintOf(body.amount);
    return amount === null ? { type: 'other' } : { type, to: textOf(body.to), amount };
  }
  if (type === 'node') {
    const claims = claimsOf(body.claims);
    return claims === null ? { type: 'other' } : { type, ...claims };
  }
  if (type === 'model') {
    const layers = listOf(body.experts);
    const experts = layers.reduce<number>((sum, layer) => sum + listOf(layer).length, 0);
    const [name, version, root] = [textOf(body.name), textOf(body.version), textOf(body.root)];
    return { type, name, version, root, layers: layers.length, experts };
  }
  if (type === 'expert') {
    const round = isFields(body.base) ? numberOf(body.base.round) : 0;
    const [layer, expert] = [numberOf(body.layer), numberOf(body.expert)];
    return { type, model: textOf(body.model), layer, expert, slices: textOf(body.roots).length / 64, round };
  }
  return { type: 'other' };
}

function bigintOf(value: unknown): bigint | null {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  return typeof value === 'string' && /^\d{1,78}$/.test(value) ? BigInt(value) : null;
}
