// Certificates and keys from PEM files. What is in them is judged here, when it is read, so that a program never puts
// material to use that cannot work, and says which file is wrong rather than what OpenSSL makes of it.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { messageOf } from '../errors.ts';

/** A bundle of a whole operating system's authorities has a few hundred KiB. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** PEM texts. */
export interface Certificate {
  /** The certificate, and the intermediate ones behind it. */
  readonly cert: string;
  readonly key: string;
  /** When the first of them to expire does; milliseconds since 1970. */
  readonly expiresMs: number;
}

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/**
 * Reads a certificate and its key. Throws an Error that names the file, also when the two do not belong together, as while
 * one of them is replaced and the other not yet. `last` comes back while nothing changed.
 */
export async function readCertificate<Last extends Certificate>(
  { certFile, keyFile }: CertificateFiles,
  last: Last | null = null,
): Promise<Certificate | Last> {
  const [cert, key] = await Promise.all([readPem(certFile), readPem(keyFile)]);
  if (last !== null && last.cert === cert && last.key === key) return last;
  const chain = certificatesIn(certFile, cert);
  const [leaf] = chain as [X509Certificate, ...X509Certificate[]];
  const privateKey = naming(keyFile, 'holds no private key that can be read', () => createPrivateKey(key));
  if (!leaf.checkPrivateKey(privateKey))
    throw new Error(`the key in ${keyFile} is not that of the certificate in ${certFile}`);
  naming(certFile, 'cannot be used', () => createSecureContext({ cert, key }));
  return { cert, key, expiresMs: Math.min(...chain.map(({ validToDate }) => validToDate.getTime())) };
}

/** Reads the certificates of authorities, one or several one after the other; as above. */
export async function readAuthorities(file: string, last: string | null = null): Promise<string> {
  const pem = await readPem(file);
  if (pem === last) return last;
  certificatesIn(file, pem);
  naming(file, 'cannot be used', () => createSecureContext({ ca: pem }));
  return pem;
}

async function readPem(file: string): Promise<string> {
  const { size } = await stat(file);
  if (size > MAX_FILE_BYTES) throw new Error(`${file} is larger than ${MAX_FILE_BYTES} bytes`);
  return readFile(file, 'utf8');
}

function certificatesIn(file: string, pem: string): X509Certificate[] {
  const found = pem.match(CERTIFICATE) ?? [];
  if (found.length === 0) throw new Error(`${file} holds no certificate in PEM`);
  return found.map((one) => naming(file, 'holds what is no certificate', () => new X509Certificate(one)));
}

function naming<T>(file: string, problem: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Error(`${file} ${problem}: ${messageOf(error)}`, { cause: error });
  }
}
