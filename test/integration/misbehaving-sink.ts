import { appendFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineSink, z } from 'cauce/plugin';

/** A sink that misbehaves as its option says. */
export default defineSink({
  name: 'misbehaving',
  summary: 'Fails on purpose',
  apiVersion: 1,
  options: z.strictObject({
    how: z.enum(['listener', 'handler', 'slow', 'hangs']),
    file: z.string().optional(),
    tag: z.string().default(''),
  }),
  needs: ['http', 'events'],
  create({ options: { how, file = '', tag }, agent }) {
    const note = (text: string) => appendFile(file, `${text} ${tag}\n`);
    if (how === 'slow') {
      return {
        async write() {
          await note('begin');
          await sleep(700);
          await note('end');
        },
      };
    }
    return {
      async start() {
        if (how === 'hangs') await new Promise(() => undefined);
        if (how === 'listener') {
          agent.events.on('query', () => {
            throw new Error('thrown in a listener');
          });
          return;
        }
        await agent.http.mount('127.0.0.1:0', '/bad', {
          request(request) {
            if (request.url === '/bad/stray') void Promise.reject(new Error('a stray rejection of a handler'));
            throw new Error('thrown in a handler');
          },
        });
      },
    };
  },
});
