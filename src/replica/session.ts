// Consul sessions: one is opened ahead of need and used up by one leadership. The session of a past leadership goes when
// another holder is seen: destroying it sooner would move the register's index under the successor's hands.
import { mayLead } from './register.ts';
import { emit, type State } from './state.ts';

export function keepSession(s: State): void {
  if (s.session === null && !s.opening && s.nowMs >= s.openAtMs && mayNeedSession(s)) {
    s.opening = true;
    emit(s, { type: 'open-session' });
  }
  for (let i = s.lingering.length - 1; i >= 0; i -= 1) {
    const { session, fromMs, untilMs } = s.lingering[i]!;
    if (s.nowMs < fromMs || (s.seen?.session === session && s.nowMs < untilMs)) continue;
    s.lingering.splice(i, 1);
    emit(s, { type: 'destroy-session', session });
  }
}

/** A leader needs another one only to take a lost lock again. */
function mayNeedSession(s: State): boolean {
  if (s.retired && !s.leading) return false;
  // A take is under way with the one there was: the next one is for later, and Consul has enough to do.
  if (s.campaigning?.session) return false;
  if (s.leading?.transfer) return false;
  if (s.leading) return s.leading.session === null || s.seen?.session !== s.leading.session;
  return s.seen !== null && mayLead(s, s.seen);
}

export function onSessionOpened(s: State, session: string): void {
  s.opening = false;
  s.session = session;
}

export function onSessionFailed(s: State): void {
  s.opening = false;
  s.openAtMs = s.nowMs + s.config.timings.retryMs;
}

export function onSessionEnded(s: State, session: string): void {
  if (s.session === session) s.session = null;
  if (s.leading?.session === session) s.leading.session = null;
  const at = s.lingering.findIndex((past) => past.session === session);
  if (at >= 0) s.lingering.splice(at, 1);
}

/**
 * The session of a leadership that ended outlives it until a successor is seen, and until that one has had the time to take
 * over: whatever Consul writes meanwhile, takeover waits for.
 */
export function lingerSession(s: State, session: string | null): void {
  const { calmMs, lingerMs } = s.config.timings;
  if (session === null) return;
  s.lingering.push({ session, fromMs: s.nowMs + calmMs, untilMs: s.nowMs + lingerMs });
}
