import { writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assertDraft } from '../../../core/conformance/rules.ts';
import { runOf } from '../../../core/conformance/stand.ts';
import { findJson } from '../../../plugins/health-script/find-json.ts';
import { interpret } from '../../../plugins/health-script/interpret.ts';
import { options } from '../../../plugins/health-script/options.ts';
import type { Outcome } from '../../../plugins/health-script/run-script.ts';
import { STATUSES } from '../../../plugins/health-script/status.ts';
import { Stage } from './stage.ts';

const around = { options: options.parse({ command: 'x' }), name: 'x', mask: (text: string) => text };

function outcome(stdout: Buffer | string, more: Partial<Outcome> = {}): Outcome {
  const bytes = typeof stdout === 'string' ? Buffer.from(stdout) : stdout;
  return { stdout: bytes, stderr: '', exitCode: 0, signal: null, durationMs: 1, notes: [], cleared: Promise.resolve(true), ...more };
}

const piece = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.json({ maxDepth: 3 }),
  fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '"',
    '\\',
    ':',
    ',',
    '\n',
    '|',
    "'",
    '=',
    ';',
    '"status":',
    '"checks":',
    '"ok"',
    'DISK OK - ',
    'CRITICAL',
    '\0',
    '\u2028',
  ),
);
const output = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.array(piece, { maxLength: 30 }).map((pieces) => Buffer.from(pieces.join(''))),
  fc
    .record({ status: fc.jsonValue(), checks: fc.jsonValue(), summary: fc.jsonValue() }, { requiredKeys: [] })
    .map((report) => Buffer.from(JSON.stringify(report))),
);
const exitCode = fc.option(fc.nat(255));

describe('any bytes as output', () => {
  test('are read as one of the four states, in every dialect', () => {
    fc.assert(
      fc.property(output, exitCode, fc.constantFrom('auto', 'json', 'nagios'), (stdout, code, dialect) => {
        const { status, checks, notes } = interpret(outcome(stdout, { exitCode: code }), {
          ...around,
          options: { ...around.options, dialect },
        });
        expect(STATUSES).toContain(status);
        for (const known of checks.values()) expect(STATUSES).toContain(known);
        expect(notes.every((note) => typeof note === 'string')).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  test('a run that was broken off is never ok', () => {
    fc.assert(
      fc.property(output, fc.constantFrom('timeout', 'output'), (stdout, ended) => {
        expect(interpret(outcome(stdout, { exitCode: null, ended }), around).status).not.toBe('ok');
      }),
      { numRuns: 500 },
    );
  });

  test('a report is found in any text that holds no other bracket, and any text may be in it', () => {
    const text = fc.string({ unit: 'binary' }).map((given) => given.replace(/[{[\uD800-\uDFFF]/g, ''));
    fc.assert(
      fc.property(text, text, fc.string({ unit: 'grapheme' }), (before, behind, message) => {
        const report = JSON.stringify({ checks: [{ name: 'a', status: 'fail', message }] });
        const { status, messages } = interpret(outcome(before + report + behind), around);
        expect(status).toBe('critical');
        expect(messages.get('a') ?? '').toBe(message);
      }),
    );
  });

  test('control characters are escaped inside strings only', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('\n', '\t', '\r', '\0', '\u001b', 'a', '\\', '"', '{') }), (message) => {
        const raw = `{\n"status":\t"ok", "message": "${message.replace(/[\\"]/g, '\\$&')}"}`;
        expect(findJson(raw).found[0]?.value).toEqual({ status: 'ok', message });
      }),
    );
  });

  test.each([
    ['brackets that never close', '{"'.repeat(500_000)],
    ['lists that never close', '['.repeat(1_000_000)],
    ['deep nesting', `${'['.repeat(500_000)}${']'.repeat(500_000)}`],
    ['a deep report', `{"status":"ok","x":${'['.repeat(5000)}${']'.repeat(5000)}}`],
    ['many small objects', '{}'.repeat(500_000)],
    ['many reports', '{"status":1}'.repeat(80_000)],
    ['quotes', '"'.repeat(1_000_000)],
    ['backslashes in a string', `{"status":"${'\\\\'.repeat(400_000)}"}`],
    ['a long string of control characters', `{"status":"ok","a":"${'\n'.repeat(900_000)}"}`],
    ['a long line', 'a'.repeat(1_000_000)],
    ['long words', `${'a '.repeat(500_000)}OK`],
    ['quoted labels', `X OK |${"'a ".repeat(300_000)}`],
    ['quotes of labels', `X OK |${"'".repeat(900_000)}`],
    ['long numbers', `X OK | a=${'1'.repeat(900_000)}x`],
    ['pipes', `X OK ${'|'.repeat(900_000)}`],
    ['nested objects that are no JSON', `${'{a'.repeat(60)}${'{b}'.repeat(300_000)}${'}'.repeat(60)}`],
  ])('%s are dealt with', (_what, text) => {
    for (const dialect of ['auto', 'nagios'] as const) {
      const reading = interpret(outcome(text), { ...around, options: { ...around.options, dialect } });
      expect(STATUSES).toContain(reading.status);
      expect(JSON.stringify([...reading.checks]).length).toBeLessThan(200_000);
    }
  });
});

describe('real runs', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open();
    await stage.script(`cat "$1"; cat "$1" >&2; exit "$2"`);
  });
  afterAll(() => stage.close());

  test('whatever is printed, the entry is valid', async () => {
    await fc.assert(
      fc.asyncProperty(output, fc.nat(255), async (stdout, code) => {
        await writeFile(stage.path('bytes'), stdout);
        const source = stage.source({ command: [stage.path('check.sh'), stage.path('bytes'), String(code)] });
        const drafts = await source.latest(runOf(new AbortController().signal));
        for (const draft of drafts) {
          assertDraft(draft);
          expect(STATUSES).toContain(JSON.parse(draft.json).status);
        }
        await source.stop();
      }),
      { numRuns: 60 },
    );
  });
});
