// Renders the parts of a mail with liquidjs, parsed once. In: JSON {parts, escaped, context, repeat, rounds} on stdin.
// Out: JSON {shown: [text of each part], ms: [ms per mail of each repetition]}.
import { readFileSync } from 'node:fs';
import { Liquid } from 'liquidjs';

const { parts, escaped, context, repeat, rounds } = JSON.parse(readFileSync(0, 'utf8'));
const styles = new Map();
const money = (value, currency) => {
  if (!styles.has(currency)) styles.set(currency, new Intl.NumberFormat('en', { style: 'currency', currency }));
  return styles.get(currency).format(Number(value));
};
const plural = (value, one, many) => `${value} ${value === 1 ? one : many}`;
const engines = [true, false].map((escape) => {
  const engine = new Liquid({ outputEscape: escape ? 'escape' : undefined, cache: false });
  engine.registerFilter('money', money);
  engine.registerFilter('plural', plural);
  return engine;
});
const parsed = parts.map((part, index) => {
  const engine = engines[escaped[index] ? 0 : 1];
  return [engine, engine.parse(part)];
});
const render = () => parsed.map(([engine, template]) => engine.renderSync(template, context));
const shown = render();
for (let round = 0; round < 1000; round++) render();
const ms = [];
for (let one = 0; one < repeat; one++) {
  const began = process.cpuUsage();
  for (let round = 0; round < rounds; round++) render();
  const { user, system } = process.cpuUsage(began);
  ms.push((user + system) / 1000 / rounds);
}
console.log(JSON.stringify({ shown, ms }));
