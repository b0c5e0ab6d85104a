import type { Argv } from 'yargs';
import { type CatalogEntry, durationText, sizeText } from '../contract/index.ts';
import { ask } from './ask.ts';
import { pc } from './colours.ts';
import { printable, table } from './render.ts';
import { addTargetOptions } from './selection.ts';

const CLASS_COLOURS = { healthy: pc.green, warning: pc.yellow, critical: pc.red, 'no data': pc.dim } as const;

export const catalog = {
  command: 'catalog',
  describe: 'What data there is: fields, freshness, volume, retention, quality and lineage of every source',
  builder: (yargs: Argv) => addTargetOptions(yargs).options({ json: { type: 'boolean', describe: 'the answer of the API as it is' } }),
  handler: (args: Record<string, unknown>): Promise<void> => ask(args, '/api/data/catalog', print),
};

function print({ sources: entries }: { readonly sources: readonly CatalogEntry[] }): void {
  console.log(table(['source', 'type', 'plugin', 'state', 'owner', 'newest', 'holds', 'quality'], entries.map(summary)));
  for (const entry of entries) {
    console.log(`\n${pc.bold(entry.name)} ${printable(entry.label)}`);
    for (const [name, text] of details(entry)) console.log(`  ${pc.dim(name.padEnd(12))} ${printable(text)}`);
    console.log(table(['quality', 'score', 'of', 'rule'], Object.entries(entry.quality.parts).map(qualityRow)));
  }
}

function summary({ name, type, use, state, owner, freshness, volume, quality }: CatalogEntry): string[] {
  const { age_seconds: age } = freshness;
  return [name, printable(type), use, state, printable(owner ?? '-'), age === null ? '-' : ago(age), holds(volume), qualityText(quality)];
}

function details({ retention, backup, feeds, fields, facets, notes, error }: CatalogEntry): [string, string][] {
  return [
    ...(error === undefined ? [] : [['error', error] as [string, string]]),
    ['fields', fields.map(({ name }) => name).join(', ') || 'none known'],
    ['retention', retention],
    ['backup', backup],
    ['feeds', feeds.map(({ sink, how }) => `${sink} (${how})`).join(', ') || 'nothing'],
    ['can', facets.join(', ') || 'nothing'],
    ...notes.map((note): [string, string] => ['note', note]),
  ];
}

function qualityRow([name, { score, numerator, denominator, rule }]: [string, CatalogEntry['quality']['parts']['accuracy']]): string[] {
  return [
    name,
    score === null ? '-' : String(score),
    `${numerator}/${denominator}`,
    printable(rule)
      .replace(/(.{1,70})(?: |$)/g, '$1\n')
      .trimEnd(),
  ];
}

function qualityText({ score, class: of }: CatalogEntry['quality']): string {
  return CLASS_COLOURS[of](score === null ? of : `${score} ${of}`);
}

function holds({ entries, bytes, estimated }: CatalogEntry['volume']): string {
  const parts = [
    ...(entries === undefined ? [] : [`${estimated ? 'about ' : ''}${entries} ${entries === 1 ? 'entry' : 'entries'}`]),
    ...(bytes === undefined ? [] : [sizeText(bytes)]),
  ];
  return parts.join(', ') || '-';
}

/** In the largest unit, without digits that nobody looks for. */
function ago(seconds: number): string {
  if (seconds < 1) return 'now';
  const unit = [86_400, 3600, 60].find((size) => seconds >= size) ?? 1;
  return `${durationText(Math.floor(seconds / unit) * unit * 1000)} ago`;
}
