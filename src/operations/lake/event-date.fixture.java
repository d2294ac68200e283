package lambdactl.lake;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import lambdactl.speed.Contract;

/** Compares the byte scan with the contract's reader; prints what differs, then the number of records. */
final class EventDateFixture {
  public static void main(String[] args) throws Exception {
    Contract contract = Contract.read(Path.of(args[0]), "user_event.schema.json");
    int at = contract.type.fieldIndex("timestamp");
    int number = Contract.register(contract);
    List<String> times = List.of("2026-11-21T10:00:00.123Z", "2026-11-21T23:59:59Z", "2026-11-21T24:00:00Z", "2026-02-29T10:00:00Z",
        "2024-02-29T10:00:00Z", "2026-12-31T23:59:60Z", "2026-11-21T23:30:00-02:00", "2026-11-21T00:30:00+05:30", "1969-12-31T23:59:59.999Z",
        "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "+12026-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", "2026-11-21",
        "2026-11-21T10:00Z", "2026-11-21T10:00:00.Z", "2026-11-21T10:00:00.1Z", "2026-13-01T00:00:00Z", "2026-11-31T00:00:00Z",
        "2026-11-21 10:00:00Z", "2026-11-21T10:61:00Z", "", "x", "2026-11-21t10:00:00z", "2026\\u002d11-21T10:00:00Z", "２０26-11-21T10:00:00Z");
    String[] shapes = {"{\"timestamp\":\"%s\"}", "{ \"a\" : {\"timestamp\":\"1999-01-01T00:00:00Z\"}, \"timestamp\" :\n\"%s\" }",
        "{\"timestamp\":\"1999-01-01T00:00:00Z\",\"timestamp\":\"%s\"}", "{\"timestamp\":\"%s\",\"timestamp\":null}",
        "{\"timestamp\":\"%s\",\"timestamp\":5,\"b\":1}", "{\"x\":\"\\\"timestamp\\\":\\\"1999-01-01T00:00:00Z\",\"timestamp\":\"%s\"}",
        "{\"timest\\u0061mp\":\"%s\"}", "{\"a\":[{\"timestamp\":1},\"timestamp\"],\"b\":\"timestamp\",\"timestamp\":\"%s\",\"c\":\"\\\\\"}",
        "{\"a\":\"timestamp\",\"b\":\"%s\"}", "[\"timestamp\",\"%s\"]", "{\"timestamp\":\"%s\""};
    int records = 0;
    for (String shape : shapes) for (String time : times) records += check(contract, at, number, shape.formatted(time));
    Random random = new Random(7);
    for (int i = 0; i < 20_000; i++) {
      String time = java.time.Instant.ofEpochMilli((long) (random.nextGaussian() * 4e12)).toString();
      records += check(contract, at, number, shapes[random.nextInt(3)].formatted(time));
    }
    System.out.println(records);
  }

  private static int check(Contract contract, int at, int number, String json) {
    byte[] record = json.getBytes(StandardCharsets.UTF_8);
    var row = Contract.parse(record, number);
    int scanned = EventDate.of(record, "timestamp".getBytes(StandardCharsets.UTF_8));
    boolean none = row.isNullAt(at);
    String error = row.isNullAt(contract.type.fieldIndex(Contract.ERROR)) ? "" : row.getUTF8String(contract.type.fieldIndex(Contract.ERROR)).toString();
    // Rejected for its form: any day will do.
    if (error.startsWith("malformed") || error.matches("(wrong_type|bad_format): timestamp .*")) return 1;
    int read = none ? EventDate.NONE : (int) Math.floorDiv(row.getLong(at), 86_400_000_000L);
    if (read != scanned) System.out.println("differs: " + json + " reader " + read + ", scan " + scanned + " " + error);
    return 1;
  }
}
