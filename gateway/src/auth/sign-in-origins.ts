import type { SignInRefusal } from '@blyan/api';
import { isLoopbackHost } from '../loopback.ts';

/** Where people may sign in, or why they cannot. */
export interface SignInOrigins {
  /** As browsers write them, the main one first; empty when nobody can sign in. */
  readonly origins: readonly string[];
  /** Null when people can. */
  readonly refusal: Refusal | null;
}

export interface Refusal {
  readonly reason: SignInRefusal;
  /** A sentence that says what to do. */
  readonly message: string;
}

/**
 * The origins of a gateway, from its configuration alone: what a request says of itself (Host, X-Forwarded-…) is never
 * asked. A wallet shows the origin to the person who signs, and a signature is worth nothing at another one.
 *
 * @param configured `--origin`; null: the loopback address it listens on
 * @param port that it listens on
 */
export function signInOrigins(configured: string | null, host: string, port: number): SignInOrigins {
  if (configured === null) {
    if (!isLoopbackHost(host)) {
      return refused(
        'no_origin',
        'it is not told under which https origin people reach it: start it with --origin https://NAME',
      );
    }
    const names = ['127.0.0.1', 'localhost', '[::1]'];
    return { origins: names.map((name) => new URL(`http://${name}:${port}`).origin), refusal: null };
  }
  const url = URL.canParse(configured) ? new URL(configured) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.origin !== configured.replace(/\/$/, '').toLowerCase()) {
    return refused(
      'origin_invalid',
      'its --origin is none: write for example https://chat.example.org, without a path',
    );
  }
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname)) {
    return refused(
      'plain_http',
      `${url.origin} is plain http, where anybody on the way could take over the session: serve it over https`,
    );
  }
  return { origins: [url.origin], refusal: null };
}

/** Names of the two cookies. Over https the prefix makes browsers refuse any that another host or a script's path planted. */
export function cookieNames(origin: string): { readonly session: string; readonly challenge: string } {
  const { protocol, port } = new URL(origin);
  // Cookies know no ports: two gateways of one machine would sign each other's people out. Not Secure, because not every
  // browser takes that from http://127.0.0.1.
  const name = protocol === 'https:' ? '__Host-blyan' : `blyan-${port || 80}`;
  return { session: `${name}-session`, challenge: `${name}-challenge` };
}

function refused(reason: SignInRefusal, why: string): SignInOrigins {
  return { origins: [], refusal: { reason, message: `Nobody can sign in at this gateway, because ${why}.` } };
}
