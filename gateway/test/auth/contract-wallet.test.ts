import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { checksumAddress, personalHash } from '../../src/auth/ethereum.ts';
import { startGateway } from '../harness.ts';
import { Browser } from './browser.ts';
import { Wallet } from './wallet.ts';

const CONTRACT = checksumAddress(`0x${'c0'.repeat(20)}`);
const MAGIC = `0x1626ba7e${'0'.repeat(56)}`;

interface Node {
  chainId: string;
  /** Answers to `isValidSignature`, given the hash and the signature in hex. */
  answer: (hash: string, signature: string) => unknown;
  readonly calls: { readonly method: string; readonly params: unknown[] }[];
  raw?: string;
  status?: number;
}

/** The JSON-RPC of an Ethereum node with one contract; the arguments are decoded by the rules of the contract ABI. */
async function ethereumNode(options: Partial<Node> = {}): Promise<{ node: Node; url: string }> {
  const node: Node = { chainId: '0x1', answer: () => MAGIC, calls: [], ...options };
  const server = createServer(async (request, response) => {
    const call = JSON.parse(Buffer.concat(await request.toArray()).toString());
    node.calls.push(call);
    const result = call.method === 'eth_chainId' ? node.chainId : execute(call.params[0].data);
    const body = result === null ? { error: { code: 3, message: 'execution reverted' } } : { result };
    response.writeHead(node.status ?? 200).end(node.raw ?? JSON.stringify({ jsonrpc: '2.0', id: call.id, ...body }));
  });
  const execute = (data: string) => {
    const word = (at: number) => data.slice(10 + at * 64, 10 + (at + 1) * 64);
    expect([data.slice(0, 10), Number(`0x${word(1)}`)]).toEqual(['0x1626ba7e', 64]);
    const bytes = Number(`0x${word(2)}`);
    const rest = data.slice(10 + 3 * 64);
    expect(rest.length % 64).toBe(0);
    return node.answer(word(0), rest.slice(0, bytes * 2));
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { node, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function signInAsContract(ethereumRpc: string | undefined, signature: string) {
  const { url } = await startGateway({}, { ethereumRpc });
  const browser = new Browser(url);
  const { body } = await browser.fetch('POST', '/auth/siwe/challenge', { address: CONTRACT, chainId: 1 });
  const hash = Buffer.from(personalHash(body.message)).toString('hex');
  return { hash, ...(await browser.verify(body.message, signature)) };
}

test('a contract that stands by a signature signs in, whatever the signature looks like', async () => {
  const { node, url } = await ethereumNode();
  for (const signature of ['0x00', `0x${'ab'.repeat(32)}`, `0x${'cd'.repeat(195)}`]) {
    const seen: string[] = [];
    node.answer = (hash, given) => {
      seen.push(hash, `0x${given}`);
      return MAGIC;
    };
    const { status, body, hash } = await signInAsContract(url, signature);
    expect([status, body.address]).toEqual([200, CONTRACT.toLowerCase()]);
    expect(seen).toEqual([hash, signature]);
    expect(node.calls.at(-1)?.params).toMatchObject([{ to: CONTRACT.toLowerCase() }, 'latest']);
  }
});

test.each([
  ['another value', () => `0xffffffff${'0'.repeat(56)}`],
  ['the magic value and more', () => `0x1626ba7e${'0'.repeat(55)}1`],
  ['a longer answer', () => `${MAGIC}00`],
  ['nothing, as an address without code does', () => '0x'],
  ['that it reverts', () => null],
])('a contract that answers with %s does not', async (_name, answer) => {
  const { url } = await ethereumNode({ answer });
  const { status, body } = await signInAsContract(url, '0x00');
  expect([status, body.error.code]).toEqual([401, 'ERR_GATEWAY_SIWE_SIGNATURE']);
});

test.each([
  ['of another chain', { chainId: '0x89' }],
  ['that fails', { status: 500 }],
  ['that speaks no JSON', { raw: '<html>' }],
  ['that answers without end', { raw: `{"result":"${'0'.repeat(70_000)}"}` }],
])('with an Ethereum node %s nobody can tell, which is no fault of the wallet', async (_name, options) => {
  const { url } = await ethereumNode(options);
  const { status, body, headers } = await signInAsContract(url, '0x00');
  expect([status, body.error.code, headers.get('retry-after')]).toEqual([503, 'ERR_GATEWAY_RPC', '5']);
});

test('without one, and with one that is gone, contracts do not sign in; accounts with a key do', async () => {
  const alone = await signInAsContract(undefined, '0x00');
  expect([alone.status, alone.body.error.code]).toEqual([401, 'ERR_GATEWAY_SIWE_SIGNATURE']);
  expect(alone.body.error.message).toContain('needs an Ethereum node');
  expect((await signInAsContract('http://127.0.0.1:1', '0x00')).body.error.code).toBe('ERR_GATEWAY_RPC');
  const { node, url } = await ethereumNode();
  const gateway = await startGateway({}, { ethereumRpc: url });
  expect((await new Browser(gateway.url).signIn(new Wallet())).status).toBe(200);
  expect(node.calls).toEqual([]);
});
