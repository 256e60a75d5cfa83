import type { PeerId } from '@blyan/interface';
import type { PeerProtocol } from '@blyan/p2p';
import type { RemoteExpertCall } from '../layer-pass.ts';
import { ExpertCall, type ExpertCallContext } from './expert-call.ts';
import { Holders, type HoldersDeps } from './holders.ts';

export interface ExpertCallerDeps extends HoldersDeps {
  readonly protocol: PeerProtocol;
}

/** Calls experts where the plan says they are: one call per holder and layer, all holders at once. */
export class ExpertCaller {
  readonly #deps: ConstructorParameters<typeof ExpertCall>[0];

  constructor(options: { readonly self: PeerId }, deps: ExpertCallerDeps) {
    this.#deps = { self: options.self, protocol: deps.protocol, holders: new Holders(deps) };
  }

  /**
   * @returns outputs in the order of the call's groups, each [rows of the group, hidden]
   * @throws InferenceError ERR_INFERENCE_MISSING_BLOCKS when no holder of an expert answers, nor comes back within 30 s
   */
  call(context: ExpertCallContext, call: RemoteExpertCall): Promise<Float32Array<ArrayBuffer>[]> {
    return new ExpertCall(this.#deps, context, call).run();
  }

  /** A new connection to a holder stands. */
  returned(peerId: PeerId): void {
    this.#deps.holders.returned(peerId);
  }
}
