import { type DataType, nearest, RequestError } from '../contract/index.ts';
import type { Member } from './member.ts';

const EXAMPLES: Readonly<Record<string, string>> = {
  metrics: 'dora: { use: sqlite-metrics } or dora: { use: mysql-metrics, … }',
  health: 'health: { use: health-script, … }',
  logs: 'app: { use: json-logs, … }',
};

/**
 * The sources that a request is about, in the order of the configuration: the named ones, or all of its type. A source
 * whose type is unknown, because it could not be created, may be of any type.
 */
export function select(members: readonly Member[], type: DataType, names: readonly string[] | undefined): readonly Member[] {
  const eligible = members.filter((member) => member.type === undefined || member.type === type);
  if (!names || names.length === 0) return eligible;
  for (const name of names) {
    if (eligible.some((member) => member.name === name)) continue;
    const other = members.find((member) => member.name === name);
    const known = eligible.map((member) => member.name);
    const meant = nearest(name, known);
    const fault = other
      ? `source ${JSON.stringify(name)} is of type ${other.type}, not ${type}`
      : `there is no source ${JSON.stringify(name)}`;
    const hint = meant ? `; did you mean ${meant}?` : '';
    throw new RequestError('source', `${fault}${hint} (sources of type ${type}: ${known.join(', ') || 'none'})`);
  }
  return eligible.filter((member) => names.includes(member.name));
}

/** Says that there is nothing to ask, and how to mend that. */
export function noSource(type: DataType): string {
  const example = EXAMPLES[type];
  return `no ${type} source is configured; add one under sources: in the configuration${example ? `, e.g. ${example}` : ''}`;
}
