/** A URL as it may be shown: without user, password, path and query, any of which may hold a key. */
export function redactUrl(text: string): string {
  if (!URL.canParse(text)) return '[hidden]';
  const { protocol, host, username, password, pathname, search } = new URL(text);
  const user = username === '' && password === '' ? '' : '[hidden]@';
  const rest = (pathname === '' || pathname === '/') && search === '' ? '' : '/[hidden]';
  return `${protocol}//${user}${host}${rest}`;
}

/** A way into a network as it may be shown: an invite may hold the secret of a private one, an address does not. */
export function redactContact(text: string): string {
  return text.startsWith('/') ? text : 'blyan1[hidden]';
}
