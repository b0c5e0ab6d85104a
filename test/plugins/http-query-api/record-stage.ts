import { memoryState } from '../../../core/conformance/stand.ts';
import type { JsonObject, KeyValue, Services, Source } from '../../../core/contract/index.ts';
import { createAppend } from '../../../core/query/append.ts';
import type { Member } from '../../../core/query/member.ts';
import { problemAnswer } from '../../../plugins/http-query-api/schemas.ts';
import { Stage } from '../sqlite-metrics/stage.ts';
import { member, openStand, type Stand } from './stand.ts';

export const TOKEN = 'a-token-of-24-characters';
export const ROW = {
  cycle_id: 'C-1',
  feature_id: 'F-1',
  phase_name: 'deployment',
  decision: 'go',
  duration_seconds: 12.5,
  metadata: { branch: 'main' },
};
export const TIMED = { ...ROW, created_at: '2025-11-07T02:00:00Z' };

export interface Sent {
  readonly query?: string;
  readonly headers?: Record<string, string>;
  readonly token?: string | null;
}

/** The API over a real table in a file; it may be stopped and begun again with the same state. */
export class RecordStage {
  readonly table: Stage;
  readonly dora: Source;
  readonly #state: KeyValue = memoryState();
  #stand: Stand | undefined;

  private constructor(table: Stage, dora: Source) {
    this.table = table;
    this.dora = dora;
  }

  static async open(): Promise<RecordStage> {
    const table = await Stage.open();
    return new RecordStage(table, await table.started());
  }

  get stand(): Stand {
    if (!this.#stand) throw new Error('it does not serve yet');
    return this.#stand;
  }

  async serve(options: JsonObject = { write_token: TOKEN }, others: readonly Member[] = [], deadline = 5000): Promise<void> {
    const members = [member('dora', this.dora), ...others];
    const agent = { append: createAppend({ members: () => members, deadline }), state: this.#state } as Partial<Services>;
    await this.#stand?.close();
    this.#stand = await openStand(members, { options, agent });
  }

  rows(): Promise<JsonObject[]> {
    return this.table.bodies(this.dora);
  }

  async post(body: unknown, { query = '', headers = {}, token = TOKEN }: Sent = {}) {
    const response = await fetch(`${this.stand.base}/api/data/metrics${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token !== null && { authorization: `Bearer ${token}` }), ...headers },
      body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
    });
    // biome-ignore lint/suspicious/noExplicitAny: answers are checked by their schemas and by what a test expects of them
    const json: any = await response.json();
    if (response.status !== 201) problemAnswer.parse(json);
    return { status: response.status, headers: response.headers, json };
  }

  async close(): Promise<void> {
    await this.#stand?.close();
    await this.table.close();
  }
}
