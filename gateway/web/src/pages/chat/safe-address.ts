import { decodeEntities } from './decode-entities.ts';

const PROTOCOLS: readonly string[] = ['http:', 'https:', 'mailto:'];

/** Where a link in what a model wrote may lead: a whole address of the web, or an e-mail; null for all else. */
export function safeAddress(href: string): string | null {
  let url: URL;
  try {
    url = new URL(decodeEntities(href));
  } catch {
    return null;
  }
  // A name and a password in front of the host make it look like another one.
  if (!PROTOCOLS.includes(url.protocol) || url.username !== '' || url.password !== '') return null;
  return url.href;
}
