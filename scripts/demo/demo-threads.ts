/** Who said something in the demo's repository. */
export type Speaker = 'mira' | 'tomas' | 'ines' | 'joon';

interface DemoRemark {
  by: Speaker;
  body: string;
}

export interface DemoIssue extends DemoRemark {
  title: string;
  labels?: string[];
  comments: DemoRemark[];
  closed?: 'completed' | 'not_planned';
}

export interface DemoPullRequest extends DemoRemark {
  title: string;
  branch: string;
  comments: DemoRemark[];
  reviews: (DemoRemark & { verdict: 'APPROVE' | 'REQUEST_CHANGES' | 'COMMENT' })[];
  lineComments: (DemoRemark & { path: string; line: number })[];
}

/** Issues about this project, as its people might have written them. */
export const DEMO_ISSUES: readonly DemoIssue[] = [
  {
    title: 'A checkpoint must not grow with the repository',
    by: 'ines',
    labels: ['contract'],
    body:
      'I wrote a datasource that remembers the sha of every path in its checkpoint. It works on my small repository and fails on our monorepo: the host says that the checkpoint is larger than 64 KiB.\n\n' +
      'Can the limit be raised, or is there another place for what a datasource has to remember?',
    comments: [
      {
        by: 'mira',
        body:
          'The limit stays. A checkpoint is written with every single batch, so whatever is in it is paid for again and again. It should say where the next `read` goes on: a cursor, a sha, a time.\n\n' +
          'What you remember about many items belongs in a collection of the `storage` import. Writes to a collection commit with the batch and its checkpoint, or not at all, so the two can never disagree after a crash.',
      },
      {
        by: 'ines',
        body: 'That works: paths and shas are in a collection now, in chunks, and the checkpoint holds the commit and a position. 300 bytes.',
      },
    ],
    closed: 'completed',
  },
  {
    title: 'Why are redirects handed back to the datasource instead of followed?',
    by: 'joon',
    labels: ['sandbox', 'question'],
    body: 'My source moves downloads to another host with a 302. The broker gives me the 302. Every HTTP library that I know follows it for me.',
    comments: [
      {
        by: 'tomas',
        body:
          'Because the grant names origins, and a redirect is how a server that an operator trusts sends a request to one that nobody has approved. If the host followed it, only the first hop would have been checked, and the credential could travel with it.\n\n' +
          'Ask again with the new address. If its origin is in your manifest and in the grant, the request goes out, and the credential is attached only if your attach rule names that origin too.',
      },
    ],
    closed: 'completed',
  },
  {
    title: 'A document without access is seen by admins only. Should public be the default?',
    by: 'joon',
    labels: ['access'],
    body: 'I forgot to set access on my documents and nobody could find anything. Most wikis are public inside a company. Defaulting to everyone would have saved me an hour.',
    comments: [
      {
        by: 'mira',
        body: 'It would also have shown the salary sheets of the next source to the whole company, and nobody would have noticed. Access is fail-closed: what is not said is not allowed. Public is said aloud, with `everyone()`.',
      },
      {
        by: 'tomas',
        body: 'An hour that somebody notices is cheap. A leak that nobody notices is not. The SDK could make `access` a required field so that the compiler says it first.',
      },
      { by: 'joon', body: 'Agreed, a compile error would have told me in a second.' },
    ],
    closed: 'not_planned',
  },
  {
    title: 'Say in the run what was left out, and why',
    by: 'ines',
    labels: ['runs'],
    body: 'Last night a run ended as `partial`. I could see that 14 items were skipped, not which. For an operator the list is the whole point: which repository, which file, and what to do about it.',
    comments: [
      {
        by: 'tomas',
        body: 'Each skipped item is a problem with a path, a reason and a remedy that begins with a verb. The run keeps the first 100. A datasource that cannot say a remedy has usually not understood the error yet.',
      },
    ],
  },
  {
    title: 'Throttled for an hour: does a sandbox process wait that long?',
    by: 'joon',
    labels: ['runs', 'sandbox'],
    body: 'When the source answers that its hourly limit is spent, does the component sleep until the reset? With fifty connections that would be fifty processes that do nothing.',
    comments: [
      {
        by: 'mira',
        body: 'A datasource never sleeps. It returns `throttled` with the milliseconds to wait, the host parks the run and gives the process back to the pool, and wakes the run when the time has come. A parked run is a row in a table; it survives a restart.',
      },
    ],
    closed: 'completed',
  },
  {
    title: 'Memory: what stops a component that allocates for ever?',
    by: 'tomas',
    labels: ['sandbox'],
    body:
      'Three bounds, and each needs its own hostile component in the tests:\n\n1. the maximum of the linear memory, 256 MiB by default;\n2. the size of one result as it crosses the process boundary, 64 MiB;\n3. the resident size of the process, watched from outside.\n\n' +
      'The third is there because lifting a list of lists can amplify sixteen mebibytes in the guest into gigabytes in the embedder.',
    comments: [
      {
        by: 'ines',
        body: 'Also the stack: a guest whose stack overflowed looks callable afterwards. We throw the instance away after anything that it threw.',
      },
    ],
  },
  {
    title: 'Deleted pages stay in the index for weeks',
    by: 'ines',
    labels: ['indexing'],
    body: 'Our wiki does not list deletions, so a datasource that asks for what changed since last time never hears of them. People find pages that are gone.',
    comments: [
      {
        by: 'mira',
        body: 'That is what `list-ids` is for: it gives every id that still exists, page by page, and the host removes what is not in it. It prunes only after it has seen the last page, so a list that breaks off half way deletes nothing.',
      },
    ],
  },
  {
    title: 'Can two organisations share one sandbox process?',
    by: 'joon',
    labels: ['sandbox', 'question'],
    body: 'They run the same datasource, the same version, with the same grant. Sharing the process would halve the memory.',
    comments: [
      {
        by: 'tomas',
        body: 'No. One process serves one datasource of one organisation. If a guest ever breaks out of its instance, all that it finds is what the same organisation had already given it.',
      },
    ],
    closed: 'not_planned',
  },
];

