import { describe, expect, it } from 'vitest';
import { formatBytes, formatDuration, parseBytes, parseDuration } from './units.ts';

describe('parseDuration', () => {
  it.each([
    ['60s', 60_000],
    ['5m', 300_000],
    ['500ms', 500],
    ['1h30m', 5_400_000],
    [' 1.5s ', 1500],
    ['2d', 172_800_000],
  ])('reads %j', (text, milliseconds) => expect(parseDuration(text)).toBe(milliseconds));

  it.each(['', '60', 's', '-5s', '5 minutes', '0s', '5s!', '1h 30m', 'Infinitys'])('refuses %j', (text) => {
    expect(() => parseDuration(text)).toThrowError(expect.objectContaining({ code: 'DURATION_INVALID', exitCode: 2 }));
  });
});

it.each([
  [0, '0 ms'],
  [820.4, '820 ms'],
  [999.6, '1.0 s'],
  [4240, '4.2 s'],
  [59_949, '59.9 s'],
  [59_960, '1m 00s'],
  [185_000, '3m 05s'],
  [7_800_000, '2h 10m'],
  [273_600_000, '3d 4h'],
])('formats %d ms', (milliseconds, text) => expect(formatDuration(milliseconds)).toBe(text));

describe('parseBytes', () => {
  it.each([
    ['0', 0],
    ['512', 512],
    ['512B', 512],
    ['1K', 1024],
    ['64MiB', 67_108_864],
    ['1.5 GB', 1_610_612_736],
    ['2tib', 2_199_023_255_552],
  ])('reads %j', (text, bytes) => expect(parseBytes(text)).toBe(bytes));

  it.each(['', 'MB', '-1', '5X', '1 2K'])('refuses %j', (text) => {
    expect(() => parseBytes(text)).toThrowError(expect.objectContaining({ code: 'SIZE_INVALID', exitCode: 2 }));
  });
});

it.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1536, '1.5 KiB'],
  [1_048_524, '1.0 MiB'],
  [335_544_320, '320 MiB'],
  [5_000_000_000_000_000, '4547 TiB'],
])('formats %d bytes', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
