import type { Micros, Volume } from '../../core/contract/index.ts';
import type { Lane, LogFile, Snapshot } from './files.ts';
import { GoneError, Handles } from './handles.ts';
import type { Shelf } from './query.ts';

/** A generation and the times that its lines lie between, inclusive. */
export interface Extent {
  readonly lane: Lane;
  readonly oldest: Micros;
  readonly newest: Micros;
  /** On the disk, all its files together. */
  readonly bytes: number;
}

/** What each generation holds, oldest first; one that goes away meanwhile is left out. */
export async function extentsOf(shelf: Shelf, { lanes }: Snapshot, signal: AbortSignal): Promise<Extent[]> {
  const handles = new Handles(shelf.catalogue, signal);
  try {
    const extents: Extent[] = [];
    for (const lane of lanes) {
      const extent = await extentOf(shelf, lane, handles, signal);
      if (extent) extents.push(extent);
    }
    return extents;
  } finally {
    await handles.close();
  }
}

async function extentOf(shelf: Shelf, lane: Lane, handles: Handles, signal: AbortSignal): Promise<Extent | undefined> {
  try {
    const index = await shelf.indexes.extend(lane, (again) => handles.get(lane, again), signal);
    const blocks = index?.blocks ?? [];
    const oldest = blocks.reduce((least, { min }) => Math.min(least, min), lane.time);
    const newest = blocks.reduce((most, { max }) => Math.max(most, max), lane.time);
    return { lane, oldest, newest, bytes: bytesOf(lane.files) };
  } catch (error) {
    if (error instanceof GoneError) return undefined;
    throw error;
  }
}

/** Bytes on the disk, and the times of the oldest and the newest line; lines are not counted. */
export async function volumeOf(shelf: Shelf, signal: AbortSignal): Promise<Volume> {
  const snapshot = await shelf.catalogue.refresh(signal);
  const extents = await extentsOf(shelf, snapshot, signal);
  const bytes = bytesOf(filesOf(snapshot));
  if (extents.length === 0) return { bytes };
  return {
    bytes,
    oldest: extents.reduce((least, extent) => Math.min(least, extent.oldest), Number.POSITIVE_INFINITY),
    newest: extents.reduce((most, extent) => Math.max(most, extent.newest), Number.NEGATIVE_INFINITY),
  };
}

/** Every file, also those without a line that has a time. */
export function filesOf({ lanes, pending }: Snapshot): LogFile[] {
  return [...lanes.flatMap(({ files }) => files), ...pending];
}

export function bytesOf(files: readonly LogFile[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}
