// Brings a fresh connection to the point where both sides agree that it stands.
//
//   dialler  -> hello
//   listener -> hello, or refuse
//   decider  -> welcome, or refuse
//
// Both loggers may dial each other at the same moment. If each judged for itself which of two connections to keep, they
// could choose differently and lose both; so exactly one of the two decides, and the other follows its welcome.
import { type Channel, refusedWith } from './channel.ts';
import { type Frame, MalformedFrame } from './frames.ts';
import { badHello, type Hello, type OwnHello, type Refusal, WELCOME } from './hello.ts';
import { badField, text } from './shapes.ts';

interface HandshakeOptions {
  readonly own: OwnHello;
  readonly kind: Hello['kind'];
  /** The id that was dialled; null on the listening side. */
  readonly dialled: string | null;
  readonly timeoutMs: number;
  /** Whether we are the one who decides. */
  decides(theirs: Hello): boolean;
  /** Why not; asked once the other side is known, and last. */
  judge(theirs: Hello): Refusal | null;
  /** The connection stands. Called before any further frame is read; sets `receive` and `ended` of the channel. */
  stands(theirs: Hello): void;
  refused(refusal: Refusal, theirs: Hello): void;
}

/** Takes over `receive` of the channel until it stands. `ended` of the channel is left to the caller. */
export function shakeHands(channel: Channel, options: HandshakeOptions): void {
  const { own, kind, dialled } = options;
  let theirs: Hello | null = null;
  const timer = setTimeout(
    () => channel.close('deadline', `no handshake within ${options.timeoutMs} ms`),
    options.timeoutMs,
  );
  channel.socket.once('close', () => clearTimeout(timer));
  const saying = (to: string): Hello => ({ ...own, kind, to, wallMs: Date.now() });
  const done = (peer: Hello): void => {
    clearTimeout(timer);
    options.stands(peer);
  };
  const hello = (peer: Hello): void => {
    const refusal = options.judge(peer);
    if (refusal !== null) {
      options.refused(refusal, peer);
      channel.refuse(refusal);
      return;
    }
    theirs = peer;
    if (dialled === null) channel.send(saying(peer.id));
    if (!options.decides(peer)) return;
    channel.send(WELCOME);
    done(peer);
  };
  channel.receive = (frame) => {
    const said = firstWords(frame);
    if (said.type === 'refuse') {
      const { reason, detail } = refusedWith(said.refusal, 'refused by the other side');
      channel.close(reason, detail);
    } else if (said.type === 'hello' && theirs === null) hello(said);
    else if (said.type === 'welcome' && theirs !== null) done(theirs);
    else throw new MalformedFrame(`an unexpected ${said.type}`);
  };
  if (dialled !== null) channel.send(saying(dialled));
}

type FirstWords = Hello | typeof WELCOME | { readonly type: 'refuse'; readonly refusal: string };

function firstWords({ header, payload }: Frame): FirstWords {
  const type = (header as { type?: unknown } | null)?.type;
  const bad =
    type === 'hello'
      ? badHello(header)
      : type === 'refuse'
        ? badField(header, { refusal: text })
        : type === 'welcome'
          ? null
          : 'type';
  if (bad !== null) throw new MalformedFrame(`a handshake whose field ${bad} is missing or wrong`);
  if (payload.length > 0) throw new MalformedFrame('a handshake with payload');
  return header as FirstWords;
}
