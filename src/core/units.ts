import { usageError } from './errors.ts';

const durationUnits: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Reads a duration: numbers with ms, s, m, h or d, such as "60s", "1h30m", "1.5s" or "500ms".
 * @returns milliseconds, more than 0
 * @throws LambdaError DURATION_INVALID (usage)
 */
export function parseDuration(text: string): number {
  const trimmed = text.trim();
  const parts = [...trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  const isWhole = parts.length > 0 && parts.map(([part]) => part).join('') === trimmed;
  const total = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (durationUnits[unit ?? ''] ?? 0), 0);
  if (!isWhole || total <= 0) {
    throw usageError(`"${text}" is not a duration.`, {
      code: 'DURATION_INVALID',
      actions: ['Write a number above 0 with its unit, such as 500ms, 60s, 5m, 2h, 1d or 1h30m.'],
    });
  }
  return total;
}

/** Milliseconds as people read them: "820 ms", "4.2 s", "3m 05s", "2h 10m", "3d 4h". */
export function formatDuration(milliseconds: number): string {
  const rounded = Math.round(milliseconds);
  if (rounded < 1000) return `${rounded} ms`;
  if (rounded < 59_950) return `${(rounded / 1000).toFixed(1)} s`;
  const seconds = Math.round(rounded / 1000);
  const [minutes, hours, days] = [Math.floor(seconds / 60), Math.floor(seconds / 3600), Math.floor(seconds / 86_400)];
  const padded = (value: number) => String(value).padStart(2, '0');
  if (hours === 0) return `${minutes}m ${padded(seconds % 60)}s`;
  if (days === 0) return `${hours}h ${padded(minutes % 60)}m`;
  return `${days}d ${hours % 24}h`;
}

const sizeUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/**
 * Reads a size: a number with B, K, KB, KiB, M, MB, … (all powers of 1024, as memory limits go), or plain bytes.
 * @returns whole bytes, 0 or more
 * @throws LambdaError SIZE_INVALID (usage)
 */
export function parseBytes(text: string): number {
  const [, amount, letter = ''] = /^(\d+(?:\.\d+)?)\s*(?:([kmgt])(?:i?b)?|b)?$/i.exec(text.trim()) ?? [];
  if (amount === undefined) {
    throw usageError(`"${text}" is not a size.`, {
      code: 'SIZE_INVALID',
      actions: ['Write a number with its unit, such as 512K, 64MiB or 2GB (powers of 1024).'],
    });
  }
  return Math.round(Number(amount) * 1024 ** ' kmgt'.indexOf(letter.toLowerCase() || ' '));
}

/** Bytes as people read them, in powers of 1024: "512 B", "1.5 KiB", "320 MiB". */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 1023.5 would be shown as 1024: the next unit says it better.
  while (value >= 1023.5 && unit < sizeUnits.length - 1) {
    value /= 1024;
    unit++;
  }
  const text = unit === 0 || value >= 99.95 ? String(Math.round(value)) : value.toFixed(1);
  return `${text} ${sizeUnits[unit] ?? 'B'}`;
}
