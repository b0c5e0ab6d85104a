import { stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Content, openContent, rawGuard } from './content.ts';
import { crcBefore, GUARD } from './cursor.ts';
import type { LogFile, Snapshot } from './files.ts';
import { HeadScan } from './head.ts';
import { forbiddenFolders, isRotated, matchingFiles, stemOf } from './patterns.ts';
import { Twins } from './twins.ts';

const UNREADABLE = /\.(?:bz2|xz|zst|zip|lz4|Z)$/;
const STATS_AT_ONCE = 32;
/** A rotation is over after a few milliseconds. */
const ATTEMPTS = 10;

export interface CatalogueSettings {
  readonly patterns: readonly string[];
  readonly host: string;
  readonly fields: readonly string[];
  readonly maxLine: number;
}

interface Listed {
  readonly path: string;
  readonly size: number;
  /** Size and times: when they are the same, so is the file. */
  readonly state: string;
}
interface Listing {
  readonly files: ReadonlyMap<string, Listed>;
  readonly problems: Snapshot['problems'];
}
interface Known {
  readonly file: LogFile;
  readonly state: string;
  readonly scan: HeadScan;
  /** CRC-32 of the 64 bytes before `file.size` on the disk. */
  readonly tail: number;
}

/** Knows which files match, and which generation each of them holds. */
export class Catalogue {
  readonly #settings: CatalogueSettings;
  readonly #twins = new Twins((file) => this.open(file));
  readonly #signal: AbortSignal;
  #known = new Map<string, Known>();
  #listing: Listing = { files: new Map(), problems: [] };
  #epochs = 0;
  #running: Promise<Snapshot> | undefined;
  #next: Promise<Snapshot> | undefined;
  #followed = new Set<string>();

  /** The signal is the instance's: looking at the files is shared by all that ask. */
  constructor(settings: CatalogueSettings, signal: AbortSignal) {
    this.#settings = settings;
    this.#signal = signal;
  }

  /** What is there now: the look began after the call. Rejects when the signal aborts. */
  async refresh(signal: AbortSignal): Promise<Snapshot> {
    signal.throwIfAborted();
    const look = this.#running ? this.#queue(this.#running) : this.#look();
    return abortable(look, signal);
  }

