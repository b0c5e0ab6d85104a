import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { PermanentError, RetryableError } from '../../../core/contract/index.ts';
import { RECORD_EXAMPLE } from '../../../plugins/http-query-api/examples.ts';
import { recordAnswer } from '../../../plugins/http-query-api/record-schema.ts';
import { RecordStage, ROW, type Sent, TIMED } from './record-stage.ts';

let stage: RecordStage;
beforeEach(async () => {
  stage = await RecordStage.open();
});
afterEach(() => stage.close());

describe('a row', () => {
  it('is added, answered, and found where Location says', async () => {
    await stage.serve();
    const { status, headers, json } = await stage.post(TIMED);
    expect([status, headers.get('idempotency-replayed')]).toEqual([201, null]);
    expect(recordAnswer.parse(json)).toMatchObject({ count: 1, source: 'dora', added: 1, present: 0 });
    expect(json.data).toEqual([{ id: 1, ...TIMED, created_at: '2025-11-07T02:00:00.000000Z' }]);
    const found = await stage.stand.get(headers.get('location') as string);
    expect(found.json().data).toEqual(json.data);
  });

  it('is added as the documentation has it', async () => {
    await stage.serve();
    expect((await stage.post(RECORD_EXAMPLE)).json).toMatchObject({ added: 1, data: [RECORD_EXAMPLE] });
  });

  it('is found where Location says, also by a key of more digits than a JSON number keeps', async () => {
    await stage.serve();
    stage.table.sql(
      "INSERT INTO dora_metrics (id, cycle_id, feature_id, phase_name, decision, created_at) VALUES (9007199254740992, 'C-0', 'F', 'x', 'go', '2025-11-07 02:00:00.000000')",
    );
    const { headers } = await stage.post({ ...TIMED, metadata: { id: 7, text: '"id":8' } });
    expect(new URLSearchParams(headers.get('location')?.split('?')[1]).get('where')).toBe('id=9007199254740993');
    const found = await stage.stand.get(headers.get('location') as string);
    expect(found.json().data).toMatchObject([{ cycle_id: 'C-1' }]);
  });

  it('is there already when it is sent again', async () => {
    await stage.serve();
    await stage.post(TIMED);
    const { status, headers, json } = await stage.post(TIMED);
    expect([status, headers.get('idempotency-replayed'), json.added, json.present]).toEqual([201, 'true', 0, 1]);
    expect(await stage.rows()).toHaveLength(1);
  });

  it('without a time and without a key is another one each time', async () => {
    await stage.serve();
    expect([(await stage.post(ROW)).json.added, (await stage.post(ROW)).json.added]).toEqual([1, 1]);
    expect(await stage.rows()).toHaveLength(2);
  });

  it('that says something else than the one that is there is a 409', async () => {
    await stage.serve();
    await stage.post(TIMED);
    const { status, json } = await stage.post({ ...TIMED, decision: 'no-go' });
    expect([status, json.code, json.parameter]).toEqual([409, 'ERR_CONFLICT', 'decision']);
  });

  it('that does not fit is a 400 that names the field', async () => {
    await stage.serve();
    const { status, json } = await stage.post({ ...TIMED, desicion: 'go' });
    expect([status, json.parameter]).toEqual([400, 'desicion']);
    expect(json.detail).toContain('did you mean decision?');
  });
});

describe('a list', () => {
  it('is added whole, in its order', async () => {
    await stage.serve();
    const rows = Array.from({ length: 1000 }, (_, index) => ({ ...TIMED, cycle_id: `C-${index}` }));
    const { status, headers, json } = await stage.post(rows);
    expect([status, json.added, headers.get('location')]).toEqual([201, 1000, null]);
    expect(json.data.map(({ cycle_id }: { cycle_id: string }) => cycle_id)).toEqual(rows.map(({ cycle_id }) => cycle_id));
  });

  it('is refused whole, and every fault is named by a JSON pointer', async () => {
    await stage.serve();
    const { status, json } = await stage.post([TIMED, { ...TIMED, decision: null }, { ...TIMED, 'a/b~': 1 }]);
    expect([status, json.parameter]).toEqual([400, '/1/decision']);
    expect(json.errors.map(({ parameter }: { parameter: string }) => parameter)).toEqual(['/1/decision', '/2/a~1b~0']);
    expect(await stage.rows()).toEqual([]);
  });

  test.each([
    ['[]', 'body'],
    ['[1]', '/0'],
    ['[{},[]]', '/1'],
    ['null', 'body'],
    ['"text"', 'body'],
    ['{"a":1', 'body'],
    ['', 'body'],
    [JSON.stringify(Array(1001).fill({})), 'body'],
    ['{"cycle_id":"x","metadata":{"n":12345678901234567890}}', 'body'],
    ['{"metadata":{"n":0.1000000000000000055}}', 'body'],
    ['{"metadata":{"n":1e400}}', 'body'],
  ])('%.60s is refused', async (body, parameter) => {
    await stage.serve();
    const { status, json } = await stage.post(body);
    expect([status, json.parameter]).toEqual([400, parameter]);
  });

  test.each([
    ['{"metadata":{"n":1e400}}', /beyond the range of numbers/],
    ['{"metadata":{"n":1e-400}}', /beyond the range of numbers/],
    ['{"metadata":{"n":1.2345678901234567890e5}}', /a text of plain digits, without an exponent/],
  ])('%s is refused with advice that helps', async (body, advice) => {
    await stage.serve();
    expect((await stage.post(body)).json.detail).toMatch(advice);
  });

  it('is refused when it is no UTF-8', async () => {
    await stage.serve();
    const { status, json } = await stage.post(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]));
    expect([status, json.detail]).toEqual([400, 'the body is no UTF-8']);
  });
});

