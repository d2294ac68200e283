package lambdactl.speed;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * Answers "may a row of this id and event time have been handed to ClickHouse before?"; never wrong with "no".
 *
 * <p>Keeps a 32-bit fingerprint of every id, one set per minute of event time. Minutes from {@code coveredFrom} on are complete:
 * an id missing there is new. Older minutes are not kept, so everything in them may have been seen. About 6 bytes an id; the
 * chance that a new id is taken for a seen one is about 10^-9, and costs a look-up, never a row.
 */
final class RecentIds {
  private static final long MINUTE = 60_000;

  private final int capacity;
  private final TreeMap<Long, List<Segment>> minutes = new TreeMap<>();
  private long coveredFrom;
  private int size;
  private long lastMinute = Long.MIN_VALUE;
  private List<Segment> lastSegments;

  /** @param coveredFrom no id of this or a later minute (minutes since 1970) exists that is not given to maybeSeen first. */
  RecentIds(int capacity, long coveredFrom) {
    this.capacity = capacity;
    this.coveredFrom = coveredFrom;
  }

  /** Remembers the id. Call before the row can reach ClickHouse. Time in ms since 1970. */
  synchronized boolean maybeSeen(long high, long low, long time) {
    long minute = Math.floorDiv(time, MINUTE);
    if (minute < coveredFrom) return true;
    List<Segment> segments = segmentsOf(minute);
    long hash = Uuids.mix(high, low);
    for (Segment segment : segments) if (segment.contains(hash)) return true;
    Segment last = segments.get(segments.size() - 1);
    if (last.full()) {
      last = new Segment(Math.min(last.slots.length * 2, 1 << 22));
      segments.add(last);
    }
    last.add(hash);
    if (++size > capacity) forgetOldest();
    return false;
  }

  private List<Segment> segmentsOf(long minute) {
    if (minute == lastMinute) return lastSegments;
    lastSegments = minutes.computeIfAbsent(minute, m -> new ArrayList<>(List.of(new Segment(1 << 10))));
    lastMinute = minute;
    return lastSegments;
  }

  private void forgetOldest() {
    var oldest = minutes.pollFirstEntry();
    for (Segment segment : oldest.getValue()) size -= segment.used;
    coveredFrom = oldest.getKey() + 1;
    lastMinute = Long.MIN_VALUE;
  }

  synchronized int size() {
    return size;
  }

  synchronized long coveredFromMs() {
    return coveredFrom == Long.MIN_VALUE ? 0 : coveredFrom * MINUTE;
  }

  /** Linear probing; slot from the hash's upper half, fingerprint from its lower. 0 is a free slot. */
  private static final class Segment {
    final int[] slots;
    int used;

    Segment(int size) {
      slots = new int[size];
    }

    boolean full() {
      return used >= slots.length * 3L / 4;
    }

    boolean contains(long hash) {
      int fingerprint = fingerprint(hash);
      for (int slot = slot(hash); slots[slot] != 0; slot = slot + 1 & slots.length - 1) {
        if (slots[slot] == fingerprint) return true;
      }
      return false;
    }

    void add(long hash) {
      int slot = slot(hash);
      while (slots[slot] != 0) slot = slot + 1 & slots.length - 1;
      slots[slot] = fingerprint(hash);
      used++;
    }

    private int slot(long hash) {
      return (int) (hash >>> 32) & slots.length - 1;
    }

    private static int fingerprint(long hash) {
      int fingerprint = (int) hash;
      return fingerprint == 0 ? 1 : fingerprint;
    }
  }
}
