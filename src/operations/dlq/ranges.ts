/** A set of offsets, kept as sorted disjoint ranges [first, last]: replays take neighbours. */
export class OffsetSet {
  private readonly ranges: [number, number][] = [];

  add(first: number, last = first): void {
    let from = 0;
    let to = this.ranges.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.ranges[middle]?.[1] ?? 0) < first - 1) from = middle + 1;
      else to = middle;
    }
    let [low, high] = [first, last];
    let count = 0;
    for (
      let range = this.ranges[from];
      range !== undefined && range[0] <= high + 1;
      range = this.ranges[from + ++count]
    ) {
      low = Math.min(low, range[0]);
      high = Math.max(high, range[1]);
    }
    this.ranges.splice(from, count, [low, high]);
  }

  has(offset: number): boolean {
    let from = 0;
    let to = this.ranges.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.ranges[middle]?.[1] ?? 0) < offset) from = middle + 1;
      else to = middle;
    }
    const range = this.ranges[from];
    return range !== undefined && range[0] <= offset;
  }

  toRanges(): readonly (readonly [number, number])[] {
    return this.ranges;
  }

  /** Every offset of it, ascending. */
  *[Symbol.iterator](): Generator<number> {
    for (const [first, last] of this.ranges) for (let offset = first; offset <= last; offset++) yield offset;
  }
}

/** Sets of offsets by topic and partition. */
export class PositionSet {
  private readonly sets = new Map<string, OffsetSet>();

  of(topic: string, partition: number): OffsetSet {
    const id = `${topic}/${partition}`;
    const present = this.sets.get(id);
    if (present !== undefined) return present;
    const made = new OffsetSet();
    this.sets.set(id, made);
    return made;
  }

  has({ topic, partition, offset }: Position): boolean {
    return this.sets.get(`${topic}/${partition}`)?.has(offset) ?? false;
  }

  add({ topic, partition, offset }: Position): void {
    this.of(topic, partition).add(offset);
  }
}

/** Where a record lies. */
export interface Position {
  topic: string;
  partition: number;
  offset: number;
}
