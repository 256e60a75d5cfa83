import { bytesToHex } from '@noble/hashes/utils.js';
import { GatewayError } from '../errors.ts';

/** `isValidSignature(bytes32,bytes)`: selector, and what it returns for a signature it stands by (EIP-1271). */
const MAGIC = '1626ba7e';
const RPC_TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Asks wallets that are contracts whether a signature is theirs, through an Ethereum node that the operator names.
 * Wallets that are not deployed yet (EIP-6492) are not asked.
 */
export class ContractWallets {
  readonly #rpcUrl: string;
  readonly #fetch: typeof fetch;
  #chainId: Promise<number> | null = null;

  constructor(rpcUrl: string, fetchWith: typeof fetch = fetch) {
    this.#rpcUrl = rpcUrl;
    this.#fetch = fetchWith;
  }

  /**
   * @param hash 32 bytes
   * @param signature `0x` and an even number of hex digits
   * @throws GatewayError ERR_GATEWAY_RPC when the node does not answer, or is of another chain
   */
  async accepts(address: string, chainId: number, hash: Uint8Array, signature: string): Promise<boolean> {
    this.#chainId ??= this.#call('eth_chainId', []).then((answer) => Number(answer));
    const known = await this.#chainId.catch((error) => {
      this.#chainId = null;
      throw error;
    });
    if (known !== chainId) throw rpcError(`is of chain ${known}, not ${chainId}`);
    const data = encodeIsValidSignature(hash, signature.slice(2));
    const answer = await this.#call('eth_call', [{ to: address, data }, 'latest']);
    return answer !== null && answer.length === 66 && answer.startsWith(`0x${MAGIC}${'0'.repeat(56)}`);
  }

  /** The hex string that a method returns; null when the node answers with an error (a call that reverts). */
  async #call(method: string, params: unknown[]): Promise<string | null> {
    let body: { readonly result?: unknown };
    try {
      const response = await this.#fetch(this.#rpcUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
        redirect: 'error',
        signal: AbortSignal.timeout(RPC_TIMEOUT_MS),
      });
      if (!response.ok) throw rpcError(`answers with status ${response.status}`);
      body = JSON.parse(await textOf(response));
    } catch (cause) {
      throw cause instanceof GatewayError ? cause : rpcError('does not answer', cause);
    }
    return typeof body?.result === 'string' ? body.result : null;
  }
}

function encodeIsValidSignature(hash: Uint8Array, signatureHex: string): string {
  const word = (value: number) => value.toString(16).padStart(64, '0');
  const bytes = signatureHex.length / 2;
  const padded = signatureHex.padEnd(Math.ceil(bytes / 32) * 64, '0');
  return `0x${MAGIC}${bytesToHex(hash)}${word(64)}${word(bytes)}${padded}`;
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw rpcError('answers with too much');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function rpcError(what: string, cause?: unknown): GatewayError {
  const message = `The Ethereum node that contract wallets are checked with ${what}: sign in with another wallet, or try again later.`;
  return new GatewayError('ERR_GATEWAY_RPC', message, { cause });
}
