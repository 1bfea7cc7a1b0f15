// lint: checks frame logs written with --frame-log.
//   node tests/lint/lint.mjs [--station-only] [--complete] [--allow-empty] [--timeout S] FILE...
// Prints each problem as FILE:LINE: rule: text. Exit 0: clean, 1: problems, 2: could not be read.
import { readFileSync } from 'node:fs';
import { lintText, RULES } from './rules.mjs';

const options = {};
const files = [];
const args = process.argv.slice(2);
while (args.length) {
  const a = args.shift();
  if (a === '--station-only') options.only = 'station';
  else if (a === '--complete') options.complete = true;
  else if (a === '--allow-empty') options.allowEmpty = true;
  else if (a === '--timeout' && Number(args[0]) > 0) options.timeoutS = Number(args.shift());
  else if (a === '--rules') {
    for (const [rule, what] of Object.entries(RULES)) console.log(`${rule.padEnd(13)} ${what}`);
    process.exit(0);
  } else if (a.startsWith('--')) {
    console.error(`lint: unknown option ${a}; known: --station-only --complete --allow-empty --timeout S --rules`);
    process.exit(2);
  } else files.push(a);
}
if (files.length === 0) {
  console.error('lint: name at least one frame log (ecs-sim writes one with --frame-log FILE)');
  process.exit(2);
}

let problems = 0;
let frames = 0;
for (const file of files) {
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch (e) {
    console.error(`lint: ${e.message}`);
    process.exit(2);
  }
  const result = lintText(text, options);
  frames += result.frames;
  problems += result.problems.length;
  for (const p of result.problems) {
    console.log(`${file}:${p.line}: ${p.rule}: ${p.station ? `${p.station}: ` : ''}${p.text}`);
  }
}
console.log(`lint: ${frames} frames in ${files.length} log${files.length === 1 ? '' : 's'}, ${problems} problem${problems === 1 ? '' : 's'}`);
process.exit(problems ? 1 : 0);
