package lambdactl.batch;

import static org.apache.spark.sql.functions.call_function;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.concat;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.not;
import static org.apache.spark.sql.functions.when;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.spark.sql.Column;

/**
 * What a JSON Schema says beyond types, asked of rows that an archive has typed already: a record that got into its table by its
 * types alone must not pass here when the speed layer refused it. The same classes of error as lambdactl.speed.Contract.
 */
final class Checks {
  private Column chain;

  private Checks() {}

  /** 'class: text' of the first violation, or null. */
  static Column of(Path schemas, String file) throws IOException {
    Checks checks = new Checks();
    JsonNode schema = Out.JSON.readTree(Files.readString(schemas.resolve(file)));
    Set<String> required = new HashSet<>();
    schema.path("required").forEach(name -> required.add(name.asText()));
    schema.path("properties").properties().forEach(p -> checks.field(p.getKey(), p.getValue(), required.contains(p.getKey())));
    return checks.chain == null ? lit(null).cast("string") : checks.chain.otherwise(lit(null));
  }

  private void field(String name, JsonNode rule, boolean required) {
    Column field = col("`" + name + "`");
    boolean nullable = false;
    for (JsonNode type : rule.path("type")) nullable |= type.asText().equals("null");
    if (required && !nullable) add(field.isNull(), lit("missing_field: " + name));
    switch (rule.path("format").asText()) {
      case "uuid" -> add(not(call_function(Functions.IS_UUID, field)), lit("bad_format: " + name + " is not a uuid"));
      case "ipv4" -> add(not(call_function(Functions.IS_IPV4, field)), lit("bad_format: " + name + " is not an IPv4 address"));
      default -> { }
    }
    int minLength = rule.path("minLength").asInt(0);
    if (minLength == 1) add(field.equalTo(""), lit("out_of_range: " + name + " is too short"));
    if (minLength > 1) add(call_function(Functions.TEXT_LENGTH, field).lt(minLength), lit("out_of_range: " + name + " is too short"));
    if (rule.has("enum")) {
      List<String> allowed = new ArrayList<>();
      rule.get("enum").forEach(value -> allowed.add(value.asText()));
      add(not(field.isin(allowed.toArray())), concat(lit("unknown_value: " + name + " '"), field.substr(1, 60), lit("'")));
    }
    if (rule.has("minimum")) {
      String minimum = rule.get("minimum").decimalValue().toPlainString();
      add(field.lt(lit(rule.get("minimum").decimalValue())), lit("out_of_range: " + name + " is below " + minimum));
    }
  }

  private void add(Column violated, Column error) {
    chain = chain == null ? when(violated, error) : chain.when(violated, error);
  }
}
