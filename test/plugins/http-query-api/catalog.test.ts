import { describe, expect, it } from 'vitest';
import { createCatalog } from '../../../core/catalog/catalog.ts';
import { draft, now } from '../../../core/contract/index.ts';
import { vocabularyOptions } from '../../../core/dora/vocabulary.ts';
import { answerCatalog } from '../../../plugins/http-query-api/catalog.ts';
import { catalogAnswer } from '../../../plugins/http-query-api/catalog-schema.ts';
import { answerRetention } from '../../../plugins/http-query-api/retention.ts';
import { retentionAnswer } from '../../../plugins/http-query-api/retention-schema.ts';
import { engine, never } from '../../core/query/sources.ts';
import { broken, member, memorySource } from './stand.ts';

const parsed = ({ body, headers }: { body: Buffer; headers: Readonly<Record<string, string>> }) => {
  expect(headers['content-type']).toBe('application/json; charset=utf-8');
  return JSON.parse(body.toString());
};

describe('the catalogue over HTTP', () => {
  it('is as its schema says, also of sources that are empty or down, with times in RFC 3339', async () => {
    const full = memorySource('logs', [draft({ message: 'a', level: 'INFO' }, { time: 1_700_000_000_123_456 })]);
    const members = [
      member('full', { ...full, volume: async () => ({ bytes: 5, oldest: 1, newest: 1_700_000_000_123_456, estimated: true }) }),
      member('empty', memorySource('metrics', [])),
      member('down', broken('logs', 'the disk is gone')),
    ];
    const catalog = createCatalog({
      members: () => members,
      deadline: 5000,
      query: engine(members).query,
      status: () => members.map(({ name }) => ({ kind: 'source', name, use: 'memory', state: 'running', restarts: 0 })),
      vocabulary: vocabularyOptions.parse(undefined),
      expects: () => ({}),
      owner: () => null,
      flows: () => [{ sink: 'api', use: 'http-query-api', how: 'read' }],
    });
    const answer = catalogAnswer.parse(parsed(await answerCatalog('', { catalog }, never)));
    expect(answer.count).toBe(3);
    expect(answer.sources[0]).toMatchObject({
      freshness: { newest: '2023-11-14T22:13:20.123456Z' },
      volume: { bytes: 5, oldest: '1970-01-01T00:00:00.000001Z', newest: '2023-11-14T22:13:20.123456Z', estimated: true },
    });
    expect(answer.sources[2]).toMatchObject({ error: 'the disk is gone', quality: { score: null } });
  });
});

describe('the retention over HTTP', () => {
  it('is as its schema says, before and after a run', async () => {
    const policies = [{ source: 'a', type: 'logs', policy: 'permanent' }];
    const last = {
      time: 1_700_000_000_123_456,
      dry_run: false,
      results: [{ source: 'a', type: 'logs', policy: 'permanent', changes: [{ what: 'delete x', count: 1, bytes: 2 }], error: 'no' }],
    };
    const retention = (report: object) => ({
      retention: { report: async () => report, apply: () => Promise.reject(new Error('unused')) } as never,
    });
    const never_ = parsed(await answerRetention('', retention({ schedule: null, next: null, policies, last: null })));
    expect(retentionAnswer.parse(never_)).toEqual({ schedule: null, next: null, policies, last: null });
    const next = now();
    const once = retentionAnswer.parse(parsed(await answerRetention('', retention({ schedule: '30 3 * * *', next, policies, last }))));
    expect(once).toMatchObject({ schedule: '30 3 * * *', last: { ...last, time: '2023-11-14T22:13:20.123456Z' } });
    expect(Date.parse(once.next as string)).toBe(next / 1000);
  });
});
