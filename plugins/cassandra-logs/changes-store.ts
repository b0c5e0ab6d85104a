import type { Session, Statement } from '../cassandra/session.ts';

/** The store of an instance that was started. */
export interface LogStore {
  /** Throws while the instance is not connected. */
  session(): Session;
  store(): { readonly keyspace: string; readonly shards: number; readonly keep?: number | undefined };
}

export type Row = Readonly<Record<string, unknown>>;

/** Pages of an answer, the next one fetched when it is asked for. Always of a local quorum, for an answer that leaves nothing out. */
export async function* pagesOf(
  store: LogStore,
  statement: Statement,
  fetchSize: number,
  signal: AbortSignal,
): AsyncGenerator<readonly Row[], void, void> {
  const session = store.session();
  const consistency = session.driver.types.consistencies.localQuorum;
  let pageState: string | undefined;
  do {
    const page = await session.execute(statement, signal, { fetchSize, consistency, ...(pageState && { pageState }) });
    if (page.rows.length > 0) yield page.rows as unknown as readonly Row[];
    pageState = page.pageState ?? undefined;
  } while (pageState);
}