/** Pull requests about this project. */
export const DEMO_PULL_REQUESTS: readonly DemoPullRequest[] = [
  {
    title: 'Commit a batch and its checkpoint in one transaction',
    by: 'mira',
    branch: 'batch-transaction',
    body:
      'Documents, passages, deletes, what the call wrote to its collections and the next checkpoint go into one libSQL transaction. A host that is killed at any instant goes on from the last commit, with nothing lost and nothing doubled.\n\n' +
      'The test kills the host with SIGKILL at several points of a run and compares the index with that of a run that nobody disturbed.',
    comments: [
      { by: 'joon', body: 'Does a cancelled run keep what it had committed?' },
      { by: 'mira', body: 'Yes. Cancelling takes effect within the current call; that call is thrown away, the batches before it stay.' },
    ],
    reviews: [
      {
        by: 'tomas',
        verdict: 'APPROVE',
        body: 'The lease check inside the same transaction is the part that matters: a host that lost its lease cannot commit. Good.',
      },
    ],
    lineComments: [
      {
        by: 'tomas',
        path: 'ARCHITECTURE.md',
        line: 20,
        body: 'Say here that the checkpoint is the last statement of the transaction, so that nobody moves it out later.',
      },
    ],
  },
  {
    title: 'Refuse every address that is not public',
    by: 'tomas',
    branch: 'egress-addresses',
    body:
      'The broker resolves a name once, checks every address that it has, and dials the one that it checked. Refused are all non-public addresses in all their spellings: octal and hexadecimal IPv4, IPv4 mapped into IPv6, NAT64, 6to4, link-local, and the metadata address of cloud machines.\n\n' +
      'An operator can allow a private network by name for a source on premises.',
    comments: [],
    reviews: [
      {
        by: 'ines',
        verdict: 'REQUEST_CHANGES',
        body: 'A name with one public and one private address still passes: the check looks at the first one only.',
      },
      { by: 'ines', verdict: 'APPROVE', body: 'Every address is checked now. Thank you.' },
    ],
    lineComments: [],
  },
  {
    title: 'Credentials are attached by the broker and never shown to a guest',
    by: 'ines',
    branch: 'credential-broker',
    body: 'The manifest says which header and which origins. The broker puts the secret into the request after the guest has handed it over, and takes it out of whatever a response echoes back. A guest can use a token and can never read one.\n\nAt rest the secret is sealed with the master key of the host.',
    comments: [
      { by: 'joon', body: 'What if a source returns the token inside a JSON body, as some debug endpoints do?' },
      { by: 'ines', body: 'It is scrubbed there as well, in plain text and in base64.' },
    ],
    reviews: [{ by: 'mira', verdict: 'APPROVE', body: '' }],
    lineComments: [
      {
        by: 'mira',
        path: 'wit/http-client.wit',
        line: 8,
        body: 'Worth a sentence: a datasource must not set the authorization header itself.',
      },
    ],
  },
  {
    title: 'Draft: let a datasource answer a question live',
    by: 'joon',
    branch: 'live-search',
    body: 'Some sources must not be indexed. `search` gives a question to the source itself and returns its hits with their content. The host fuses them with the hits of the index.',
    comments: [
      {
        by: 'tomas',
        body: 'The deadline needs thought: a retrieval should not wait for the slowest source. I suggest 800 ms and a note in the answer about who was late.',
      },
    ],
    reviews: [
      { by: 'mira', verdict: 'COMMENT', body: 'The score is optional, because some sources only rank. Fuse by rank then, not by score.' },
    ],
    lineComments: [],
  },
];
