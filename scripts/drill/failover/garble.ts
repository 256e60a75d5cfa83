import { BroadcastChannel, isMainThread } from 'node:worker_threads';
import { PeerProtocol } from '@blyan/p2p';
import { Lane } from '@blyan/p2p/lane';

// Loaded into a daemon with --import. From SIGUSR2 on, every row it sends to another node is garbage, a different kind each
// time: not a number, too short, too long. All else about the daemon is as it always is. The engine's thread loads it too, and
// hears of the signal from the main thread.

type Body = Uint8Array | readonly Uint8Array[];

/** Rows end a frame; the last of these bytes are float values in every frame that carries any. */
const TAIL_BYTES = 64;

let isGarbling = false;
let sent = 0;

function garble(body: Body): Uint8Array {
  const bytes = Buffer.concat(Array.isArray(body) ? body : [body as Uint8Array]);
  const kind = sent++ % 3;
  if (kind === 0) return bytes.fill(0xff, Math.max(0, bytes.byteLength - TAIL_BYTES));
  return kind === 1 ? bytes.subarray(0, -4) : Buffer.concat([bytes, Buffer.alloc(4)]);
}

const begun = new BroadcastChannel('garble');

if (isMainThread) {
  process.on('SIGUSR2', () => {
    isGarbling = true;
    begun.postMessage(null);
  });
  const { notifyRaw, handleRawCall } = PeerProtocol.prototype;
  PeerProtocol.prototype.notifyRaw = function (peerId, method, body, options) {
    const isRows = isGarbling && method === 'step';
    return notifyRaw.call(this, peerId, method, isRows ? garble(body) : body, options);
  };
  PeerProtocol.prototype.handleRawCall = function (method, run) {
    handleRawCall.call(this, method, async (body, context) => {
      const answer = await run(body, context);
      return isGarbling && method === 'experts' ? garble(answer) : answer;
    });
  };
} else {
  begun.onmessage = () => {
    isGarbling = true;
  };
  const { send } = Lane.prototype;
  Lane.prototype.send = function (parts) {
    return send.call(this, isGarbling ? [garble(parts)] : parts);
  };
}
begun.unref();