describe('an Idempotency-Key', () => {
  const keyed = (key: string): Sent => ({ headers: { 'idempotency-key': key } });

  it('pins the time of a row that has none', async () => {
    await stage.serve();
    const first = await stage.post(ROW, keyed('k1'));
    const again = await stage.post(ROW, keyed('k1'));
    expect([first.json.added, again.json.present, again.headers.get('idempotency-replayed')]).toEqual([1, 1, 'true']);
    expect(again.json.data).toEqual(first.json.data);
    expect((await stage.post(ROW, keyed('k2'))).json.added).toBe(1);
    expect(await stage.rows()).toHaveLength(2);
  });

  it('holds when the answer was lost, the agent was killed, or both came at once', async () => {
    await stage.serve();
    const sent = await Promise.all(Array.from({ length: 10 }, () => stage.post([ROW, ROW], keyed('k'))));
    expect(sent.reduce((sum, { json }) => sum + json.added, 0)).toBe(2);
    await stage.serve();
    expect((await stage.post([ROW, ROW], keyed('k'))).json).toMatchObject({ added: 0, present: 2 });
    expect(await stage.rows()).toHaveLength(2);
  });

  it('is in the state before the row is in the table', async () => {
    const real = stage.dora.append;
    if (!real) throw new Error('it cannot be added to');
    let crash = true;
    // A crash behind the insert and before its answer.
    stage.dora.append = async (...asked) => {
      const results = await real(...asked);
      if (crash) throw new Error('the power is gone');
      return results;
    };
    await stage.serve();
    const { status, json } = await stage.post(ROW, keyed('k'));
    expect([status, json.code]).toEqual([503, 'ERR_SOURCES_FAILED']);
    expect(json.detail).toContain('with the same created_at or Idempotency-Key it may be sent again');
    crash = false;
    expect((await stage.post(ROW, keyed('k'))).json.present).toBe(1);
    expect(await stage.rows()).toHaveLength(1);
  });

  it('is not for another request, and may be used again for a mended one', async () => {
    await stage.serve();
    await stage.post(ROW, keyed('k'));
    const other = await stage.post({ ...ROW, decision: 'no-go' }, keyed('k'));
    expect([other.status, other.json.code]).toEqual([409, 'ERR_IDEMPOTENCY_KEY']);
    expect((await stage.post({ ...ROW, decision: 1 }, keyed('m'))).status).toBe(400);
    expect((await stage.post(ROW, keyed('m'))).json.added).toBe(1);
  });

  it('is free again when its source says that nothing was added, and only then', async () => {
    const real = stage.dora.append;
    if (!real) throw new Error('it cannot be added to');
    await stage.serve();
    const other = { ...ROW, decision: 'no-go' };
    for (const [key, error, free] of [
      ['unknown', new Error('lost'), false],
      ['refused', new RetryableError('no privilege', { code: 'ERR_NOT_ADDED' }), true],
      ['impossible', new PermanentError('a view'), true],
    ] as const) {
      stage.dora.append = () => Promise.reject(error);
      expect((await stage.post(ROW, keyed(key))).status).toBe(503);
      stage.dora.append = real;
      expect((await stage.post(other, keyed(key))).status).toBe(free ? 201 : 409);
    }
  });

  it('is free again when the table is gone', async () => {
    await stage.serve();
    stage.table.sql('ALTER TABLE dora_metrics RENAME TO away');
    expect((await stage.post(ROW, keyed('k'))).status).toBe(503);
    stage.table.sql('ALTER TABLE away RENAME TO dora_metrics');
    expect((await stage.post({ ...ROW, decision: 'no-go' }, keyed('k'))).json.added).toBe(1);
  });

  test.each(['', 'a'.repeat(256), 'schlüssel'])('%s is refused', async (key) => {
    await stage.serve();
    const { status, json } = await stage.post(ROW, keyed(key));
    expect([status, json.parameter]).toEqual([400, 'Idempotency-Key']);
  });
});
