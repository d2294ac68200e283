package lambdactl.batch;

import java.io.Serializable;
import java.util.Arrays;
import java.util.HashMap;

/** A set of records of one topic by partition and offset: 8 bytes each. Add, then sort, then ask. */
final class Positions implements Serializable {
  private static final long serialVersionUID = 1;
  private final HashMap<Integer, long[]> offsets = new HashMap<>();
  private final HashMap<Integer, Integer> counts = new HashMap<>();

  void add(int partition, long offset) {
    int count = counts.getOrDefault(partition, 0);
    long[] known = offsets.computeIfAbsent(partition, p -> new long[64]);
    if (count == known.length) {
      known = Arrays.copyOf(known, count * 2);
      offsets.put(partition, known);
    }
    known[count] = offset;
    counts.put(partition, count + 1);
  }

  void addAll(Positions others) {
    others.counts.forEach((partition, count) -> {
      long[] more = others.offsets.get(partition);
      for (int i = 0; i < count; i++) add(partition, more[i]);
    });
  }

  Positions sorted() {
    counts.forEach((partition, count) -> {
      long[] exact = Arrays.copyOf(offsets.get(partition), count);
      Arrays.sort(exact);
      offsets.put(partition, exact);
    });
    return this;
  }

  boolean contains(int partition, long offset) {
    long[] known = offsets.get(partition);
    return known != null && Arrays.binarySearch(known, offset) >= 0;
  }

  long size() {
    return counts.values().stream().mapToLong(Integer::longValue).sum();
  }
}
