import { expect, it } from 'vitest';
import { patch, readChange } from './patch.ts';

const patched = (text: string, ...changes: string[]) =>
  patch(Buffer.from(text), changes.map(readChange))?.toString() ?? null;

it('changes fields, also inside objects, and adds missing ones', () => {
  expect(patched('{"a":1,"b":{"c":2}}', 'a=7', 'b.c="7"', 'd=x=y', 'e=', 'f=null')).toBe(
    '{"a":7,"b":{"c":"7"},"d":"x=y","e":"","f":null}',
  );
});

it('keeps the digits of numbers it does not change', () => {
  expect(patched('{"amount":19.90,"big":12345678901234567890,"e":1e400,"s":"x"}', 's=12345678901234567890')).toBe(
    '{"amount":19.90,"big":12345678901234567890,"e":1e400,"s":12345678901234567890}',
  );
});

it.each(['not json', '[1]', '7', '"text"', 'null', '{"a":1}'])(
  'changes nothing where there is no object: %s',
  (text) => {
    expect(patched(text, 'a.b=1')).toBe(null);
  },
);

it.each(['field', '=1', 'a..b=1', '__proto__.x=1'])('refuses --set %s', (text) => {
  expect(() => readChange(text)).toThrowError(expect.objectContaining({ code: 'BAD_PATCH' }));
});
