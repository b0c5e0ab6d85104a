import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csvRows } from '../../../plugins/http-query-api/csv.ts';
import { membersOf } from '../../../plugins/http-query-api/members.ts';
import { rowsOf } from './stand.ts';

function csv(...rows: string[]): string {
  const entries = rowsOf(rows).map((row) => ({ ...row, type: 'logs', source: 'app', body: {} }));
  return csvRows({ entries, sources: [], notes: [] });
}

test('columns are the keys in order of appearance, timestamp first', () => {
  expect(csv('{"level":"INFO","timestamp":"t1"}', '{"timestamp":"t2","extra":{"a":[1, 2]}}')).toBe(
    'timestamp,level,extra\r\nt1,INFO,\r\nt2,,"{""a"":[1, 2]}"\r\n',
  );
  expect(csv()).toBe('');
});

test('values keep what they are', () => {
  expect(csv('{"a":12345678901234567890,"b":1.0,"c":true,"d":null,"e":"say \\"hi\\", ñ\\nnext","f":""}')).toBe(
    'a,b,c,d,e,f\r\n12345678901234567890,1.0,true,,"say ""hi"", ñ\nnext",\r\n',
  );
});

test('a text that a spreadsheet would run is defused, a number is not', () => {
  expect(csv('{"a":"=1+1","b":"@x","c":"-5","d":"+1.5e3","e":"-5+cmd","f":-7,"g":"\\tx","h":"\\rx","+i":"x"}')).toBe(
    "a,b,c,d,e,f,g,h,'+i\r\n'=1+1,'@x,-5,+1.5e3,'-5+cmd,-7,'\tx,\"'\rx\",x\r\n",
  );
});

test('members are those that JSON.parse finds', () => {
  const object = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue());
  fc.assert(
    fc.property(object, fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
      const json = JSON.stringify(value, null, indent);
      const members = membersOf(json);
      const parsed = JSON.parse(json) as Record<string, unknown>;
      expect([...members.keys()].sort()).toEqual(Object.keys(parsed).sort());
      for (const [key, text] of members) expect(JSON.parse(text)).toEqual(parsed[key]);
    }),
  );
  expect([...membersOf('{"a":1,"b":{"}":"]"},"a":2.50}')]).toEqual([
    ['a', '2.50'],
    ['b', '{"}":"]"}'],
  ]);
});
