/** Imports go one way: the layers of ARCHITECTURE.md, from the front door inwards. */
const layers = {
  domain: [],
  store: ['domain'],
  capabilities: ['domain'],
  indexing: ['domain'],
  retrieval: ['domain'],
  sandbox: ['domain', 'generated'],
  authoring: ['domain', 'sandbox'],
  conformance: ['domain', 'capabilities', 'indexing', 'sandbox'],
  services: ['domain', 'store', 'capabilities', 'indexing', 'retrieval', 'sandbox', 'conformance'],
  middleware: ['domain', 'generated'],
  routes: ['domain', 'generated', 'services', 'middleware'],
};

const inward = Object.entries(layers).map(([layer, allowed]) => ({
  name: `${layer}-imports-inwards`,
  comment: `host/${layer} may import ${allowed.length === 0 ? 'nothing of the host' : allowed.map((name) => `host/${name}`).join(', ')}.`,
  severity: 'error',
  from: { path: `^host/${layer}/` },
  to: { path: '^host/', pathNot: `^host/(${[layer, ...allowed, ...(layer === 'domain' ? ['generated'] : [])].join('|')})/|^host/(log|config|make-folder|temporary-name)\\.ts$` },
}));

export default {
  forbidden: [
    ...inward,
    {
      name: 'far-side-stands-alone',
      comment: 'What runs beside a guest imports the protocol, other far-side files and nothing else of the host.',
      severity: 'error',
      from: { path: '^host/sandbox/.*\\.sandboxed\\.ts$', pathNot: '^host/sandbox/examine\\.sandboxed\\.ts$' },
      to: { path: '^host/', pathNot: '^host/sandbox/([^/]+\\.sandboxed|frame|protocol|extraction-protocol|formats)\\.ts$' },
    },
    {
      name: 'examination-reads-and-nothing-else',
      comment: 'What examines a component runs beside no guest, and imports readers of files and of code alone.',
      severity: 'error',
      from: { path: '^host/sandbox/examine\\.sandboxed\\.ts$' },
      to: { path: '^host/', pathNot: '^host/(sandbox/(component-binary|frame|(lint|share)\\.sandboxed)|domain/manifest(-parse)?)\\.ts$' },
    },
    {
      name: 'host-never-imports-a-datasource',
      comment: 'Datasources are strangers: they come in as files.',
      severity: 'error',
      from: { path: '^host/' },
      to: { path: '^datasources/' },
    },
    {
      name: 'datasource-stands-alone',
      comment: 'A datasource imports its own folder and the SDK.',
      severity: 'error',
      from: { path: '^datasources/([^/]+)/', pathNot: '/test/' },
      to: { path: '^(host|test|scripts|datasources)/', pathNot: '^datasources/($1|sdk)/' },
    },
    {
      name: 'clients-stand-alone',
      comment: 'Whoever copies a client needs nothing else of this repository.',
      severity: 'error',
      from: { path: '^clients/' },
      to: { path: '^(host|datasources|scripts|test)/' },
    },
    {
      name: 'only-commands-are-clients',
      comment: 'A host calls no host.',
      severity: 'error',
      from: { path: '^host/', pathNot: '^host/cli/remote/' },
      to: { path: '^clients/' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '^lorelai:datasource/' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    includeOnly: '^(host|clients|datasources|scripts|test|node_modules|lorelai:)',
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json', '.d.ts'], conditionNames: ['import', 'node', 'default'], exportsFields: ['exports'] },
    moduleSystems: ['es6'],
    parser: 'swc',
  },
};