  /** Opens a file if it still is what it was in the snapshot. */
  async open(file: LogFile): Promise<Content | undefined> {
    let content: Content;
    try {
      content = await openContent(file.path);
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
    try {
      content.guard = file.guard;
      if ((await content.facts()).key === file.key && (await content.intact())) return content;
    } catch (error) {
      await content.close();
      throw error;
    }
    await content.close();
    return undefined;
  }

  /** Whether a change of this path means more lines in a known lane, and nothing else. */
  isKnown(file: string): boolean {
    return this.#followed.has(file);
  }

  #queue(running: Promise<Snapshot>): Promise<Snapshot> {
    this.#next ??= running.then(
      () => this.#look(),
      () => this.#look(),
    );
    return this.#next;
  }

  #look(): Promise<Snapshot> {
    this.#next = undefined;
    const running = this.#scan().finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }

  /** Files move while one looks; it is looked again until nothing moved. */
  async #scan(): Promise<Snapshot> {
    let moved = true;
    let problems: Snapshot['problems'] = [];
    for (let attempt = 0; moved && attempt < ATTEMPTS; attempt++) {
      const listing = await this.#settle();
      ({ moved, problems } = await this.#examineAll(listing));
    }
    const files = [...this.#known.values()].map(({ file }) => file);
    const lanes = await this.#twins.lanes(files, this.#signal);
    this.#followed = new Set(lanes.flatMap((lane) => lane.files.map((file) => file.path)));
    const forbidden = files.length === 0 ? await forbiddenFolders(this.#settings.patterns) : [];
    const denied = forbidden.map((folder) => ({ path: folder, reason: 'the folder may not be read (EACCES)' }));
    return { lanes, pending: files.filter((file) => !file.head), problems: [...problems, ...denied] };
  }

  /** A listing that is the same as the one before it: no file was missed, or met twice, because it was renamed meanwhile. */
  async #settle(): Promise<Listing> {
    for (let attempt = 0; ; attempt++) {
      if (attempt > 1) await sleep(attempt);
      const listing = await this.#list();
      const before = this.#listing;
      this.#listing = listing;
      if (attempt >= ATTEMPTS || samePlaces(before, listing)) return listing;
    }
  }

  async #list(): Promise<Listing> {
    const paths = await matchingFiles(this.#settings.patterns, this.#signal);
    const files = new Map<string, Listed>();
    const problems: { path: string; reason: string }[] = [];
    for (let i = 0; i < paths.length; i += STATS_AT_ONCE) {
      const stats = await Promise.all(paths.slice(i, i + STATS_AT_ONCE).map((file) => this.#stat(file)));
      for (const found of stats) {
        if (found?.reason !== undefined) problems.push({ path: found.path, reason: found.reason });
        else if (found && !files.has(found.key)) files.set(found.key, found);
      }
    }
    return { files, problems };
  }

  async #stat(file: string): Promise<(Listed & { key: string; reason?: string }) | undefined> {
    const none = { path: file, size: 0, state: '', key: '' };
    if (UNREADABLE.test(file)) return { ...none, reason: 'only plain and gzip files can be read' };
    try {
      const facts = await stat(file, { bigint: true });
      if (!facts.isFile()) return undefined;
      const state = `${facts.size} ${facts.mtimeNs} ${facts.ctimeNs}`;
      return { path: file, size: Number(facts.size), state, key: `${facts.dev}:${facts.ino}` };
    } catch (error) {
      return isGone(error) ? undefined : { ...none, reason: (error as Error).message };
    }
  }

  async #examineAll(listing: Listing): Promise<{ moved: boolean; problems: Snapshot['problems'] }> {
    const known = new Map<string, Known>();
    const problems = [...listing.problems];
    let moved = false;
    for (const [key, listed] of listing.files) {
      this.#signal.throwIfAborted();
      const before = this.#known.get(key);
      try {
        const now = before?.state === listed.state ? renamed(before, listed) : await this.#examine(key, listed, before);
        if (now) known.set(key, now);
        // What a truncated file held may have been copied into one that was not listed yet.
        const truncated = now && (now.file.size < listed.size || (before && before.file.epoch !== now.file.epoch));
        if (!now || truncated) moved = true;
      } catch (error) {
        this.#signal.throwIfAborted();
        problems.push({ path: listed.path, reason: (error as Error).message });
      }
    }
    this.#known = known;
    return { moved, problems };
  }

  async #examine(key: string, listed: Listed, before: Known | undefined): Promise<Known | undefined> {
    let content: Content;
    try {
      content = await openContent(listed.path);
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
    try {
      const facts = await content.facts();
      if (facts.key !== key) return undefined;
      const guard = await rawGuard(content);
      const tail = await tailCrc(content, facts.size);
      const same = before && (await continues(content, facts.size, before)) ? before : undefined;
      const scan = same?.scan ?? new HeadScan(this.#settings.host, this.#settings.fields, this.#settings.maxLine);
      // Only bytes that the guards cover say what the file is: it may be truncated and written anew at any moment.
      const covered = content.compressed ? Number.POSITIVE_INFINITY : facts.size;
      const head = same?.file.head ?? (await scan.advance(content, covered, listed.path, this.#signal));
      // Only a file that was not rewritten while it was looked at is what was found out about it.
      if (!(await content.holds(guard)) || (await tailCrc(content, facts.size)) !== tail) return undefined;
      const epoch = same?.file.epoch ?? ++this.#epochs;
      const file = { ...nameOf(listed.path), key, epoch, compressed: content.compressed, size: facts.size, guard, skipped: scan.skipped };
      return { file: head ? { ...file, head } : file, state: listed.state, scan, tail };
    } finally {
      await content.close();
    }
  }
}

function nameOf(file: string): Pick<LogFile, 'path' | 'base' | 'stem' | 'rotated'> {
  return { path: file, base: path.basename(file).replace(/\.gz$/i, ''), stem: stemOf(file), rotated: isRotated(file) };
}

function renamed(known: Known, listed: Listed): Known {
  return known.file.path === listed.path ? known : { ...known, file: { ...known.file, ...nameOf(listed.path) } };
}

/** Whether the file only grew since: its head and the 64 bytes before its former end are what they were. */
async function continues(content: Content, size: number, before: Known): Promise<boolean> {
  if (size < before.file.size || content.compressed !== before.file.compressed) return false;
  return (await content.holds(before.file.guard)) && (await tailCrc(content, before.file.size)) === before.tail;
}

async function tailCrc(content: Content, size: number): Promise<number> {
  const lead = Math.min(GUARD, size);
  const bytes = await content.readRaw(size - lead, lead);
  return crcBefore(bytes, bytes.length);
}

function samePlaces(a: Listing, b: Listing): boolean {
  return a.files.size === b.files.size && [...a.files].every(([key, { path }]) => b.files.get(key)?.path === path);
}

function isGone(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ESTALE'].includes((error as NodeJS.ErrnoException).code ?? '');
}

/** The work goes on for the others when one that waits gives up. */
function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const give = () => reject(signal.reason);
    signal.addEventListener('abort', give, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', give));
  });
}
