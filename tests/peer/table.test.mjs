// The table of cases in docs/ocpp-2.0.1.md against what there is: every mandatory case stands in exactly one row; the row's
// unit tests exist; what is said to work has its case in the suite, what is said not to has none.
//   | B_09–B_11, B_35 | dm `writing`, tx `retries` |      | L_04 | no: why |      | J_03 | not yet: why |
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadCases } from './cases/all.mjs';
import { MANDATORY } from './cases/mandatory.mjs';
import { ROOT } from './program.mjs';

const PAGE = 'docs/ocpp-2.0.1.md';
const text = readFileSync(join(ROOT, PAGE), 'utf8');

// The page's own list of test files: **tx** `tests/ocpp/test_transactions.c`; later ones without the folder.
const legend = text.slice(text.indexOf('\nTests: '), text.indexOf('| case |'));
const files = Object.fromEntries([...legend.matchAll(/\*\*(\w+)\*\*\s+`(?:tests\/ocpp\/)?([\w/]+\.c)`/g)].map(([, short, file]) =>
  [short, file.includes('/') ? file : `tests/ocpp/${file}`]));

const rows = text.split('\n').filter((l) => /^\| [A-Z](_[0-9]{2}|, the rest| )/.test(l)).map((line) => {
  const [, ids, where] = /^\| (.*?) \| (.*) \|$/.exec(line);
  return { line, where, ids: ids.split(', ').flatMap((part) => {
    const m = /^([A-Z])_(\d\d)(?:–(?:([A-Z])_)?(\d\d))?$/.exec(part);
    assert.ok(m && (m[3] ?? m[1]) === m[1], `${PAGE}: "${part}" is no case and no range of cases: ${line}`);
    const from = Number(m[2]);
    return Array.from({ length: Number(m[4] ?? m[2]) - from + 1 }, (_, i) => `${m[1]}_${String(from + i).padStart(2, '0')}`);
  }) };
});
const absent = (row) => /^(no|not yet):/.test(row.where);

test('every mandatory case stands in one row of the table, and no case in two', () => {
  const count = new Map();
  for (const r of rows) for (const id of r.ids) count.set(id, (count.get(id) ?? 0) + 1);
  assert.deepEqual(MANDATORY.filter((id) => !count.has(id)), [], 'in no row');
  assert.deepEqual([...count].filter(([, n]) => n > 1).map(([id]) => id), [], 'in several rows');
});

test('the unit tests that the table names exist', () => {
  const missing = [];
  for (const r of rows) {
    for (const [, short, names] of r.where.matchAll(/\b([a-z]+) ((?:`\w+`(?:, )?)+)/g)) {
      if (!files[short]) {
        missing.push(`${short} is not in the list of files: ${r.line}`);
        continue;
      }
      const source = readFileSync(join(ROOT, files[short]), 'utf8');
      for (const [, name] of names.matchAll(/`(\w+)`/g)) {
        if (!source.includes(`static void ${name}(void **`)) missing.push(`${short} \`${name}\` (${files[short]})`);
      }
    }
  }
  assert.deepEqual(missing, []);
});

test('what works has its case against the independent server, what does not has none that passes', async () => {
  const suite = new Map((await loadCases()).map((c) => [c.id, c]));
  const wrong = [];
  for (const r of rows) {
    for (const id of r.ids) {
      const c = suite.get(id);
      if (absent(r) && c && !c.missing) wrong.push(`${id} is in the suite, the table says: ${r.where}`);
      if (!absent(r) && (!c || c.missing) && MANDATORY.includes(id)) wrong.push(`${id} works, says the table; it has no case in tests/peer/cases`);
    }
  }
  for (const id of suite.keys()) if (!rows.some((r) => r.ids.includes(id))) wrong.push(`${id} is in the suite and not in the table`);
  assert.deepEqual(wrong, []);
});
