import { crc32 } from 'node:zlib';
import type { Content } from './content.ts';
import { hex } from './cursor.ts';
import { type Lane, type LogFile, preferred } from './files.ts';

const PIECE = 1024 * 1024;

interface Compared {
  readonly epochs: string;
  /** Sizes at the time, so that files that did not change are not compared again. */
  readonly sizes: string;
  /** Bytes that are known to be equal. */
  readonly upTo: number;
  readonly equal: boolean;
}

/** Opens a file as it was catalogued; undefined when it has been moved or rewritten meanwhile. */
export type Open = (file: LogFile) => Promise<Content | undefined>;

/**
 * Sorts files into lanes. Files with the same head are one lane as long as one of two is the beginning of the other: a copy
 * that is being made, a generation and its compressed form. Otherwise they are different streams that began with the same
 * record, and the name, without what rotation put behind it, joins the lane's name.
 */
export class Twins {
  readonly #open: Open;
  #compared = new Map<string, Compared>();
  /** Generations that have been told apart once keep names of their own while they are there. */
  #split = new Set<string>();

  constructor(open: Open) {
    this.#open = open;
  }

  async lanes(files: readonly LogFile[], signal: AbortSignal): Promise<Lane[]> {
    const groups = new Map<string, LogFile[]>();
    for (const file of files) {
      const generation = file.head?.generation;
      if (generation === undefined) continue;
      const group = groups.get(generation);
      if (group) group.push(file);
      else groups.set(generation, [file]);
    }
    const before = this.#compared;
    this.#compared = new Map();
    this.#split = new Set([...this.#split].filter((generation) => groups.has(generation)));
    const lanes: Lane[] = [];
    for (const [generation, group] of groups) {
      const clusters = await this.#cluster(group.sort(preferred), before, signal);
      if (clusters.length > 1) this.#split.add(generation);
      lanes.push(...(this.#split.has(generation) ? named(generation, clusters) : clusters.map((cluster) => laneOf(generation, cluster))));
    }
    return lanes.sort((a, b) => a.time - b.time || (a.name < b.name ? -1 : 1));
  }

  async #cluster(group: readonly LogFile[], before: Map<string, Compared>, signal: AbortSignal): Promise<LogFile[][]> {
    const clusters: LogFile[][] = [];
    for (const file of group) {
      let home: LogFile[] | undefined;
      for (const cluster of clusters) {
        signal.throwIfAborted();
        if (await this.#same(cluster[0] as LogFile, file, before)) {
          home = cluster;
          break;
        }
      }
      if (home) home.push(file);
      else clusters.push([file]);
    }
    return clusters;
  }

  async #same(first: LogFile, second: LogFile, before: Map<string, Compared>): Promise<boolean> {
    const [a, b] = first.key < second.key ? [first, second] : [second, first];
    const pair = `${a.key}|${b.key}`;
    const epochs = `${a.epoch}|${b.epoch}`;
    const sizes = `${a.size}|${b.size}`;
    const known = before.get(pair);
    const valid = known?.epochs === epochs ? known : undefined;
    const settled = valid && (!valid.equal || valid.sizes === sizes);
    const result = settled ? valid : { epochs, sizes, ...(await this.#compare(a, b, valid?.upTo ?? 0)) };
    this.#compared.set(pair, result);
    return result.equal;
  }

  async #compare(a: LogFile, b: LogFile, from: number): Promise<{ upTo: number; equal: boolean }> {
    const contents = [await this.#open(a), await this.#open(b)];
    try {
      const [left, right] = contents;
      // What moved just now is compared next time; until then it counts as what its head says.
      if (!left || !right) return { upTo: from, equal: true };
      const result = await compareFrom(left, right, from);
      // A file that was truncated while it was compared says nothing about what it held.
      const both = result.equal || ((await left.intact()) && (await right.intact()));
      return both ? result : { upTo: from, equal: true };
    } finally {
      for (const content of contents) await content?.close();
    }
  }
}

async function compareFrom(a: Content, b: Content, from: number): Promise<{ upTo: number; equal: boolean }> {
  for (let upTo = from; ; ) {
    const [left, right] = await Promise.all([a.read(upTo, PIECE), b.read(upTo, PIECE)]);
    const length = Math.min(left.length, right.length);
    if (!left.subarray(0, length).equals(right.subarray(0, length))) return { upTo, equal: false };
    upTo += length;
    if (length < PIECE) return { upTo, equal: true };
  }
}

function laneOf(name: string, files: readonly LogFile[]): Lane {
  const best = files[0] as LogFile;
  return { name, generation: best.head?.generation ?? name, time: best.head?.time ?? 0, files };
}

/** Names by the shortest part of the path that tells the clusters apart. */
function named(generation: string, clusters: readonly (readonly LogFile[])[]): Lane[] {
  const parts = [(file: LogFile) => file.stem, (file: LogFile) => file.base, (file: LogFile) => file.path];
  const names = parts.map((part) => clusters.map((cluster) => laneName(generation, part(cluster[0] as LogFile))));
  const distinct = names.find((all) => new Set(all).size === clusters.length) ?? (names[2] as string[]);
  return clusters.map((cluster, index) => laneOf(distinct[index] as string, cluster));
}

function laneName(generation: string, part: string): string {
  return `${generation}~${hex(crc32(part))}`;
}

/** The other names that the lane of a file may have had, while its twin was not there or not yet different. */
export function aliases(lane: Lane): string[] {
  const best = lane.files[0] as LogFile;
  const all = [lane.generation, laneName(lane.generation, best.stem), laneName(lane.generation, best.base)];
  return all.filter((name) => name !== lane.name);
}
