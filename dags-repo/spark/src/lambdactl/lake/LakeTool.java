package lambdactl.lake;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks into the lake and looks after it: LakeTool --conf-file FILE VERB …; JSON lines on stdout, the last one
 * {"event":"result", …} or {"event":"error","code","message"}. Exit code 0, 2 for a wrong request, 1 for anything else. What follows
 * "--" is no option, whatever it begins with.
 */
public final class LakeTool {
  private static final Logger log = LoggerFactory.getLogger(LakeTool.class);
  private static final String USAGE = "usage: --conf-file FILE tables | snapshots TABLE | offsets [--counts] | "
      + "wait --offsets JSON [--timeout SECONDS] | ensure | query [--as-of TIME] [--max-rows N] -- SQL | maintain [TABLE …] | append TABLE FILE | "
      + "ids TABLE --window JSON --columns JSON --since MS --file FILE | spans TABLE …";

  private LakeTool() {}

  public static void main(String[] args) {
    Out.own();
    int code = 0;
    try {
      Out.emit("result", run(args));
    } catch (LakeException e) {
      Out.error(e.code, e.getMessage());
      code = 2;
    } catch (Throwable e) {
      log.error("the lake tool ends", e);
      Out.error("LAKE_FAILED", LakeException.oneLine(e));
      code = 1;
    }
    // Not System.exit: hooks and threads of the clients have nothing to finish.
    Runtime.getRuntime().halt(code);
  }

  private static Map<String, Object> run(String[] args) throws Exception {
    List<String> words = new ArrayList<>();
    Map<String, String> options = new TreeMap<>();
    for (int i = 0; i < args.length; i++) {
      if (args[i].equals("--")) words.addAll(List.of(args).subList(i + 1, args.length));
      if (args[i].equals("--")) break;
      if (args[i].equals("--counts")) options.put(args[i], "");
      else if (args[i].startsWith("--") && i + 1 < args.length) options.put(args[i], args[++i]);
      else words.add(args[i]);
    }
    if (!options.containsKey("--conf-file") || words.isEmpty()) throw new LakeException("BAD_USAGE", USAGE);
    JsonNode settings = LakeConfig.read(Path.of(options.get("--conf-file")));
    try (Lake lake = Lake.open(new LakeConfig(settings.path("lake")))) {
      return verb(lake, settings, words, options);
    }
  }

  private static Map<String, Object> verb(Lake lake, JsonNode settings, List<String> words, Map<String, String> options) throws Exception {
    String verb = words.get(0);
    List<String> rest = words.subList(1, words.size());
    switch (verb) {
      case "tables": return TableReport.tables(lake);
      case "snapshots": return TableReport.snapshots(lake.load(only(rest)));
      case "offsets": return new LakeOffsets(lake, options.containsKey("--counts")).refresh().report();
      case "wait":
        return WaitForOffsets.run(lake, new ObjectMapper().readTree(options.getOrDefault("--offsets", "{}")),
            Long.parseLong(options.getOrDefault("--timeout", "600")) * 1000);
      case "ensure":
        if (lake.config.raw) RecordsTable.ensure(lake);
        return Map.of("tables", lake.names());
      case "query":
        return LakeQuery.run(lake, settings, only(rest), options.get("--as-of"), Integer.parseInt(options.getOrDefault("--max-rows", "10000")));
      case "append":
        if (rest.size() != 2) throw new LakeException("BAD_USAGE", USAGE);
        return Append.run(lake, settings, rest.get(0), rest.get(1));
      case "ids": {
        ObjectMapper json = new ObjectMapper();
        return LakeIds.run(lake, only(rest), json.readTree(options.getOrDefault("--window", "{}")), json.readTree(options.getOrDefault("--columns", "[]")),
            Long.parseLong(options.getOrDefault("--since", "0")), Path.of(options.getOrDefault("--file", "")));
      }
      case "spans": return LakeSpans.run(lake, rest);
      case "maintain": {
        for (String name : rest) lake.load(name);
        List<String> names = rest.isEmpty() ? lake.names() : rest.stream().map(n -> n.startsWith("lake.") ? n.substring(5) : n).toList();
        return new Maintenance(LakeSession.open(settings, lake.config), lake.config.keepSnapshotsHours).run(lake, names);
      }
      default: throw new LakeException("BAD_USAGE", USAGE);
    }
  }

  private static String only(List<String> rest) {
    if (rest.size() != 1) throw new LakeException("BAD_USAGE", USAGE);
    return rest.get(0);
  }
}
