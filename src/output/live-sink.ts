import { Listr, type ListrTask, type ListrTaskWrapper } from 'listr2';
import { messageOf } from '../core/errors.ts';
import type { MeasurementEvent, OperationEvent, ProgressEvent, StepEvent } from '../core/events.ts';
import { type MeasurementView, measurementView } from './bench-live.ts';
import { grouped, mebibytes } from './format.ts';
import { stepSuffix } from './plain-sink.ts';
import type { EventSink } from './sink.ts';

type Wrapper = ListrTaskWrapper<unknown, never, never>;

interface Node {
  title: string;
  parent: string | undefined;
  settled: PromiseWithResolvers<void>;
  wrapper: Wrapper | null;
}

/**
 * The live task tree. Operations announce their steps as pending first; the tree is drawn at the first one that runs.
 * A step that was never announced shows as an output line of its parent.
 */
export function liveSink(): EventSink {
  const nodes = new Map<string, Node>();
  const orphans = new Map<string, { parent: string; text: string }>();
  const views = new Map<string, MeasurementView>();
  const held: string[] = [];
  let tree: Promise<unknown> | null = null;

  const add = ({ id, title, parent }: StepEvent) =>
    nodes.set(id, { title, parent, settled: settledQuietly(), wrapper: null });
  const start = () => {
    tree ??= new Listr(childTasks(nodes, undefined), {
      concurrent: true,
      exitOnError: false,
      // Signals are the CLI's: it stops at a safe point and says what runs on.
      registerSignalListeners: false,
      rendererOptions: { collapseSubtasks: false, showErrorMessage: false, collapseErrors: false },
    })
      .run()
      .catch(() => undefined);
  };

  const onStep = (event: StepEvent) => {
    if (event.status === 'pending' || tree === null) {
      if (!nodes.has(event.id) && tree === null) add(event);
      if (event.status === 'pending') return;
      start();
    }
    const node = nodes.get(event.id);
    if (node === undefined) {
      showOrphan(nodes, orphans, event);
      return;
    }
    finish(node, event);
  };

  return {
    event(event: OperationEvent) {
      if (event.type === 'step') onStep(event);
      else if (event.type === 'progress') showProgress(nodes, orphans, event);
      else if (event.type === 'measurement') showMeasurement({ nodes, orphans, views }, event);
      else if (event.type === 'warning') held.push(`warning: ${event.message}`);
      else if (event.level === 'warn' || event.level === 'error') held.push(event.message);
      // Said before the tree is drawn, it stands above it; later it would tear the tree.
      else if (event.level === 'info' && tree === null) process.stderr.write(`${event.message}\n`);
    },
    async close() {
      // A step that never ended (Ctrl-C, failure elsewhere) is shown as not reached.
      for (const node of nodes.values()) {
        node.wrapper?.skip(node.title);
        node.settled.resolve();
      }
      await tree;
      for (const line of held) process.stderr.write(`${line}\n`);
    },
  };
}

function childTasks(nodes: ReadonlyMap<string, Node>, parent: string | undefined): ListrTask[] {
  return [...nodes.entries()]
    .filter(([, node]) => node.parent === parent)
    .map(([id, node]) => ({
      title: node.title,
      rendererOptions: { outputBar: 1 },
      task: (_context, wrapper) => {
        node.wrapper = wrapper as Wrapper; // listr2's wrapper type carries the renderer's type, of no use here
        const children = childTasks(nodes, id);
        if (children.length === 0) return node.settled.promise;
        return wrapper.newListr(children, { concurrent: true, exitOnError: false });
      },
    }));
}

function finish(node: Node, event: StepEvent): void {
  if (event.status === 'running') return;
  const title = `${node.title}${stepSuffix(event)}`;
  if (node.wrapper !== null) node.wrapper.title = title;
  if (event.status === 'failed') node.settled.reject(new Error(event.detail ?? 'failed'));
  else {
    if (event.status === 'skipped') node.wrapper?.skip(title);
    node.settled.resolve();
  }
}

type Orphans = Map<string, { parent: string; text: string }>;

function showOrphan(nodes: ReadonlyMap<string, Node>, orphans: Orphans, event: StepEvent): void {
  if (event.parent === undefined) return;
  if (event.status === 'running') orphans.set(event.id, { parent: event.parent, text: event.title });
  else orphans.delete(event.id);
  refresh(nodes, orphans, event.parent);
}

function showProgress(nodes: ReadonlyMap<string, Node>, orphans: Orphans, event: ProgressEvent): void {
  const orphan = orphans.get(event.id);
  if (orphan !== undefined) {
    orphan.text = `${orphan.text.split('  ')[0]}  ${amount(event)}`;
    refresh(nodes, orphans, orphan.parent);
    return;
  }
  const wrapper = nodes.get(event.id)?.wrapper;
  if (wrapper) wrapper.output = amount(event);
}

/** Columns that the tree keeps for itself: indentation of nested steps, the mark before an output. */
const treeMargin = 10;

/** A few lines below the step that measures, made for the terminal's width at that moment. */
function showMeasurement(
  shown: { nodes: ReadonlyMap<string, Node>; orphans: Orphans; views: Map<string, MeasurementView> },
  event: MeasurementEvent,
): void {
  const view = shown.views.get(event.id) ?? measurementView();
  shown.views.set(event.id, view);
  const lines = view.add(event, Math.max(20, (process.stdout.columns ?? 80) - treeMargin));
  const wrapper = shown.nodes.get(shown.orphans.get(event.id)?.parent ?? event.id)?.wrapper;
  if (wrapper) wrapper.output = lines;
}

function refresh(nodes: ReadonlyMap<string, Node>, orphans: Orphans, parent: string): void {
  const wrapper = nodes.get(parent)?.wrapper;
  const lines = [...orphans.values()].filter((orphan) => orphan.parent === parent).map(({ text }) => text);
  if (wrapper) wrapper.output = lines.join(' · ');
}

function amount({ done, total, unit, detail }: ProgressEvent): string {
  // One thing that is or is not: only what it does is of interest.
  if (total === 1 && detail !== undefined) return detail;
  const show = (value: number) => (unit === 'bytes' ? mebibytes(value) : `${grouped(value)}`);
  const of = total === undefined ? show(done) : `${show(done)} of ${show(total)}`;
  return `${of}${unit === 'bytes' ? '' : ` ${unit}`}${detail === undefined ? '' : `  ${detail}`}`;
}

/** A rejection that nobody has awaited yet must not end the process. */
function settledQuietly(): PromiseWithResolvers<void> {
  const settled = Promise.withResolvers<void>();
  settled.promise.catch((error: unknown) => messageOf(error));
  return settled;
}
