/** dbt's structured log (one JSON object a line), as far as a report needs it. */

export type DbtStatus = 'success' | 'warn' | 'fail' | 'error' | 'skipped';

export interface DbtNode {
  /** dbt's unique id, e.g. "model.lambda.user_sessions". */
  id: string;
  /** model, test, unit_test, source, … */
  kind: string;
  name: string;
  status: DbtStatus;
  seconds: number;
  /** Of a test: rows that break it, or what its fail_calc says. */
  failures: number | null;
  /** Why it did not succeed. */
  message: string | null;
}

export interface DbtMessage {
  level: 'debug' | 'info' | 'warn' | 'error';
  text: string;
  /** What the command was asked for (ls, compile, show) rather than how it went. */
  isOutput: boolean;
}

/** Events that print what was asked for. */
const outputEvents = new Set(['PrintEvent', 'CompiledNode', 'ShowNode', 'ListCmdOut']);
/** Events that end a node; each has node_info with the status. */
const resultEvents = new Set([
  'LogModelResult',
  'LogTestResult',
  'LogSeedResult',
  'LogSnapshotResult',
  'LogFreshnessResult',
  'LogFunctionResult',
  'LogNodeNoOpResult',
  'LogNodeResult',
  'SkippingDetails',
  'LogSkipBecauseError',
]);

/** Takes lines as they come; what it has understood so far is in the fields. */
export class DbtLog {
  /** By id, in the order they ended. */
  readonly nodes = new Map<string, DbtNode>();
  /** Nodes that the run is of; null until it is known. */
  total: number | null = null;
  /** Messages of level error that belong to no node. */
  readonly errors: string[] = [];
  readonly output: string[] = [];

  /** @returns the line's message; null for an empty one. A line that is no JSON (usage texts) is a message of its own. */
  read(line: string): DbtMessage | null {
    const event = parse(line);
    if (event === null) {
      if (line.trim() === '') return null;
      this.output.push(line);
      return { level: 'info', text: line, isOutput: true };
    }
    const { info, data } = event;
    const { name } = info;
    if (name === 'ConcurrencyLine') this.total = number(data.node_count);
    if (resultEvents.has(name)) this.end(data);
    const text = withoutColours(info.msg);
    if (name === 'RunResultError' || name === 'RunResultFailure' || name === 'RunResultWarningMessage') {
      this.explain(data, text);
    } else if (info.level === 'error' && !isRecord(data.node_info)) this.errors.push(text);
    const isOutput = outputEvents.has(name);
    if (isOutput) this.output.push(text);
    return text.trim() === '' ? null : { level: info.level, text, isOutput };
  }

  private end(data: Record<string, unknown>): void {
    const info = isRecord(data.node_info) ? data.node_info : {};
    const id = string(info.unique_id);
    if (id === '') return;
    this.nodes.set(id, {
      id,
      kind: string(info.resource_type),
      name: string(info.node_name),
      status: statusOf(string(info.node_status), string(data.status)),
      seconds: number(data.execution_time) ?? 0,
      failures: number(data.num_failures),
      message: null,
    });
  }

  private explain(data: Record<string, unknown>, text: string): void {
    const id = isRecord(data.node_info) ? string(data.node_info.unique_id) : '';
    const node = this.nodes.get(id);
    // "Failure in model x" only heads the message that follows.
    if (node !== undefined && typeof data.msg === 'string') this.nodes.set(id, { ...node, message: data.msg.trim() });
    else if (node === undefined) this.errors.push(text.trim());
  }
}

/** dbt says "success" of models, "pass" of tests, "None" of what it skipped. */
function statusOf(node: string, event: string): DbtStatus {
  for (const text of [node, event.split(' ')[0] ?? '']) {
    switch (text.toLowerCase()) {
      case 'success':
      case 'pass':
      case 'no-op':
        return 'success';
      case 'warn':
        return 'warn';
      case 'fail':
        return 'fail';
      case 'error':
      case 'runtime':
      case 'partial':
        return 'error';
      case 'skipped':
      case 'skip':
        return 'skipped';
      default:
    }
  }
  return 'skipped';
}

interface Event {
  info: { name: string; msg: string; level: DbtMessage['level'] };
  data: Record<string, unknown>;
}

function parse(line: string): Event | null {
  if (!line.startsWith('{')) return null;
  try {
    const raw: unknown = JSON.parse(line);
    if (!isRecord(raw) || !isRecord(raw.info)) return null;
    const { name, msg, level } = raw.info;
    const known = level === 'debug' || level === 'warn' || level === 'error' ? level : 'info';
    return { info: { name: string(name), msg: string(msg), level: known }, data: isRecord(raw.data) ? raw.data : {} };
  } catch {
    // Cut off by a kill: as text it still tells something.
    return null;
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with the control character ESC
const withoutColours = (text: string): string => text.replaceAll(/\x1b\[[0-9;]*m/g, '');
const string = (value: unknown): string => (typeof value === 'string' ? value : '');
const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
