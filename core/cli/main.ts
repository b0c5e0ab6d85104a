#!/usr/bin/env node
// Before the program is loaded, which takes a while: a request to reload must not end an agent that is only starting.
if (process.argv[2] === 'run') process.on('SIGHUP', () => undefined);

await import('./program.ts');
