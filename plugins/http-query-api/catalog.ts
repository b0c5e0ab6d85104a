import { type CatalogEntry, collectParameters, formatTime, type Micros, type Services, type Volume } from '../../core/contract/index.ts';
import type { Answer } from './answer.ts';

/** Answers `GET /api/data/catalog`, which has no parameters; its shape is `catalogAnswer`. */
export async function answerCatalog(search: string, agent: Pick<Services, 'catalog'>, signal: AbortSignal): Promise<Answer> {
  collectParameters(new URLSearchParams(search), []);
  const entries = await agent.catalog(signal);
  return {
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: Buffer.from(JSON.stringify({ count: entries.length, sources: entries.map(spelt) })),
  };
}

/** Times in RFC 3339. */
function spelt({ freshness, volume, ...entry }: CatalogEntry) {
  return { ...entry, freshness: { ...freshness, newest: timeOrNull(freshness.newest) }, volume: speltVolume(volume) };
}

function speltVolume({ oldest, newest, ...volume }: Volume) {
  return {
    ...volume,
    ...(oldest !== undefined && { oldest: formatTime(oldest) }),
    ...(newest !== undefined && { newest: formatTime(newest) }),
  };
}

function timeOrNull(time: Micros | null): string | null {
  return time === null ? null : formatTime(time);
}
