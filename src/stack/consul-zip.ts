// Reads one file out of a zip archive in memory, since Node has the compression but not the container. Enough of the
// format (PKWARE APPNOTE 4.3) for a release archive: stored and deflated entries, no zip64, no encryption.

import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';

const inflate = promisify(inflateRaw);
const endSignature = 0x06054b50;
const endSizeBytes = 22;
const commentLimitBytes = 0xffff;
const entrySignature = 0x02014b50;
const entrySizeBytes = 46;
const localSignature = 0x04034b50;
const localSizeBytes = 30;
const contentLimitBytes = 512 * 1024 * 1024;

/** The content of the file `name`. Throws when the archive is damaged or lacks it. */
export async function readZipEntry(archive: Buffer, name: string): Promise<Buffer> {
  const end = findEnd(archive);
  const count = archive.readUInt16LE(end + 10);
  let at = archive.readUInt32LE(end + 16);
  for (let entry = 0; entry < count; entry++) {
    if (archive.readUInt32LE(at) !== entrySignature) throw new Error('the zip directory is damaged');
    const nameBytes = archive.readUInt16LE(at + 28);
    const entryName = archive.toString('utf8', at + entrySizeBytes, at + entrySizeBytes + nameBytes);
    if (entryName === name) return content(archive, at);
    at += entrySizeBytes + nameBytes + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  throw new Error(`the zip archive has no ${name}`);
}

/** The end record is the last thing in the file, but for a comment of unknown length. */
function findEnd(archive: Buffer): number {
  const lowest = Math.max(0, archive.length - endSizeBytes - commentLimitBytes);
  for (let at = archive.length - endSizeBytes; at >= lowest; at--) {
    if (archive.readUInt32LE(at) === endSignature) return at;
  }
  throw new Error('this is no zip archive');
}

async function content(archive: Buffer, entry: number): Promise<Buffer> {
  const method = archive.readUInt16LE(entry + 10);
  const packedBytes = archive.readUInt32LE(entry + 20);
  const sizeBytes = archive.readUInt32LE(entry + 24);
  const local = archive.readUInt32LE(entry + 42);
  if (sizeBytes > contentLimitBytes) throw new Error('the zip entry is too large');
  if (archive.readUInt32LE(local) !== localSignature) throw new Error('the zip entry is damaged');
  const start = local + localSizeBytes + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
  const packed = archive.subarray(start, start + packedBytes);
  if (method !== 0 && method !== 8) throw new Error(`zip compression method ${method} is not supported`);
  const bytes = method === 0 ? packed : await inflate(packed, { maxOutputLength: contentLimitBytes });
  if (bytes.length !== sizeBytes) throw new Error('the zip entry has the wrong length');
  return bytes;
}
