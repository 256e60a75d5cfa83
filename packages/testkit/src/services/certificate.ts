import { execFile } from 'node:child_process';
import { chown } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Certificate {
  /** Paths of PEM files. The certificate is its own authority. */
  readonly cert: string;
  readonly key: string;
}

/** A certificate for localhost and 127.0.0.1, made by openssl. @param uid who may read the key */
export async function makeCertificate(folder: string, uid?: number): Promise<Certificate> {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-days', '2'];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  await promisify(execFile)('openssl', ['req', ...kind, ...names, '-out', cert, '-keyout', key]);
  if (uid !== undefined) await chown(key, uid, uid);
  return { cert, key };
}
