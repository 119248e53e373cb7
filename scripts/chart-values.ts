// The reference page of the chart's values: names and defaults from values.yaml, meanings from the comments above them,
// what each takes from values.schema.json. A value without a comment is an error, so that the page is complete.
import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from 'yaml';

export interface ValueRow {
  readonly path: string;
  readonly fallback: string;
  readonly takes: string;
  readonly about: string;
}

interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly $ref?: string;
  readonly definitions?: Readonly<Record<string, Schema>>;
}

/** Every value that can be set on its own, in the order of the file. */
export function chartValues(valuesText: string, schemaText: string): ValueRow[] {
  const schema = JSON.parse(schemaText) as Schema;
  return valueRows(parseDocument(valuesText).contents as YAMLMap, schema, schema, '');
}

/** One table for each group of values, under headings of this level. */
export function valueTables(rows: readonly ValueRow[], level: string): string {
  const groups = Map.groupBy(rows, ({ path }) => (path.includes('.') ? (path.split('.')[0] ?? '') : ''));
  return [...groups]
    .map(([group, members]) => `${group ? `${level} ${group}\n\n` : ''}${table(members)}`)
    .join('\n\n');
}

export function renderChartValues(valuesText: string, schemaText: string): string {
  return `# Values of the chart

\`helm install distributed-logger charts/distributed-logger --set NAME=VALUE\`, or \`--values FILE\`. Names that are not listed
here are refused. This page is made from the chart's \`values.yaml\` and \`values.schema.json\` (\`npm run render\`).

${valueTables(chartValues(valuesText, schemaText), '##')}
`;
}

function valueRows(map: YAMLMap, schema: Schema, root: Schema, prefix: string): ValueRow[] {
  return (map.items as Pair[]).flatMap((pair, index) => {
    const name = isScalar(pair.key) ? String(pair.key.value) : '';
    const path = `${prefix}${name}`;
    const inner = resolve(schema.properties?.[name], root, path);
    // The parser gives the comment above a map's first key to the map itself.
    const own = isScalar(pair.key) ? pair.key.commentBefore : null;
    const about = (own ?? (index === 0 ? map.commentBefore : null))?.trim().split('\n\n').at(-1) ?? '';
    // A group of values has properties in the schema; a map without them is one value. A comment is only read where a value is.
    if (isMap(pair.value) && inner.properties && about === '')
      return valueRows(pair.value, inner, root, `${path}.`);
    if (about === '') throw new Error(`${path} has no comment in values.yaml`);
    const value = (pair.value as { toJSON(): unknown }).toJSON();
    return [{ path, fallback: JSON.stringify(value), takes: takes(inner), about: oneLine(about) }];
  });
}

function resolve(schema: Schema | undefined, root: Schema, path: string): Schema {
  if (!schema) throw new Error(`${path} is in values.yaml but not in values.schema.json`);
  if (!schema.$ref) return schema;
  return resolve(root.definitions?.[schema.$ref.replace('#/definitions/', '')], root, path);
}

function takes({ type, enum: choices, minimum, maximum }: Schema): string {
  if (choices) return choices.map((choice) => `\`${choice}\``).join(', ');
  const range =
    minimum === undefined
      ? ''
      : maximum === undefined
        ? ` from ${minimum}`
        : ` from ${minimum} to ${maximum}`;
  return `${[type].flat().join(' or ')}${range}`;
}

const table = (rows: readonly ValueRow[]): string =>
  [
    '| value | default | takes | what it sets |',
    '| --- | --- | --- | --- |',
    ...rows.map(
      ({ path, fallback, takes: accepted, about }) =>
        `| \`${path}\` | \`${cell(fallback)}\` | ${cell(accepted)} | ${cell(about)} |`,
    ),
  ].join('\n');

const cell = (text: string): string => text.replaceAll('|', '\\|');
const oneLine = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .join(' ');
