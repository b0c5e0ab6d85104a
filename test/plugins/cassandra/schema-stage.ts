import { type JsonObject, type Log, z } from '../../../core/contract/index.ts';
import { agreement, changeSchema } from '../../../plugins/cassandra/change-schema.ts';
import { type ClusterOptions, clusterOptions } from '../../../plugins/cassandra/options.ts';
import { connect, type Session } from '../../../plugins/cassandra/session.ts';
import { freshKeyspace, sharedCassandra } from '../../cassandra/shared.ts';

const schema = z.strictObject(clusterOptions);
type Contact = Pick<z.input<typeof schema>, 'hosts' | 'port' | 'data_center' | 'user' | 'password'>;

/** A session and a keyspace name that is not taken, for tests of what is made in it. */
export class SchemaStage {
  readonly session: Session;
  readonly keyspace = freshKeyspace();
  /** What was logged as warnings. */
  readonly warnings: { readonly text: string; readonly fields: JsonObject | undefined }[] = [];
  readonly log: Log = {
    debug() {},
    info() {},
    warn: (text, fields) => this.warnings.push({ text, fields }),
    error() {},
  };
  readonly #contact: Contact;

  private constructor(session: Session, contact: Contact) {
    this.session = session;
    this.#contact = contact;
  }

  /** On the node that all tests share, unless another one is given. */
  static async open(contact?: Contact): Promise<SchemaStage> {
    const given = contact ?? (await sharedContact());
    return new SchemaStage(await connect(schema.parse(given), until()), given);
  }

  options(more: z.input<typeof schema> = {}): ClusterOptions {
    return schema.parse({ ...this.#contact, keyspace: this.keyspace, replication: 1, ...more });
  }

  /** `%` stands for the keyspace. */
  async run(query: string, params: readonly unknown[] = []): Promise<readonly Record<string, unknown>[]> {
    const { rows } = await this.session.execute({ query: query.replaceAll('%', this.keyspace), params });
    return rows as unknown as readonly Record<string, unknown>[];
  }

  async alter(query: string): Promise<void> {
    await changeSchema(this.session, query.replaceAll('%', this.keyspace), until());
    await agreement(this.session, until());
  }

  async close(): Promise<void> {
    await this.alter('DROP KEYSPACE IF EXISTS %');
    await this.session.close();
  }
}

export function until(): AbortSignal {
  return AbortSignal.timeout(60_000);
}

async function sharedContact(): Promise<Contact> {
  const { hosts, port, dataCenter } = await sharedCassandra();
  return { hosts: [...hosts], port, data_center: dataCenter };
}
