import { describe, expectTypeOf, it } from 'vitest';
import { defineSink, defineSource, duration, type Services, strings, z } from '../../../core/contract/index.ts';

const head = { name: 'x', summary: 'x', apiVersion: 1 } as const;

// The type checker is the test: every @ts-expect-error below fails `npm run types` when the error is no longer one.
describe('the contract holds plugin authors by types', () => {
  it('infers options, transforms and defaults included', () => {
    defineSource({
      ...head,
      options: z.strictObject({ paths: strings(), every: duration('60s'), name: z.string().optional() }),
      create({ options }) {
        expectTypeOf(options.paths).toEqualTypeOf<string[]>();
        expectTypeOf(options.every).toEqualTypeOf<number>();
        expectTypeOf(options.name).toEqualTypeOf<string | undefined>();
        // @ts-expect-error there is no such option
        options.pathz;
        return { type: 'logs' };
      },
    });
  });

  it('refuses a misspelled facet', () => {
    // @ts-expect-error queri is no facet
    defineSource({ ...head, options: z.strictObject({}), create: () => ({ type: 'logs', queri: { async *run() {} } }) });
    // @ts-expect-error writ is no facet
    defineSink({ ...head, options: z.strictObject({}), create: () => ({ writ: async () => {} }) });
  });

  it('refuses options that belong to the core', () => {
    // @ts-expect-error use is reserved
    defineSource({ ...head, options: z.strictObject({ use: z.string() }), create: () => ({ type: 'logs' }) });
  });

  it('keeps a sink from services that it did not ask for', () => {
    defineSink({
      ...head,
      options: z.strictObject({}),
      needs: ['query', 'http'],
      create({ agent }) {
        expectTypeOf(agent).toEqualTypeOf<Pick<Services, 'query' | 'http'>>();
        // @ts-expect-error state was not asked for
        agent.state;
        return {};
      },
    });
    defineSink({
      ...head,
      options: z.strictObject({}),
      create({ agent }) {
        // @ts-expect-error nothing was asked for
        agent.query;
        return { write: async () => {} };
      },
    });
    // @ts-expect-error there is no such service
    defineSink({ ...head, options: z.strictObject({}), needs: ['everything'], create: () => ({}) });
  });

  it('keeps apiVersion a promise', () => {
    // @ts-expect-error this contract is version 1
    defineSource({ ...head, apiVersion: 2, options: z.strictObject({}), create: () => ({ type: 'logs' }) });
  });
});
