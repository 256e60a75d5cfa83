import { AppError } from '@blyan/interface';
import { P2pError, RemoteError } from '@blyan/p2p';
import { expect, test } from 'vitest';
import { isFinalError } from '../src/executor/final-error.ts';
import { LostError, lossReason } from '../src/executor/loss-reason.ts';
import { InferenceError } from '../src/index.ts';

const p2p = (code: ConstructorParameters<typeof P2pError>[0]) => new P2pError(code, 'no', { kind: 'peer' });

test.each([
  [p2p('ERR_P2P_TIMEOUT'), 'silent'],
  [p2p('ERR_P2P_PEER_GONE'), 'gone'],
  [p2p('ERR_P2P_UNREACHABLE'), 'gone'],
  [new RemoteError('p', 'ERR_INFERENCE_SEQUENCE_UNKNOWN', 'no', {}), 'gone'],
  [new LostError('p', 'silent'), 'silent'],
  [new RemoteError('p', 'ERR_INFERENCE_BUSY', 'no', {}), 'error'],
  [p2p('ERR_P2P_BUSY'), 'error'],
  [new Error('anything'), 'error'],
])('%s is the loss of a node that is %s', (error, reason) => {
  expect(lossReason(error)).toBe(reason);
});

test.each([
  [new InferenceError('ERR_INFERENCE_RANGE', 'no', { kind: 'peer' }), true],
  [new InferenceError('ERR_INFERENCE_KV_BUDGET', 'no', { kind: 'caller' }), true],
  [
    new InferenceError('ERR_INFERENCE_STAGE', 'no', { kind: 'peer', meta: { code: 'ERR_INFERENCE_MISSING_BLOCKS' } }),
    true,
  ],
  [new RemoteError('p', 'ERR_INFERENCE_CONTEXT', 'no', {}), true],
  [new InferenceError('ERR_INFERENCE_STAGE', 'no', { kind: 'peer', meta: { code: 'ERR_P2P_PEER_GONE' } }), false],
  [new InferenceError('ERR_INFERENCE_BUSY', 'no'), false],
  [new AppError('ERR_P2P_TIMEOUT', 'no', { kind: 'peer' }), false],
  [new Error('ERR_INFERENCE_RANGE'), false],
])('%s: asking somebody else is of no use: %s', (error, isFinal) => {
  expect(isFinalError(error)).toBe(isFinal);
});
