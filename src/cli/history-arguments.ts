// The options of `load` and `verify`.
import { randomBytes } from 'node:crypto';
import { wholeNumber } from './whole-number.ts';

export const HISTORY_OPTIONS = {
  history: { type: 'string' },
  'read-url': { type: 'string', multiple: true },
  name: { type: 'string' },
  base: { type: 'string' },
  producers: { type: 'string' },
  appenders: { type: 'string' },
  rate: { type: 'string' },
  seconds: { type: 'string' },
  'call-timeout-ms': { type: 'string' },
  'no-final': { type: 'boolean' },
  'clock-skew-ms': { type: 'string' },
  others: { type: 'boolean' },
} as const;

export const OPTIONS_OF_LOAD = [
  'history',
  'read-url',
  'name',
  'base',
  'producers',
  'appenders',
  'rate',
  'seconds',
  'call-timeout-ms',
  'no-final',
] as const;
export const OPTIONS_OF_VERIFY = ['clock-skew-ms', 'others'] as const;

type Given = {
  readonly [Name in keyof typeof HISTORY_OPTIONS]?: string | boolean | (string | boolean)[] | undefined;
};

export interface LoadArguments {
  /** Null for stdout. */
  readonly history: string | null;
  readonly loggers: readonly string[];
  readonly name: string;
  readonly producers: number;
  readonly appenders: number;
  readonly rate: number;
  readonly seconds: number | null;
  readonly callTimeoutMs: number;
  readonly final: boolean;
  /** Null for what is committed at the start. */
  readonly base: number | null;
}

export interface VerifyArguments {
  /** Null where not given. */
  readonly clockSkewMs: number | null;
  readonly others: boolean;
}

const NAME = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;
const LIMITS = {
  producers: [0, 100],
  appenders: [0, 100],
  rate: [1, 10_000],
  base: [0, 999_999_999],
  seconds: [1, 7 * 24 * 3600],
  'call-timeout-ms': [10, 600_000],
  'clock-skew-ms': [0, 24 * 3600 * 1000],
} as const;

/** Throws Error with what is wrong. */
export function loadArgumentsOf(given: Given): LoadArguments {
  const name = (given.name as string | undefined) ?? `load-${randomBytes(4).toString('hex')}`;
  if (!NAME.test(name)) throw new Error(`--name is ${JSON.stringify(name)}: it takes such as load-1`);
  const loggers = (given['read-url'] as string[] | undefined) ?? [];
  for (const url of loggers)
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
      throw new Error(`${JSON.stringify(url)} is not an http:// or https:// URL`);
  return {
    history: (given.history as string | undefined) ?? null,
    loggers: loggers.map((url) => url.replace(/\/$/, '')),
    name,
    producers: numberOf(given, 'producers') ?? 2,
    appenders: numberOf(given, 'appenders') ?? 0,
    rate: numberOf(given, 'rate') ?? 50,
    seconds: numberOf(given, 'seconds'),
    callTimeoutMs: numberOf(given, 'call-timeout-ms') ?? 10_000,
    final: given['no-final'] !== true,
    base: numberOf(given, 'base'),
  };
}

/** Throws Error with what is wrong. */
export const verifyArgumentsOf = (given: Given): VerifyArguments => ({
  clockSkewMs: numberOf(given, 'clock-skew-ms'),
  others: given.others === true,
});

const numberOf = (given: Given, name: keyof typeof LIMITS): number | null =>
  wholeNumber(name, given[name], LIMITS[name]);
