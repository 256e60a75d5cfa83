import { EventEmitter } from 'node:events';
import { nodeKey } from '@blyan/chain';
import { decodeCanonical, encodeCanonical } from '@blyan/codec/canonical';
import { toHex } from '@blyan/crypto';
import type { Chain } from '@blyan/interface';
import type { NodeView } from '@blyan/routing';
import { type Claims, nodeContent } from '../chain/records.ts';
import type { OwnRecords } from './own-records.ts';
import { firstOf } from './wait-for-peers.ts';

/** A registration takes two hops of a record and three of a block; one that takes longer waits for validators. */
const FINAL_WITHIN_MS = 3_000;
const MAX_ABSENT = 4_096;
const MAX_VALUE_BYTES = 64 * 1024;

/** A chain that may stop for good: what was registered stays so. */
type RegistryChain = Pick<Chain, 'value' | 'onHead'> & { readonly failure: Error | null };

interface RegistryEvents {
  /** Somebody was registered. */
  change: [];
}

/**
 * Which nodes are registered on the chain. A registration never ends, so that one that was seen is not looked up again; a
 * chain that stands still leaves those who are registered in their place.
 */
export class NodeRegistry extends EventEmitter<RegistryEvents> {
  readonly #chain: RegistryChain;
  readonly #registered = new Set<string>();
  /** Asked for and not registered, as of the head. */
  readonly #absent = new Set<string>();
  /** The same object for the same view: what was worked out for it is kept by it. */
  readonly #applied = new WeakMap<NodeView, NodeView>();
  #unlisten: () => void = () => undefined;

  constructor(chain: RegistryChain) {
    super();
    // Every answer that waits for a node to come back listens.
    this.setMaxListeners(0);
    this.#chain = chain;
  }

  start(): void {
    this.#unlisten = this.#chain.onHead(() => this.#look());
  }

  stop(): void {
    this.#unlisten();
  }

  isRegistered(publicKey: Uint8Array): boolean {
    const address = toHex(publicKey);
    if (this.#registered.has(address)) return true;
    if (this.#absent.has(address) || this.#chain.failure !== null) return false;
    if (this.#absent.size >= MAX_ABSENT) this.#absent.clear();
    const isThere = this.#chain.value(nodeKey(address)) !== null;
    (isThere ? this.#registered : this.#absent).add(address);
    return isThere;
  }

  /** The view with what plans need to know: a node that is not registered is none to plan with, but the one that plans is. */
  apply(view: NodeView): NodeView {
    const registered = this.isRegistered(view.publicKey);
    const known = this.#applied.get(view);
    if (known?.registered === registered) return known;
    const applied = { ...view, registered, reachable: view.reachable && (registered || view.self) };
    this.#applied.set(view, applied);
    return applied;
  }

  /**
   * Registers this node, unless it is with these claims. A name that was given to it stays.
   * @param waits until that is final, or the chain is too slow to wait for
   */
  async register(claims: Claims, records: OwnRecords, waits: boolean, signal: AbortSignal): Promise<void> {
    const key = nodeKey(records.address);
    const content = nodeContent({ ...claims, ...nameAt(this.#chain.value(key)) });
    if (claimsAt(this.#chain.value(key)) === claimsIn(content.body)) return;
    const hash = await records.send(content);
    if (hash === null || !waits) return;
    const isFinal = () => claimsAt(this.#chain.value(key)) === claimsIn(content.body);
    if (isFinal()) return;
    await firstOf(FINAL_WITHIN_MS, signal, (done) => this.#chain.onHead(() => isFinal() && done()));
  }

  #look(): void {
    let isNew = false;
    for (const address of this.#absent) {
      if (this.#chain.value(nodeKey(address)) === null) continue;
      this.#absent.delete(address);
      this.#registered.add(address);
      isNew = true;
    }
    if (isNew) this.emit('change');
  }
}

function nameAt(value: Uint8Array | null): { name?: string } {
  const known = value && (decodeCanonical(value, { maxBytes: MAX_VALUE_BYTES }) as { claims?: { name?: string } });
  return known?.claims?.name === undefined ? {} : { name: known.claims.name };
}

function claimsAt(value: Uint8Array | null): string | null {
  return value && claimsIn(decodeCanonical(value, { maxBytes: MAX_VALUE_BYTES }) as Parameters<typeof claimsIn>[0]);
}

function claimsIn(body: { readonly claims?: unknown }): string {
  return toHex(encodeCanonical((body.claims ?? null) as Parameters<typeof encodeCanonical>[0]));
}
