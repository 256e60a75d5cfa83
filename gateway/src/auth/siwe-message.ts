import { ParsedMessage } from '@spruceid/siwe-parser';
import { GatewayError } from '../errors.ts';

/** The fields of EIP-4361 that our messages have. */
export interface SiweFields {
  /** Host and port people see in the address bar. */
  readonly domain: string;
  /** ERC-55 form. */
  readonly address: string;
  readonly statement: string;
  readonly uri: string;
  readonly chainId: number;
  readonly nonce: string;
  /** ISO 8601, UTC. */
  readonly issuedAt: string;
  readonly expirationTime: string;
}

/** Fields that a message may have besides; ours never do. */
export interface ParsedSiwe extends Omit<SiweFields, 'statement' | 'expirationTime'> {
  readonly scheme: string | undefined;
  readonly version: string;
  readonly statement: string | undefined;
  readonly expirationTime: string | undefined;
  readonly notBefore: string | undefined;
  readonly requestId: string | undefined;
  readonly resources: readonly string[] | undefined;
}

/** Characters; ours have about 400. The grammar takes a time linear in it. */
export const MAX_SIWE_LENGTH = 2048;

/** Plain ASCII: strict parsers take nothing else in a message. */
export function composeSiwe(fields: SiweFields): string {
  return [
    `${fields.domain} wants you to sign in with your Ethereum account:`,
    fields.address,
    '',
    fields.statement,
    '',
    `URI: ${fields.uri}`,
    'Version: 1',
    `Chain ID: ${fields.chainId}`,
    `Nonce: ${fields.nonce}`,
    `Issued At: ${fields.issuedAt}`,
    `Expiration Time: ${fields.expirationTime}`,
  ].join('\n');
}

/**
 * Reads a message by the grammar of EIP-4361 and nothing looser: line ends, order and number of the fields, ERC-55 case.
 *
 * @throws GatewayError ERR_GATEWAY_SIWE_MESSAGE
 */
export function parseSiwe(text: string): ParsedSiwe {
  if (text.length > MAX_SIWE_LENGTH) throw notSiwe();
  try {
    return new ParsedMessage(text);
  } catch (cause) {
    throw notSiwe(cause);
  }
}

function notSiwe(cause?: unknown): GatewayError {
  const message = 'This is no message of EIP-4361 (Sign-In with Ethereum): sign the challenge as it is, byte for byte.';
  return new GatewayError('ERR_GATEWAY_SIWE_MESSAGE', message, { kind: 'caller', cause, meta: { param: 'message' } });
}
