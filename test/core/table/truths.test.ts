import { describe, it } from 'vitest';
import { formatTime } from '../../../core/contract/index.ts';
import { Stage } from '../../plugins/sqlite-metrics/stage.ts';
import { TRUTH_COLUMNS, type TruthRow } from './truth-rows.ts';
import { type TruthPlace, tableTruths } from './truths.ts';

const stored = (time: number) => formatTime(time).replace('T', ' ').replace('Z', '');

async function open(word: string): Promise<TruthPlace> {
  const stage = await Stage.open();
  stage.sql(`CREATE TABLE truths (id INTEGER PRIMARY KEY AUTOINCREMENT, word ${word}, whole BIGINT, amount DECIMAL(10,2), ratio DOUBLE,
    flag BOOLEAN, facts JSON, seen TEXT, bytes BLOB, at DATETIME NOT NULL);
    CREATE INDEX word ON truths (word); CREATE INDEX at ON truths (at)`);
  const source = await stage.started({ table: 'truths', time_column: 'at' });
  return {
    source,
    async fill(rows) {
      stage.sql('DELETE FROM truths');
      if (rows.length === 0) return;
      const columns = TRUTH_COLUMNS.map((name) => `"${name}"`).join(', ');
      stage.sql(`INSERT INTO truths (${columns}) VALUES (${TRUTH_COLUMNS.map(() => '?').join(', ')})`, ...rows.map(valuesOf));
    },
    close: () => stage.close(),
  };
}

function valuesOf(row: TruthRow) {
  const { word, whole, amount, ratio, flag, facts, seen, bytes, at } = row;
  const seenText = seen === null ? null : formatTime(seen);
  return [word, whole, amount, ratio, flag === null ? null : Number(flag), facts, seenText, bytes, stored(at)];
}

describe.each(['VARCHAR(50)', 'TEXT COLLATE NOCASE', 'TEXT COLLATE RTRIM'])('in SQLite, with a %s', (word) => {
  tableTruths({ describe, it: it as never }, () => open(word));
});
