import { Agent, request } from 'node:http';

/** Asks an agent, on one connection that stays open. */
export class Asker {
  readonly #url: string;
  readonly #connection = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(url: string) {
    this.#url = url;
  }

  /** The answer's text. An answer that is partial rejects as a failed one does: nobody wins by answering less. */
  async text(path: string, parameters: Readonly<Record<string, string>>): Promise<string> {
    const text = await this.#get(`${this.#url}${path}?${new URLSearchParams(parameters)}`);
    const failed = /"status":"(?:failed|timeout)"[^}]*/.exec(text);
    if (failed) throw new Error(`a partial answer: ${failed[0]}`);
    return text;
  }

  /** The number of rows that came. */
  async count(parameters: Readonly<Record<string, string>>): Promise<number> {
    const count = /"count":(\d+)/.exec(await this.text('/api/data/query', parameters))?.[1];
    if (count === undefined) throw new Error('the answer has no count');
    return Number(count);
  }

  close(): void {
    this.#connection.destroy();
  }

  #get(url: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const sent = request(url, { agent: this.#connection }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          if (response.statusCode === 200) resolve(text);
          else reject(new Error(`${url} answered ${response.statusCode}: ${text.slice(0, 500)}`));
        });
        response.on('error', reject);
      });
      sent.on('error', reject);
      sent.end();
    });
  }
}
