// Speaks the protocol byte for byte from outside, to do what a transport of ours never would.
import { connect, type Socket } from 'node:net';
import { encodeFrame, FrameReader } from '../../../src/replication/frames.ts';
import { type Hello, MAGIC, VERSION } from '../../../src/replication/hello.ts';
import { until } from '../../support/until.ts';
import type { Node, Owner } from './nodes.ts';

export interface Speaker {
  readonly socket: Socket;
  /** Headers of the frames that came. */
  readonly heard: { readonly type: string; readonly refusal?: string }[];
  refusal(): string | undefined;
  ended(): boolean;
  say(header: object, payload?: readonly Buffer[]): void;
}

export const helloOf = (node: Node, change: Partial<Hello> = {}): Hello => ({
  type: 'hello',
  magic: MAGIC,
  version: VERSION,
  cluster: 'test',
  id: 'stranger',
  uid: 'uid-stranger',
  peer: '127.0.0.1:1',
  boot: 'boot',
  kind: 'data',
  to: node.id,
  beatPort: 1,
  ...change,
});

/** Connects to the data listener of `node` without a word. */
export async function connectTo(owner: Owner, node: Node): Promise<Speaker> {
  const socket = connect(node.transport.address().port, '127.0.0.1');
  owner.after(async () => void socket.destroy());
  const heard: Speaker['heard'] = [];
  const reader = new FrameReader();
  reader.trust();
  let ended = false;
  socket.on('data', (chunk) => {
    for (const frame of reader.read(chunk)) heard.push(frame.header as { type: string });
  });
  socket.on('error', () => {
    ended = true;
  });
  socket.on('close', () => {
    ended = true;
  });
  await new Promise((resolve) => socket.once('connect', resolve));
  return {
    socket,
    heard,
    refusal: () => heard.find(({ type }) => type === 'refuse')?.refusal,
    ended: () => ended,
    say: (header, payload = []) => {
      for (const part of encodeFrame(header, payload)) socket.write(part);
    },
  };
}

/** Connects and says hello; the uid should be above that of `node`, so that `node` decides. Resolves with its answer. */
export async function speak(owner: Owner, node: Node, change: Partial<Hello> = {}): Promise<Speaker> {
  const speaker = await connectTo(owner, node);
  speaker.say(helloOf(node, change));
  await until('an answer came', () => speaker.heard.length > 0 || speaker.ended());
  return speaker;
}
