import { InvalidArgumentError, type Command } from 'commander';
import { LOCAL_CALLER } from '../domain/caller.ts';
import { DEFAULT_ORGANISATION } from '../domain/organisation.ts';
import { toRetrievalBody } from '../routes/shapes/retrieval.ts';
import type { RetrievalHit } from '../services/retrieval/retrieval-hit.ts';
import { action, makeCommand, type Cli, type SharedOptions } from './command.ts';
import { oneLine } from './format.ts';
import { collect } from './collect.ts';
import { withServices } from './services.ts';

interface SearchOptions extends SharedOptions {
  organisation: string;
  k: number;
  datasource: string[];
  feature: string[];
  person?: string;
}

export function searchCommand(cli: Cli): Command {
  return makeCommand('search', {
    summary: 'Find the passages that answer a question',
    description: 'Searches what was indexed for an organisation. Any text is a valid question; quotes are not needed.',
    examples: [
      ['search how do I rotate the signing key', 'prints the ten best passages'],
      ['search release checklist --person ada@acme.example', 'the same as far as this person may see it'],
      ['search "release checklist" -k 3 --datasource github --json', 'the three best of one datasource, for programs'],
    ],
  })
    .argument('<question...>', 'the question')
    .option('-k <number>', 'how many passages at most, 1 to 100', toK, 10)
    .option('--organisation <id>', 'whose documents', DEFAULT_ORGANISATION)
    .option('--datasource <name>', 'only from this datasource; may be repeated', collect, [])
    .option('--person <id or e-mail>', 'only what this person may see; everything when left out')
    .option('--feature <name>', 'only from this feature; may be repeated', collect, [])
    .action(
      action(cli, async (words: string[], options: SearchOptions) =>
        withServices(cli.io, options, async ({ retrieval }) => {
          const { organisation, k, datasource, feature, person } = options;
          const question = words.join(' ').toWellFormed();
          const found = await retrieval.retrieve({
            organisation,
            question,
            k,
            asker: { caller: LOCAL_CALLER, requestId: undefined, ...(person === undefined ? {} : { person }) },
            ...(datasource.length === 0 ? {} : { datasources: datasource }),
            ...(feature.length === 0 ? {} : { features: feature }),
          });
          return { json: { question, ...toRetrievalBody(found) }, text: hitsText(found.hits) };
        }),
      ),
    );
}

function toK(text: string): number {
  const k = Number(text);
  if (/^\d{1,3}$/.test(text) && k >= 1 && k <= 100) return k;
  throw new InvalidArgumentError('It must be a whole number from 1 to 100.');
}

function hitsText(hits: readonly RetrievalHit[]): string {
  if (hits.length === 0) return 'Nothing that was indexed answers this.';
  return hits
    .map(({ score, title, link, headings, snippet }, index) => {
      const under = headings.length === 0 ? '' : ` (${oneLine(headings.join(' > '))})`;
      return `${index + 1}. ${oneLine(title)}${under}  ${score.toFixed(2)}\n   ${oneLine(link)}\n   ${oneLine(snippet)}`;
    })
    .join('\n\n');
}
