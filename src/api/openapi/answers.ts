// Answers and parameters as the document spells them. Problems are listed by code; the table of errors gives their status.
import { ERRORS, type ErrorCode } from '../../errors.ts';
import { EVENTS, JSON_TYPE, NDJSON, PROBLEM } from '../media.ts';

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });

export const json = (description: string, schema: string, headers?: object) => ({
  description,
  ...(headers === undefined ? {} : { headers }),
  content: { [JSON_TYPE]: { schema: ref(schema) } },
});

export const text = (description: string, type: string) => ({
  description,
  content: { [type]: { schema: { type: 'string' } } },
});

const header = (description: string) => ({ description, schema: { type: 'integer' } });

export const rows = {
  description:
    'The rows there are, perhaps none. A connection cut off in the middle means that rows are missing: go on after the last.',
  headers: {
    'Log-Commit': header('Records below this offset are committed'),
    'Log-Next-Offset': header('Where to go on: the offset after the last row'),
  },
  content: {
    [NDJSON]: {
      schema: ref('Row'),
      example: '{"offset":0,"timestamp":1700000000000,"epoch":1,"value":"hi"}\n',
    },
    [EVENTS]: {
      schema: { type: 'string' },
      example:
        'retry: 1000\n\nid: 0\ndata: {"offset":0,"timestamp":1700000000000,"epoch":1,"value":"hi"}\n\n',
    },
  },
};

export const redirect = {
  '307': json('Another logger leads: the same request, sent there', 'Redirect', {
    Location: { description: 'The same path and query at the leader', schema: { type: 'string' } },
  }),
};

/** What any request may meet. */
const ALWAYS: readonly ErrorCode[] = [
  'invalid-request',
  'unsupported-transfer-coding',
  'cross-site',
  'unknown-host',
  'request-timeout',
  'headers-too-large',
  'internal',
  'shutting-down',
];

/** The answers of the given codes, grouped by status. */
export function problems(...codes: readonly ErrorCode[]) {
  const byStatus: Record<string, ErrorCode[]> = {};
  for (const code of new Set([...codes, ...ALWAYS])) {
    const { status } = ERRORS[code];
    byStatus[status] ??= [];
    byStatus[status].push(code);
  }
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, group]) => [
      status,
      {
        description: group.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join('; '),
        content: { [PROBLEM]: { schema: ref('Problem') } },
      },
    ]),
  );
}

export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'header' | 'path';
  readonly description: string;
  readonly schema: object;
  readonly required?: boolean;
}

export const parameter = (
  place: Parameter['in'],
  name: string,
  description: string,
  schema: object,
): Parameter => ({ name, in: place, description, schema, ...(place === 'path' ? { required: true } : {}) });
