// Certificates for tests: an authority made on the spot, and certificates that it signs, as files that a program is given.
// Made by a library, so that the tests need nothing but Node.
import 'reflect-metadata';
import type { webcrypto } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 3600 * 1000;
/** Clocks of a machine's programs are one clock, but a certificate's times are whole seconds. */
const BACK_MS = 60_000;
const SERIAL_HEX_DIGITS = 16;

let serials = 0;

/** Unique among those of this process, and positive as it must be. */
const nextSerial = (): string => {
  serials += 1;
  return `01${(Date.now() * 1000 + serials).toString(16).padStart(SERIAL_HEX_DIGITS, '0')}`;
};

const pemOfKey = async (key: webcrypto.CryptoKey): Promise<string> =>
  PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');

const span = (expired: boolean): { notBefore: Date; notAfter: Date } =>
  expired
    ? { notBefore: new Date(Date.now() - 2 * DAY_MS), notAfter: new Date(Date.now() - DAY_MS) }
    : { notBefore: new Date(Date.now() - BACK_MS), notAfter: new Date(Date.now() + DAY_MS) };

/** PEM texts. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateWish {
  /** Host names and addresses. */
  readonly names?: readonly string[];
  readonly expired?: boolean;
}

export class Authority {
  /** Its own certificate, in PEM. */
  readonly ca: string;
  readonly #certificate: X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;

  private constructor(certificate: X509Certificate, keys: webcrypto.CryptoKeyPair) {
    this.#certificate = certificate;
    this.#keys = keys;
    this.ca = `${certificate.toString('pem')}\n`;
  }

  static async make(name: string): Promise<Authority> {
    const keys = await crypto.subtle.generateKey(EC, true, ['sign', 'verify']);
    const certificate = await X509CertificateGenerator.createSelfSigned({
      serialNumber: nextSerial(),
      name: `CN=${name}`,
      ...span(false),
      signingAlgorithm: EC,
      keys,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      ],
    });
    return new Authority(certificate, keys);
  }

  /** A certificate for both ends of a connection, with a key of its own. */
  async certificate(
    name: string,
    { names = ['127.0.0.1', 'localhost'], expired = false }: CertificateWish = {},
  ): Promise<Pair> {
    const keys = await crypto.subtle.generateKey(EC, true, ['sign', 'verify']);
    const certificate = await X509CertificateGenerator.create({
      serialNumber: nextSerial(),
      subject: `CN=${name}`,
      issuer: this.#certificate.subject,
      ...span(expired),
      signingAlgorithm: EC,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
        new SubjectAlternativeNameExtension(
          names.map((value) => ({ type: /^[\d.]+$|:/.test(value) ? 'ip' : 'dns', value })),
        ),
      ],
    });
    return { cert: `${certificate.toString('pem')}\n`, key: `${await pemOfKey(keys.privateKey)}\n` };
  }
}

/** Puts a file in place whole, as a reader of files that change may expect it. */
export async function putFile(path: string, content: string): Promise<void> {
  await writeFile(`${path}.new`, content, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

export interface PairFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Writes `name.crt` and `name.key`; again to replace them. */
export async function putPair(directory: string, name: string, { cert, key }: Pair): Promise<PairFiles> {
  const files = { certFile: join(directory, `${name}.crt`), keyFile: join(directory, `${name}.key`) };
  await putFile(files.keyFile, key);
  await putFile(files.certFile, cert);
  return files;
}
