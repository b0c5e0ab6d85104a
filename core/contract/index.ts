/** The contract: the only code that a plugin imports, published as `cauce/plugin`. */
export { z } from 'zod';
export * from './adapters.ts';
export * from './condition-text.ts';
export * from './define.ts';
export * from './entry.ts';
export * from './errors.ts';
export * from './follow.ts';
export * from './loopback.ts';
export * from './nearest.ts';
export * from './options.ts';
export * from './problem.ts';
export * from './query.ts';
export * from './request.ts';
export * from './sink.ts';
export * from './source.ts';
export * from './time.ts';
