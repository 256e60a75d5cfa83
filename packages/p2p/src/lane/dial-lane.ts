import { connect, type TLSSocket } from 'node:tls';
import { P2pError } from '../errors.ts';
import type { LaneInvitation } from './lane-door.ts';
import { LANE_TLS } from './lane-tls.ts';

const DIAL_MS = 2_000;

/** @throws P2pError ERR_P2P_UNREACHABLE */
export function dialLane(host: string, { port, identity, secret }: LaneInvitation): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...LANE_TLS,
      host,
      port,
      pskCallback: () => ({ identity, psk: secret }),
      // Not called: a server that has to show a certificate does not know the secret.
      checkServerIdentity: () => new Error('a certificate'),
    });
    const fail = (cause?: unknown) => {
      socket.destroy();
      reject(new P2pError('ERR_P2P_UNREACHABLE', 'No lane to the peer could be opened.', { kind: 'peer', cause }));
    };
    const timer = setTimeout(fail, DIAL_MS);
    timer.unref();
    socket.once('error', fail);
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      if (Object.keys(socket.getPeerCertificate()).length > 0) fail();
      else resolve(socket);
    });
  });
}
