import { formatTime, type Micros, type Probe } from '../../core/contract/index.ts';
import { BlockReader } from './block-reader.ts';
import { BLOCK } from './blocks.ts';
import type { Lane } from './files.ts';
import type { Shelf } from './query.ts';
import { readStretch } from './stretch.ts';

/** What is there: how many files and generations, the newest line, and what is wrong. */
export async function probeFiles(shelf: Shelf, signal: AbortSignal): Promise<Probe> {
  const { lanes, pending, problems } = await shelf.catalogue.refresh(signal);
  const files = lanes.reduce((sum, lane) => sum + lane.files.length, 0) + pending.length;
  const bad = problems.map(({ path, reason }) => `${path}: ${reason}`);
  if (files === 0) {
    const patterns = shelf.patterns.join(', ');
    const why = bad.length > 0 ? `cannot read ${bad.join('; ')}` : 'they are read as soon as they are there; check paths if they should be';
    return { ok: false, detail: `no file to read for ${patterns}: ${why}` };
  }
  const newest = await newestOf(shelf, lanes, signal);
  const parts = [`${files} ${files > 1 ? 'files' : 'file'}`];
  parts.push(newest === undefined ? 'no line with a time yet' : `newest line ${formatTime(newest)}`);
  if (bad.length > 0) parts.push(`cannot read ${bad.join('; ')}`);
  return { ok: bad.length === 0, detail: parts.join(', '), ...(newest !== undefined && { newest }) };
}

/** The newest time near the end of the lanes that were begun last. */
async function newestOf(shelf: Shelf, lanes: readonly Lane[], signal: AbortSignal): Promise<Micros | undefined> {
  const times = lanes.map(({ time }) => time);
  for (const lane of lanes.slice(-4)) {
    signal.throwIfAborted();
    const [file] = lane.files;
    if (!file || file.compressed) continue;
    const content = await shelf.catalogue.open(file);
    try {
      if (content) times.push(...(await lastTimes(shelf, content, file.size)));
    } finally {
      await content?.close();
    }
  }
  return times.length > 0 ? times.reduce((a, b) => Math.max(a, b)) : undefined;
}

async function lastTimes(shelf: Shelf, content: Parameters<BlockReader['read']>[0], size: number): Promise<Micros[]> {
  let offset = Math.max(0, size - BLOCK);
  if (offset > 0) {
    // The first line is met in its middle; what is behind it counts.
    const window = await content.read(offset, BLOCK);
    const newline = window.indexOf(10);
    if (newline < 0) return [];
    offset += newline + 1;
  }
  const stretch = await readStretch(content, offset, { maxLine: shelf.settings.maxLine, size: BLOCK });
  return new BlockReader(shelf.settings).timesOf(stretch);
}
