import { type CatalogEntry, describe, type Entry, type FieldSummary, now, type Run, type Source, type Volume } from '../contract/index.ts';
import { Allowance, Clock } from '../query/deadline.ts';
import { facetsOf, type Member } from '../query/member.ts';
import type { CatalogOptions } from './catalog.ts';
import { feedsOf } from './lineage.ts';
import { policyOf } from './policy.ts';
import { qualityOf } from './quality.ts';
import { fieldsOf } from './sample-fields.ts';

/** Quality is measured over so many of the newest entries. */
const LOOKED_AT = 10_000;
/** Fields are told from so many of them. */
const FIELDS_OF = 1000;

/** What a sample of the newest entries is. */
interface Newest {
  readonly entries: readonly Entry[];
  /** How many the source left out on the way to them. */
  readonly skipped?: number;
  /** These are all that there are. */
  readonly whole: boolean;
}

/** All but the age, which depends on when it is told. */
export type Description = Omit<CatalogEntry, 'freshness'> & { readonly freshness: Pick<CatalogEntry['freshness'], 'newest'> };

/** Describes one source. Never rejects: what could not be had is in its `error`. */
export async function describeSource(member: Member, options: CatalogOptions): Promise<Description> {
  const { name, type = 'unknown', label, source } = member;
  const at = now();
  const errors = new Set<string>();
  const notes = new Set<string>();
  const attempt = async <T>(otherwise: T, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      errors.add(describe(error));
      return otherwise;
    }
  };
  if (!source) errors.add(member.error ?? 'it is not running');
  const asked = asking(options.deadline, notes);
  try {
    const [newest, ownFields, ownVolume] = await Promise.all([
      attempt<Newest>({ entries: [], whole: false }, () => newestOf(member, options, asked.run.signal, notes)),
      attempt<readonly FieldSummary[] | undefined>(undefined, () => asked.wait((run) => source?.fields?.(run))),
      attempt<Volume | undefined>(undefined, () => asked.wait((run) => source?.volume?.(run))),
    ]);
    const { entries, skipped = 0 } = newest;
    const volume = ownVolume ?? sampledVolume(newest, notes);
    const fields = ownFields ?? fieldsOf(entries.slice(0, FIELDS_OF));
    if (!ownFields && entries.length > 0) notes.add(`fields are those of the newest ${Math.min(entries.length, FIELDS_OF)} entries`);
    const instance = options.status().find((info) => info.kind === 'source' && info.name === name);
    return {
      name,
      type,
      label,
      mirror: member.mirror,
      use: instance?.use ?? 'unknown',
      state: instance?.state ?? 'unknown',
      ...(errors.size > 0 && { error: told(errors) }),
      owner: options.owner(name),
      facets: facetsOf(source),
      fields,
      freshness: { newest: entries[0]?.time ?? volume.newest ?? null },
      volume,
      retention: policyOf(member),
      backup: backupOf(source),
      quality: await qualityOf({ type, entries, at, fields: ownFields, skipped }, options.expects(name), options.vocabulary),
      feeds: feedsOf(member, options.flows()),
      notes: [...notes],
    };
  } finally {
    asked.close();
  }
}

/** Each reason once: the query engine quotes the last failure of a source that it leaves alone. */
function told(errors: ReadonlySet<string>): string {
  const all = [...errors];
  return all.filter((error) => !all.some((other) => other !== error && other.includes(error))).join('; ');
}

/** Calls into a source for as long as its deadline lets it; what it remarks becomes notes. */
function asking(deadline: number, notes: Set<string>) {
  const clock = new Clock(deadline);
  const controller = new AbortController();
  const run: Run = { signal: controller.signal, note: (_code, text) => void notes.add(text) };
  return {
    run,
    wait: <T>(call: (run: Run) => Promise<T> | undefined): Promise<T | undefined> =>
      new Allowance(clock, deadline, controller.signal).wait<T | undefined>(() => call(run)),
    close() {
      controller.abort(new DOMException('the catalogue entry is complete', 'AbortError'));
      clock.close();
    },
  };
}

async function newestOf(member: Member, { query }: CatalogOptions, signal: AbortSignal, notes: Set<string>): Promise<Newest> {
  const { name, type, source } = member;
  if (!source || type === undefined) return { entries: [], whole: false };
  if (!source.query) {
    notes.add('its entries cannot be looked at: its plugin has no query facet');
    return { entries: [], whole: false };
  }
  const page = await query(type, { sources: [name], limit: LOOKED_AT }, signal);
  const failed = page.sources.find(({ status }) => status !== 'ok');
  if (failed) throw new Error(failed.error ?? failed.status);
  for (const note of page.notes) notes.add(note);
  const skipped = page.sources.reduce((sum, report) => sum + (report.skipped ?? 0), 0);
  return { entries: page.entries, skipped, whole: page.next === undefined };
}

function sampledVolume({ entries, whole }: Newest, notes: Set<string>): Volume {
  const newest = entries[0]?.time;
  const oldest = entries.at(-1)?.time;
  if (newest === undefined || oldest === undefined) return whole ? { entries: 0 } : {};
  if (whole) return { entries: entries.length, oldest, newest };
  notes.add(`it has more than ${entries.length} entries, and does not tell how many`);
  return { newest };
}

function backupOf(source: Source | undefined): string {
  if (source && !source.archive) return 'not backed up: its plugin cannot export what it holds';
  return 'not backed up: no sink that makes backups is configured';
}
