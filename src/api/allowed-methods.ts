// Which methods a path takes, so that a wrong one gets 405 with `Allow` and only an unknown path gets 404. Fastify itself
// answers 404 to both.
import type { FastifyInstance } from 'fastify';
import { LoggerError } from '../errors.ts';

export class AllowedMethods {
  readonly #methods = new Map<string, Set<string>>();

  /** Before any route is added. */
  watch(app: FastifyInstance): void {
    app.addHook('onRoute', ({ url, method }) => {
      const methods = this.#methods.get(url) ?? new Set();
      for (const one of [method].flat()) methods.add(one);
      this.#methods.set(url, methods);
    });
  }

  /** The error for a request that no route took. */
  refusal(method: string, url: string): LoggerError {
    const path = url.split('?', 1)[0] ?? '';
    const allowed = new Set<string>();
    for (const [pattern, methods] of this.#methods)
      if (matches(pattern, path)) for (const one of methods) allowed.add(one);
    // A route that takes the method and found nothing: a file of /docs that does not exist.
    if (allowed.size === 0 || allowed.has(method))
      return new LoggerError('not-found', `there is nothing at ${path}`);
    const allow = [...allowed].sort().join(', ');
    return new LoggerError('method-not-allowed', `${path} takes ${allow}, not ${method}`, {
      extra: { allow },
    });
  }
}

/** `:name` stands for one segment, `*` at the end for any number. */
function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const given = path.split('/');
  const isPrefix = wanted.at(-1) === '*';
  if (isPrefix ? given.length < wanted.length : given.length !== wanted.length) return false;
  return wanted.every(
    (part, index) => part === '*' || part === given[index] || (part.startsWith(':') && given[index] !== ''),
  );
}
