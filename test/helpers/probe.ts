import type { Wire } from '../../host/sandbox/frame.ts';
import type { CallOutcome } from '../../host/sandbox/sandbox-call.ts';
import type { Step } from '../fixtures/probe/steps.ts';

/** The arguments of a `read` of `probe` that does these steps. */
export function readArgs(steps: readonly Step[], after?: Uint8Array): Wire[] {
  const features = ['items', 'others'].map((name) => ({ name, enabled: true, config: '{}' }));
  const nowMs = Date.now();
  const context = {
    connectionId: '01JD0000000000000000000000',
    config: JSON.stringify({ steps }),
    features,
    nowMs,
    deadlineMs: nowMs + 60_000,
  };
  return [context, 'items', after];
}

/** What the steps of a `read` said, by their place in the list. */
export function said(outcome: CallOutcome): Record<string, unknown> {
  const changes = outcome.kind === 'result' ? changesOf(outcome.value) : [];
  const entries = changes.map(({ id, content }) => [id, id.startsWith('step-') ? JSON.parse(Buffer.from(content).toString()) : content]);
  return Object.fromEntries(entries);
}

function changesOf(batch: unknown): { id: string; content: Uint8Array }[] {
  const { changes } = batch as { changes: { val: { id: string; content: Uint8Array } }[] };
  return changes.map(({ val }) => val);
}
