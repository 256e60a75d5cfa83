import { type CanonicalValue, decodeCanonical, encodeCanonical } from '@blyan/codec';
import { isRoot, type PeerId, PLAN_TYPES, type PlanType } from '@blyan/interface';
import {
  MAX_EXPERT_HOLDERS,
  MAX_EXPERTS_PER_LAYER,
  MAX_FALLBACKS,
  MAX_FRAME_BYTES,
  MAX_LAYERS,
  MAX_STAGES,
} from '@blyan/params';
import { RoutingError } from './errors.ts';
import type { Plan } from './plan.ts';

const VERSION = 1;
const MAX_PEERS = 4_096;
const PEER_ID = /^[1-9A-HJ-NP-Za-km-z]{1,128}$/;

/**
 * The canonical bytes of a plan, its signature left out: what is signed, and how a plan travels. Peers are listed once
 * and referred to by index, because a plan names holders for every expert of every layer.
 */
export function planBytes(plan: Plan): Uint8Array {
  const index = new Map<PeerId, number>();
  const ref = (peerId: PeerId): number => {
    const known = index.get(peerId);
    if (known !== undefined) return known;
    index.set(peerId, index.size);
    return index.size - 1;
  };
  const body = {
    v: VERSION,
    type: plan.type,
    modelRoot: plan.modelRoot,
    profile: plan.profile,
    mixed: plan.mixedProfile,
    embedding: ref(plan.embedding),
    head: ref(plan.head),
    stages: plan.stages.map((stage) => [ref(stage.peerId), stage.firstLayer, stage.lastLayer]),
    experts: plan.experts.map((layer) => layer.map((holders) => holders.map(ref))),
    fallback: plan.fallbackOrder.map(ref),
  };
  return encodeCanonical({ ...body, peers: [...index.keys()] });
}

/**
 * Reads a plan that another node sent. Everything is bounded, and checked: stages cover layers 0 to n-1 once in
 * order, every layer has the same number of experts, every expert has holders.
 *
 * @throws RoutingError ERR_ROUTING_PLAN_BYTES, `kind` peer
 */
export function decodePlan(bytes: Uint8Array): Plan {
  let value: CanonicalValue;
  try {
    value = decodeCanonical(bytes, { maxBytes: MAX_FRAME_BYTES });
  } catch (cause) {
    throw refuse('it is not canonical CBOR', cause);
  }
  const plan = readPlan(value);
  // Peers in another order, or peers nobody refers to, would give one plan a second form.
  if (Buffer.compare(planBytes(plan), bytes) !== 0) throw refuse('it is not in its one canonical form');
  return plan;
}

function readPlan(value: CanonicalValue): Plan {
  const body = map(value);
  if (body.v !== VERSION) throw refuse(`its version is not ${VERSION}`);
  const peers = list(body.peers, 'peers', MAX_PEERS).map((peer) => {
    if (typeof peer !== 'string' || !PEER_ID.test(peer)) throw refuse('peers holds something that is no peer id');
    return peer;
  });
  const peer = (ref: CanonicalValue | undefined): PeerId => {
    const peerId = peers[integer(ref, peers.length)];
    if (peerId === undefined) throw refuse('it refers to a peer it does not list');
    return peerId;
  };
  const { type, modelRoot, profile, mixed } = body;
  if (!PLAN_TYPES.includes(type as PlanType)) throw refuse('its type is unknown');
  if (!isRoot(modelRoot)) throw refuse('modelRoot is no root');
  if (typeof profile !== 'string' || profile.length > 512) throw refuse('profile is no text of at most 512 characters');
  if (typeof mixed !== 'boolean') throw refuse('mixed is no boolean');
  const experts = list(body.experts, 'experts', MAX_LAYERS).map((layer) =>
    list(layer, 'experts', MAX_EXPERTS_PER_LAYER).map((holders) => {
      const ids = list(holders, 'holders', MAX_EXPERT_HOLDERS).map(peer);
      if (ids.length === 0) throw refuse('an expert has no holder');
      return ids;
    }),
  );
  if (experts.some((layer) => layer.length === 0 || layer.length !== experts[0]?.length)) {
    throw refuse('its layers differ in their number of experts');
  }
  let next = 0;
  const stages = list(body.stages, 'stages', MAX_STAGES).map((stage) => {
    const [ref, first, last] = list(stage, 'stage', 3);
    const firstLayer = integer(first, MAX_LAYERS);
    const lastLayer = integer(last, MAX_LAYERS);
    if (firstLayer !== next || lastLayer < firstLayer) throw refuse('its stages do not cover the layers in order');
    next = lastLayer + 1;
    return { peerId: peer(ref), firstLayer, lastLayer };
  });
  if (next === 0 || next !== experts.length) throw refuse('its stages do not cover the layers in order');
  return {
    type: type as PlanType,
    modelRoot,
    profile,
    mixedProfile: mixed,
    embedding: peer(body.embedding),
    head: peer(body.head),
    stages,
    experts,
    fallbackOrder: list(body.fallback, 'fallback', MAX_FALLBACKS).map(peer),
  };
}

function map(value: CanonicalValue): Readonly<Record<string, CanonicalValue | undefined>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array) {
    throw refuse('it is no map');
  }
  return value as Readonly<Record<string, CanonicalValue | undefined>>;
}

function list(value: CanonicalValue | undefined, name: string, maxLength: number): readonly CanonicalValue[] {
  if (!Array.isArray(value) || value.length > maxLength) throw refuse(`${name} is no list of at most ${maxLength}`);
  return value;
}

function integer(value: CanonicalValue | undefined, end: number): number {
  if (typeof value !== 'number' || value < 0 || value >= end) throw refuse(`a number is not from 0 to ${end - 1}`);
  return value;
}

function refuse(why: string, cause?: unknown): RoutingError {
  return new RoutingError('ERR_ROUTING_PLAN_BYTES', `The plan cannot be used: ${why}. Ask its sender to update.`, {
    kind: 'peer',
    cause,
  });
}
