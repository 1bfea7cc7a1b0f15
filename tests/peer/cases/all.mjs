// all: the suite's cases, a file per functional block, and how they are chosen by id.
import { readdirSync } from 'node:fs';

// [{ id, title, given (async, may be absent), steps (async), seconds (about, when it takes long), timeoutS (the message
// time-out it sets, for lint), allow (lint rules that it breaks on purpose), missing (what this station does not do: the
// case is known to fail, and says so when it no longer does), launch (it needs a boot loader and slots: a process of its
// own) }]
export async function loadCases() {
  const files = readdirSync(new URL('.', import.meta.url)).filter((f) => /^[A-Z]\.mjs$/.test(f)).sort();
  const cases = [];
  for (const f of files) {
    const block = f[0];
    for (const c of (await import(`./${f}`)).default) {
      if (!new RegExp(`^${block}_[0-9]{2}[a-z]?$`).test(c.id)) throw new Error(`${f} has a case ${c.id}`);
      if (cases.some((x) => x.id === c.id)) throw new Error(`there are two cases ${c.id}`);
      cases.push(c);
    }
  }
  return cases;
}

// Of the cases, those whose id or block is named; all of them when none is.
export function select(cases, names) {
  for (const n of names) if (!cases.some((c) => c.id === n || c.id.startsWith(`${n}_`))) throw new Error(`there is no case ${n}`);
  return names.length ? cases.filter((c) => names.some((n) => c.id === n || c.id.startsWith(`${n}_`))) : cases;
}
