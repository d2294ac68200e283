/** MiB → bytes. */
export const mebibytes = (count: number): number => Math.round(count * 1024 * 1024);
