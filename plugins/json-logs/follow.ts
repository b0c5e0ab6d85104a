import type { Batch, Following, FollowRequest, Log, Lost, Position } from '../../core/contract/index.ts';
import type { IndexSettings } from './blocks.ts';
import type { Catalogue } from './catalogue.ts';
import { ALL, BEGINNING, parseMark } from './cursor.ts';
import type { Lane, LogFile, Snapshot } from './files.ts';
import { LaneFollower } from './lane-follower.ts';
import { beginLane, cursorOf, vanished } from './opening.ts';
import { type Scene, settleLane } from './settle.ts';
import { aliases } from './twins.ts';
import type { Wake } from './wake.ts';

const MOST_OPEN = 128;
/** Milliseconds between two looks at the folders at least. */
const BREATH = 20;
/** A file that was truncated is looked for in other files for this many polls. */
const GRACE_POLLS = 3;

export interface FollowSettings {
  readonly catalogue: Catalogue;
  readonly wake: Wake;
  readonly log: Log;
  readonly settings: IndexSettings;
  /** Milliseconds. */
  readonly poll: number;
}

export async function openFollowing(deps: FollowSettings, request: FollowRequest, signal: AbortSignal): Promise<Following> {
  const follower = new Follower(deps, request, signal);
  try {
    const { start, lost } = await follower.open();
    return { start, lost, batches: follower.batches() };
  } catch (error) {
    await follower.close();
    throw error;
  }
}

/** Follows all lanes of a source: those that are there, and those that come. */
class Follower {
  readonly #deps: FollowSettings;
  readonly #request: FollowRequest;
  readonly #signal: AbortSignal;
  readonly #lanes = new Map<string, LaneFollower>();
  readonly #release: () => void;
  readonly #warned = new Set<string>();
  readonly #aborted = () => void this.close();
  /** What was lost when the first look was taken. */
  readonly #early: Batch[] = [];
  #lookedAt = 0;
  #changes = -1;

