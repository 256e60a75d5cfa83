import { API_LIMITS } from '@blyan/api';
import { GatewayError } from './errors.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** `[` and `]` without the bit that makes them `{` and `}`. */
const OPEN = 0x5b;
const CLOSE = 0x5d;
const CURLY = 0x20;

/**
 * Refuses a body of brackets before it is parsed: `[[[[…` of a megabyte costs the parser and the collector 40 ms in which
 * nobody else is served, and a million empty lists 60. It is read as far as the first bracket too many. What is no JSON
 * is left to the parser.
 *
 * @throws GatewayError ERR_GATEWAY_REQUEST_INVALID
 */
export function assertPlainShape(body: Buffer): void {
  let depth = 0;
  let containers = 0;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at] as number;
    if (byte === QUOTE) {
      at = endOfString(body, at + 1);
    } else if ((byte & ~CURLY) === OPEN) {
      containers++;
      depth++;
      if (depth > API_LIMITS.jsonDepth) throw refused(`is nested deeper than ${API_LIMITS.jsonDepth} levels`);
      if (containers > API_LIMITS.jsonContainers) {
        throw refused(`has more than ${API_LIMITS.jsonContainers} lists and objects`);
      }
    } else if ((byte & ~CURLY) === CLOSE) {
      depth--;
    }
  }
}

/** Where the string ends that begins at `from`; the end of the body when it does not. */
function endOfString(body: Buffer, from: number): number {
  for (let end = from; ; end++) {
    end = body.indexOf(QUOTE, end);
    if (end < 0) return body.length;
    let before = end;
    while (before > from && body[before - 1] === BACKSLASH) before--;
    if ((end - before) % 2 === 0) return end;
  }
}

function refused(what: string): GatewayError {
  return new GatewayError('ERR_GATEWAY_REQUEST_INVALID', `The body ${what}: send it flatter.`, { kind: 'caller' });
}
