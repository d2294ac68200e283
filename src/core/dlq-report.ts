/** Shapes of `.data` of the `dlq` commands. Times in ISO 8601 UTC, offsets as the broker counts them. */

export interface DeadLetterReport {
  topic: string;
  partition: number;
  offset: number;
  /** When the record was refused. */
  time: string;
  source: { topic: string; partition: number | null; offset: number | null };
  errorClass: string;
  errorText: string;
  /** How often the record was refused so far. */
  attempt: number;
  /** Why it was refused the first time; null when this is the first. */
  first: { errorClass: string; errorText: string; time: string } | null;
  replayed: boolean;
  key: string | null;
  value: { bytes: number; kind: 'json' | 'text' | 'binary' | 'none'; text: string; truncated: boolean };
  /** Those that the producer gave it. */
  headers: Readonly<Record<string, string>>;
}

export interface DlqClassReport {
  errorClass: string;
  /** Among the records read; a record that was written twice counts once. */
  count: number;
  replayed: number;
  /** Refused so often that replay refuses it too. */
  exhausted: number;
  example: { text: string; partition: number; offset: number };
}

export interface DlqTopicReport {
  topic: string;
  source: string;
  /** Records there now, since `--since` when given. */
  records: number;
  /** Records looked at: the newest. Less than `records` when there are more than the limit. */
  read: number;
  /** Among those read: written a second time because a micro-batch was repeated. */
  repeated: number;
  replayed: number;
  oldest: string | null;
  newest: string | null;
  classes: readonly DlqClassReport[];
}

export interface DlqListReport {
  stack: string;
  since: string | null;
  /** Records read at most of each topic. */
  limit: number;
  topics: readonly DlqTopicReport[];
}

export interface DlqShowReport {
  stack: string;
  /** Newest first. */
  letters: readonly DeadLetterReport[];
  /** Records looked at to find them. */
  scanned: number;
  /** Older ones were not looked at. */
  more: boolean;
}

export interface DlqReplayReport {
  stack: string;
  run: string | null;
  dryRun: boolean;
  /** Put back on their source topics. */
  replayed: number;
  topics: readonly { topic: string; source: string; replayed: number }[];
  skipped: {
    /** Put back before, by this run's predecessors. */
    already: number;
    /** Written twice by a repeated micro-batch: one of them is enough. */
    repeated: number;
    /** Refused too often; `--force` tries all the same. */
    exhausted: number;
    /** `--set` found no JSON object. */
    unpatchable: number;
    /** Without the headers that say where it came from. */
    unknownOrigin: number;
  };
  attemptLimit: number;
  /** Of an earlier replay that was cut off: found on the source topic, or free to be replayed. */
  recovered: { found: number; free: number };
}

export interface DlqPurgeReport {
  stack: string;
  deleted: number;
  topics: readonly { topic: string; deleted: number; left: number; replayedLeft: number | null }[];
}