  constructor(deps: FollowSettings, request: FollowRequest, signal: AbortSignal) {
    this.#deps = deps;
    this.#request = request;
    this.#signal = signal;
    this.#release = deps.wake.use();
    // The batches may never be asked for; a generator that was not begun does not clean up.
    signal.addEventListener('abort', this.#aborted, { once: true });
  }

  async open(): Promise<{ start: Position; lost: readonly Lost[] }> {
    const { after, until } = this.#request;
    const snapshot = await this.#look();
    const lost: Lost[] = [];
    for (const lane of snapshot.lanes) {
      const begun = await beginLane(this.#deps, lane, after, this.#signal);
      if (!begun) continue;
      if (begun.lost) lost.push(begun.lost);
      this.#add(new LaneFollower(lane.name, lane.time, begun.mark, this.#deps.settings), lane);
    }
    const start = Object.fromEntries([...this.#lanes.values()].map((follower) => [follower.lane, follower.cursor]));
    // Files are open from here on, so that they can be read even if they vanish before the first batch is asked for.
    for await (const batch of this.#settle(snapshot)) this.#early.push(batch);
    if (typeof after === 'object') lost.push(...vanished(after, until, snapshot.lanes));
    return { start, lost };
  }

  async *batches(): AsyncIterable<Batch> {
    const { wake } = this.#deps;
    try {
      yield* this.#early;
      while (!this.#signal.aborted) {
        const seen = wake.count;
        if (this.#mustLook()) yield* this.#settle(await this.#look());
        const progressed = yield* this.#drain();
        yield* this.#giveUp();
        if (this.#request.until && [...this.#lanes.values()].every((follower) => follower.reached)) return;
        if (!progressed && !this.#mustLook()) await wake.wait(seen, this.#pause(), this.#signal);
      }
    } catch (error) {
      if (!this.#signal.aborted) throw error;
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    this.#release();
    this.#signal.removeEventListener('abort', this.#aborted);
    for (const follower of this.#lanes.values()) await follower.close();
  }

  async #look(): Promise<Snapshot> {
    this.#changes = this.#deps.wake.changes;
    const snapshot = await this.#deps.catalogue.refresh(this.#signal);
    this.#lookedAt = Date.now();
    for (const { path, reason } of snapshot.problems) this.#warn(path, `cannot read ${path}: ${reason}`);
    return snapshot;
  }

  #mustLook(): boolean {
    return Date.now() >= this.#nextLook();
  }

  #nextLook(): number {
    return this.#lookedAt + (this.#changes === this.#deps.wake.changes ? this.#deps.poll : Math.min(BREATH, this.#deps.poll));
  }

  #pause(): number {
    const due = [...this.#lanes.values()].map(({ dueAt }) => dueAt ?? Number.POSITIVE_INFINITY);
    return Math.max(1, Math.min(this.#nextLook(), ...due) - Date.now());
  }

  /** Brings the lanes in line with what is on the disk. */
  async *#settle(snapshot: Snapshot): AsyncIterable<Batch> {
    const lanes = new Map(snapshot.lanes.map((lane) => [lane.name, lane]));
    const homes = new Map<string, string>();
    for (const lane of snapshot.lanes) for (const file of lane.files) homes.set(placeOf(file), lane.name);
    for (const lane of snapshot.lanes) if (!this.#lanes.has(lane.name)) this.#welcome(lane);
    const byKey = new Map([...snapshot.lanes.flatMap(({ files }) => files), ...snapshot.pending].map((file) => [file.key, file]));
    const { catalogue, poll } = this.#deps;
    const scene: Scene = { catalogue, byKey, now: Date.now(), grace: GRACE_POLLS * poll, makeRoom: () => this.#makeRoom() };
    for (const follower of this.#sorted()) {
      this.#signal.throwIfAborted();
      const home = follower.file && homes.get(placeOf(follower.file));
      if (home !== undefined && home !== follower.lane && !lanes.has(follower.lane)) {
        // The lane goes on under the name that tells it from its twin.
        await follower.close();
        this.#lanes.delete(follower.lane);
        continue;
      }
      if (follower.reached) continue;
      const lost = await settleLane(follower, lanes.get(follower.lane), scene);
      if (lost) yield lost;
    }
  }

  /** A lane that was not there before is read from its start, or from where it was under another name. */
  #welcome(lane: Lane): void {
    let mark = BEGINNING;
    for (const alias of aliases(lane)) {
      const before = this.#lanes.get(alias);
      const { file } = before ?? {};
      if (before && file && lane.files.some((one) => placeOf(one) === placeOf(file))) mark = before.mark;
    }
    this.#add(new LaneFollower(lane.name, lane.time, mark, this.#deps.settings), lane);
  }

  #add(follower: LaneFollower, lane: Lane): void {
    const { until } = this.#request;
    if (until) {
      const cursor = cursorOf(until, lane);
      const target = cursor === ALL ? 'all' : cursor === undefined ? undefined : parseMark(cursor);
      follower.target = target;
      follower.reached = target === undefined || follower.all || (target !== 'all' && follower.mark.offset >= target.offset);
    }
    this.#lanes.set(follower.lane, follower);
  }

  /** Reads what there is, oldest lane first; whether there was something. */
  async *#drain(): AsyncGenerator<Batch, boolean> {
    let progressed = false;
    for (const follower of this.#sorted()) {
      for (;;) {
        if (this.#signal.aborted || this.#mustLook()) return true;
        const step = await follower.step(Date.now());
        this.#tellSkipped(follower);
        if (follower.reached) await follower.close();
        if (step === 'idle') break;
        if (step === 'doubt') {
          this.#changes = -1;
          break;
        }
        progressed = true;
        if (step !== 'more') yield step;
      }
    }
    return progressed;
  }

  /** With an end to reach: what cannot be reached any more is lost, and does not keep the reader waiting. */
  async *#giveUp(): AsyncIterable<Batch> {
    if (!this.#request.until) return;
    const grace = GRACE_POLLS * this.#deps.poll;
    for (const follower of this.#lanes.values()) {
      if (follower.reached || follower.waiting || follower.searchingSince !== undefined) continue;
      if (!follower.content) follower.idleSince ??= Date.now();
      if (follower.idleSince === undefined || Date.now() - follower.idleSince < grace) continue;
      follower.reached = true;
      const wanted = typeof follower.target === 'object' ? follower.target.offset - follower.mark.offset : 0;
      yield follower.lostBatch('the file ends before the position that was to be reached', wanted);
    }
  }

  #sorted(): LaneFollower[] {
    return [...this.#lanes.values()].sort((a, b) => a.time - b.time || (a.lane < b.lane ? -1 : 1));
  }

  async #makeRoom(): Promise<boolean> {
    const open = [...this.#lanes.values()].filter(({ content }) => content);
    if (open.length < MOST_OPEN) return true;
    const idle = open.filter(({ idleSince }) => idleSince !== undefined);
    const longest = idle.reduce<LaneFollower | undefined>((a, b) => (a && (a.idleSince ?? 0) <= (b.idleSince ?? 0) ? a : b), undefined);
    await longest?.close();
    return longest !== undefined;
  }

  #tellSkipped(follower: LaneFollower): void {
    const skipped = follower.skipped.take(['line skipped that is no log line', 'lines skipped that are no log lines']);
    if (skipped) this.#warn(follower.lane, skipped.text);
  }

  /** Once for each thing; the answers of queries count them all. */
  #warn(about: string, text: string): void {
    if (this.#warned.has(about)) this.#deps.log.debug(text);
    else this.#deps.log.warn(text);
    this.#warned.add(about);
  }
}

function placeOf(file: LogFile): string {
  return `${file.key} ${file.epoch}`;
}
