// Content codings of request bodies (RFC 9110, 8.4): gzip and zstd, which log collectors send. A record is stored as it was before it
// was coded. Decoding runs in libuv's threads, and its output is bounded by the reader of the body.
import type { IncomingHttpHeaders } from 'node:http';
import type { Transform } from 'node:stream';
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';
import { LoggerError } from '../errors.ts';

export const ACCEPT_ENCODING = 'gzip, zstd';
/** What RFC 9659 allows for zstd in HTTP: 8 MiB, where a frame could ask for gigabytes. */
const ZSTD_WINDOW_LOG_MAX = 23;

type Coding = 'identity' | 'gzip' | 'zstd';

const CODINGS: Readonly<Record<string, Coding>> = {
  identity: 'identity',
  gzip: 'gzip',
  'x-gzip': 'gzip',
  zstd: 'zstd',
};

/** Throws unsupported-media-type for any other coding, and for several. */
export function codingOf(headers: IncomingHttpHeaders): Coding {
  const given = headers['content-encoding'];
  if (given === undefined) return 'identity';
  const name = given.trim().toLowerCase();
  const coding = Object.hasOwn(CODINGS, name) ? CODINGS[name] : undefined;
  if (coding === undefined)
    throw new LoggerError('unsupported-media-type', `content coding ${JSON.stringify(given)} is not taken`, {
      extra: { acceptEncoding: ACCEPT_ENCODING },
    });
  return coding;
}

export const decoderOf = (
  coding: Exclude<Coding, 'identity'>,
): Transform & { readonly bytesWritten: number } =>
  coding === 'gzip'
    ? createGunzip()
    : createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX } });
