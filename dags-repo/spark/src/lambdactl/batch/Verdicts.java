package lambdactl.batch;

import static org.apache.spark.sql.functions.broadcast;
import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.first;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.row_number;
import static org.apache.spark.sql.functions.when;
import static org.apache.spark.sql.functions.xxhash64;

import java.io.Serializable;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.expressions.Window;
import org.apache.spark.sql.expressions.WindowSpec;

/**
 * Which records do not become a row because another one of the same id does.
 *
 * <p>Wide rows are never shuffled or sorted: first only the hashes of all ids are counted; then only the ids, times and positions
 * of the records whose hash occurs more than once are compared. What remains is a list of positions, which the writer asks.
 */
final class Verdicts implements Serializable {
  private static final long serialVersionUID = 1;
  /** So many hashes are sent to every task; more are joined. */
  private static final int BROADCAST_ROWS = 500_000;

  private final Positions losers = new Positions();
  /** Source time (micros) of the delete that followed a record, by partition and offset. */
  private final HashMap<Integer, HashMap<Long, Long>> deletions = new HashMap<>();

  boolean loses(int partition, long offset) {
    return losers.contains(partition, offset);
  }

  /** When the row of this record was deleted afterwards; null if it was not. */
  Long deletedAt(int partition, long offset) {
    HashMap<Long, Long> known = deletions.get(partition);
    return known == null ? null : known.get(offset);
  }

  static Verdicts of(SparkSession spark, TableSpec table, Dataset<Row> judged) {
    Verdicts all = new Verdicts();
    List<Long> repeated = judged.select(xxhash64(Source.name(table.id())).as("h")).groupBy("h").count().where(col("count").gt(1))
        .select("h").as(Encoders.LONG()).collectAsList();
    if (repeated.isEmpty()) return all;
    Dataset<Row> hashes = spark.createDataset(repeated, Encoders.LONG()).toDF("h");
    if (repeated.size() <= BROADCAST_ROWS) hashes = broadcast(hashes);
    Dataset<Row> good = judged.where(col(Source.ERROR).isNull());
    Dataset<Row> compared = table.changes() ? lastStates(table, good, hashes) : firsts(table, good, hashes);
    for (Verdicts part : compared.queryExecution().toRdd().toJavaRDD().mapPartitions(Verdicts::collect).collect()) all.addAll(part);
    all.losers.sorted();
    return all;
  }

  /** Of records with the same id the first one is the row. */
  private static Dataset<Row> firsts(TableSpec table, Dataset<Row> good, Dataset<Row> hashes) {
    WindowSpec inOrder = Window.partitionBy("id").orderBy(Source.TIME, Source.PARTITION, Source.OFFSET);
    return narrow(table, good, hashes, col(Source.TIME)).withColumn("n", row_number().over(inOrder))
        .select(col(Source.PARTITION), col(Source.OFFSET), col("n").gt(1), lit(null).cast("timestamp"));
  }

  /** Of the changes of a key the last one that has values is the row; a delete behind it marks it. */
  private static Dataset<Row> lastStates(TableSpec table, Dataset<Row> good, Dataset<Row> hashes) {
    Column isDelete = col(Source.OP).equalTo("d");
    Column[] newestFirst = {col("lsn").desc(), col(Source.OFFSET).desc()};
    WindowSpec newest = Window.partitionBy("id").orderBy(newestFirst);
    WindowSpec valuesFirst = Window.partitionBy("id").orderBy(isDelete.asc(), newestFirst[0], newestFirst[1]);
    Column lsn = coalesce(col(Source.LSN), lit(0L)).as("lsn");
    return narrow(table, good, hashes, lsn, col(Source.OP), coalesce(col(Source.SOURCE_TIME), col(Source.TIME)).as("at"))
        .withColumn("n", row_number().over(valuesFirst))
        .withColumn("last_op", first(Source.OP).over(newest)).withColumn("last_time", first("at").over(newest))
        .select(col(Source.PARTITION), col(Source.OFFSET), col("n").gt(1),
            when(col("n").equalTo(1).and(col("last_op").equalTo("d")), col("last_time")));
  }

  private static Dataset<Row> narrow(TableSpec table, Dataset<Row> good, Dataset<Row> hashes, Column... more) {
    Column[] columns = new Column[more.length + 3];
    columns[0] = Source.name(table.id()).as("id");
    columns[1] = col(Source.PARTITION);
    columns[2] = col(Source.OFFSET);
    System.arraycopy(more, 0, columns, 3, more.length);
    return good.select(columns).withColumn("h", xxhash64(col("id"))).join(hashes, new String[] {"h"}, "left_semi");
  }

  private static Iterator<Verdicts> collect(Iterator<InternalRow> rows) {
    Verdicts found = new Verdicts();
    while (rows.hasNext()) {
      InternalRow row = rows.next();
      if (row.getBoolean(2)) found.losers.add(row.getInt(0), row.getLong(1));
      else if (!row.isNullAt(3)) found.deletions.computeIfAbsent(row.getInt(0), p -> new HashMap<>()).put(row.getLong(1), row.getLong(3));
    }
    return List.of(found).iterator();
  }

  private void addAll(Verdicts part) {
    losers.addAll(part.losers);
    part.deletions.forEach((partition, more) -> deletions.computeIfAbsent(partition, p -> new HashMap<>()).putAll(more));
  }
}
