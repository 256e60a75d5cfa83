/** Both sides of a lane. Without a certificate on either, the pre-shared key is the only way through a TLS 1.3 handshake. */
export const LANE_TLS = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  ciphers: 'TLS_CHACHA20_POLY1305_SHA256',
} as const;
