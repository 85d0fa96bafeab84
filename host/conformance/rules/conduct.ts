import type { Answer } from '../../capabilities/capability.ts';
import type { Manifest } from '../../domain/manifest.ts';
import { describeBreach } from '../../domain/meter.ts';
import { fail, PASS, type Rule } from '../rule.ts';
import type { HostCall } from '../subject.ts';

/** What holds for every call that the suite made. */
export function conductRules(): Rule[] {
  return [asksOnlyForWhatIsDeclared(), staysWithinLimits()];
}

function asksOnlyForWhatIsDeclared(): Rule {
  return {
    name: 'asks-only-for-what-it-declares',
    demands: 'No call of the host for an origin, a collection or a metric that the manifest does not name.',
    contract: 'The manifest or the grant does not allow it. The text names what would. Do not retry.',
    about: 'all',
    check({ manifest, told }) {
      for (const { function: func, hostCalls } of told()) {
        for (const call of hostCalls) {
          const undeclared = undeclaredOf(call, manifest);
          if (undeclared !== undefined)
            return Promise.resolve(
              fail(`${func} asked for ${undeclared}.`, 'Declare it in datasource.yaml with a reason, or do not ask for it.'),
            );
        }
      }
      return Promise.resolve(PASS);
    },
  };
}

function undeclaredOf({ interface: name, args, answer }: HostCall, { metrics }: Manifest): string | undefined {
  const { tag, val } = errorOf(answer);
  if (tag === 'denied' && (val.includes('is not in the manifest') || val.includes('does not exist')))
    return val.split(':').slice(0, 2).join(':');
  if (tag === 'unknown-collection') return `the collection ${val.split(':')[0] ?? ''}`;
  const [metric] = args;
  if (name === 'metrics' && !metrics.some(({ name: declared }) => declared === metric)) return `the metric ${String(metric).slice(0, 64)}`;
  return undefined;
}

function errorOf(answer: Answer | undefined): { tag: string; val: string } {
  const error = answer?.ok === false ? answer.error : undefined;
  if (typeof error !== 'object' || error === null || !('tag' in error)) return { tag: '', val: '' };
  return { tag: String(error.tag), val: 'val' in error && typeof error.val === 'string' ? error.val : '' };
}

function staysWithinLimits(): Rule {
  return {
    name: 'stays-within-its-limits',
    demands: 'No call meets a limit of the grant.',
    contract: "The call's or the connection's own budget is spent: milliseconds until there is more.",
    about: 'all',
    check({ told }) {
      for (const { function: func, breaches } of told()) {
        const [breach] = breaches;
        if (breach !== undefined)
          return Promise.resolve(
            fail(
              `${func} met ${describeBreach(breach)}.`,
              'Do less in one call, or tell operators to grant more: see docs/reference/limits.md.',
            ),
          );
      }
      return Promise.resolve(PASS);
    },
  };
}
