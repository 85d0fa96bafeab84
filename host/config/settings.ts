import { DEFAULT_ORGANISATION } from '../domain/organisation.ts';
import { LOG_LEVELS } from '../log.ts';

/** One environment variable that the host reads. */
export interface Setting {
  name: string;
  fallback: string;
  /** For the documents and `serve --help`. */
  description: string;
}

/** Every environment variable that the host reads. */
export const SETTINGS = [
  { name: 'HOST', fallback: '127.0.0.1', description: 'Address to listen on.' },
  { name: 'PORT', fallback: '8787', description: 'Port to listen on; 0 takes any free one.' },
  { name: 'DATA_DIR', fallback: './data', description: 'Folder of the database, the components and the master key.' },
  { name: 'LOG_LEVEL', fallback: 'info', description: `One of ${LOG_LEVELS.join(', ')}.` },
  {
    name: 'LORELAI_ALLOWED_HOSTS',
    fallback: '',
    description: 'Host names, separated by commas, under which it may be called besides loopback and HOST.',
  },
  {
    name: 'LORELAI_ADMIN_KEY_FILE',
    fallback: '',
    description:
      'File with a key, as `datasources keys generate` prints it, that gets the scope admin on the whole host. When empty, the first start makes one and hands it over once.',
  },
  {
    name: 'LORELAI_CALLER_REQUESTS_PER_MINUTE',
    fallback: '6000',
    description: 'The most requests of one key or token subject in a minute, counted by each host for itself, 1 to 1000000.',
  },
  {
    name: 'LORELAI_ADDRESS_REQUESTS_PER_MINUTE',
    fallback: '12000',
    description: 'The most requests from one address in a minute, counted by each host for itself, 1 to 1000000.',
  },
  {
    name: 'LORELAI_TRUSTED_PROXIES',
    fallback: '',
    description: 'Addresses or blocks, separated by commas, of proxies whose X-Forwarded-For is believed, as in 10.0.0.0/8.',
  },
  {
    name: 'LORELAI_CORS_ORIGINS',
    fallback: '',
    description: 'Origins, separated by commas, whose web pages may call the API, as in https://app.example.com. When empty: none.',
  },
  {
    name: 'LORELAI_OIDC_ISSUER',
    fallback: '',
    description: 'The OpenID provider whose tokens are taken besides keys, exactly as its tokens name it in `iss`. When empty: none.',
  },
  { name: 'LORELAI_OIDC_AUDIENCE', fallback: '', description: 'What its tokens must name in `aud`.' },
  { name: 'LORELAI_OIDC_JWKS_URL', fallback: '', description: 'Where its keys are. When empty: where its discovery document says.' },
  { name: 'LORELAI_OIDC_ALGORITHMS', fallback: 'RS256,PS256,ES256,EdDSA', description: 'Signature algorithms that are taken.' },
  {
    name: 'LORELAI_OIDC_SCOPES_CLAIM',
    fallback: 'scope',
    description: 'The claim that says what a caller may do: words with spaces between them, or a list. A path, as in realm_access.roles.',
  },
  {
    name: 'LORELAI_OIDC_SCOPES',
    fallback: '',
    description: 'What values of that claim give, as in assistants=reader+on-behalf-of,staff=operator. All others give nothing.',
  },
  {
    name: 'LORELAI_OIDC_ORGANISATION',
    fallback: DEFAULT_ORGANISATION,
    description: 'Whose its callers are: the id of an organisation, * for the whole host, or claim: and the claim that holds the id.',
  },
  {
    name: 'LORELAI_MASTER_KEY',
    fallback: '',
    description:
      'Base64 of the 32 bytes that seal secrets; several with commas between them: the first seals, all open. When no master key is set, the file master.key in DATA_DIR is made and used.',
  },
  { name: 'LORELAI_MASTER_KEY_FILE', fallback: '', description: 'Instead: a file that holds them, one a line.' },
  {
    name: 'LORELAI_MASTER_KEY_COMMAND',
    fallback: '',
    description:
      'Instead: a program that prints them, as a KMS client does, with its arguments: words with spaces between them, or a JSON array. No shell is used.',
  },
  {
    name: 'LORELAI_PUBLIC_URL',
    fallback: '',
    description:
      'The address under which browsers reach this host, as in https://datasources.example.com: sources send people back there. When empty: the address it listens on.',
  },
  {
    name: 'ISOLATION',
    fallback: 'auto',
    description:
      'What is around a sandbox process: namespace (Linux with bubblewrap), process (Node.js alone), or auto, the strongest that works.',
  },
  { name: 'LORELAI_SANDBOX_PROCESSES', fallback: '8', description: 'The most sandbox processes at one time, 1 to 256.' },
  {
    name: 'LORELAI_PASSAGE_TOKENS',
    fallback: '512',
    description:
      'The size that documents are cut to, in tokens, 64 to 4096. After a change documents are cut anew when their source gives them again.',
  },
  {
    name: 'LORELAI_EMBEDDINGS_URL',
    fallback: '',
    description:
      'An OpenAI-compatible endpoint that embeds, as in http://127.0.0.1:11434/v1; /embeddings is put behind it. When empty: passages are found by their words alone.',
  },
  { name: 'LORELAI_EMBEDDINGS_MODEL', fallback: '', description: 'The model. Another one makes all vectors anew, in the background.' },
  {
    name: 'LORELAI_EMBEDDINGS_DIMENSIONS',
    fallback: '0',
    description: 'Numbers of a vector that the model is asked for, up to 16384; 0 for as many as it gives.',
  },
  { name: 'LORELAI_EMBEDDINGS_KEY', fallback: '', description: 'The key of that endpoint, if it wants one.' },
  { name: 'LORELAI_EMBEDDINGS_KEY_FILE', fallback: '', description: 'Instead: a file that holds it.' },
  { name: 'LORELAI_EMBEDDINGS_BATCH', fallback: '32', description: 'Passages of one request, 1 to 512.' },
  {
    name: 'LORELAI_EMBEDDINGS_DOCUMENT_PREFIX',
    fallback: '',
    description: 'What the model wants before each passage, as in "search_document: "; quotes keep a space at the end.',
  },
  { name: 'LORELAI_EMBEDDINGS_QUERY_PREFIX', fallback: '', description: 'And before each question, as in "search_query: ".' },
  {
    name: 'LORELAI_EMBEDDINGS_QUERY_TIMEOUT_MS',
    fallback: '1500',
    description: 'Milliseconds that a question waits for its vector before it is answered without, 50 to 30000.',
  },
  {
    name: 'LORELAI_RERANK_URL',
    fallback: '',
    description: 'An endpoint that reranks, as in http://127.0.0.1:8080; /rerank is put behind it. When empty: none is asked.',
  },
  { name: 'LORELAI_RERANK_MODEL', fallback: '', description: 'The model, where the endpoint has several.' },
  { name: 'LORELAI_RERANK_KEY', fallback: '', description: 'The key of that endpoint, if it wants one.' },
  { name: 'LORELAI_RERANK_KEY_FILE', fallback: '', description: 'Instead: a file that holds it.' },
  { name: 'LORELAI_RERANK_STYLE', fallback: 'cohere', description: 'How it is asked: cohere (also Jina, vLLM, LiteLLM), or tei.' },
  { name: 'LORELAI_RERANK_TOP', fallback: '30', description: 'Passages that it looks at, 2 to 100.' },
  {
    name: 'LORELAI_RERANK_TIMEOUT_MS',
    fallback: '2000',
    description: 'Milliseconds that a question waits for it before it is answered without, 50 to 30000.',
  },
  {
    name: 'LORELAI_REGISTRY_CONFIG',
    fallback: '',
    description:
      "File in the form of Docker's config.json with `auths` for the registries that datasources come from, or are published to. When empty: none asks for a password.",
  },
  {
    name: 'LORELAI_SOURCE_HOSTS',
    fallback: '',
    description:
      'Hosts with their ports, separated by commas, that datasources may come from also when somebody names them over the API and they lie in a private network, as in registry.internal:5000; only these get their password then. When empty: over the API everything comes from public addresses, without a password.',
  },
  {
    name: 'LORELAI_SOURCE_FOLDERS',
    fallback: '',
    description:
      'Folders, separated by commas, that may be watched, they and those in them, when somebody names them over the API. When empty: none.',
  },
  {
    name: 'LORELAI_RUN_LEASE_MS',
    fallback: '15000',
    description: 'Milliseconds of silence after which another host takes a run over, 100 to 3600000.',
  },
  {
    name: 'LORELAI_ACCESS_MAX_AGE_HOURS',
    fallback: '168',
    description:
      'Hours after which what a source said of who may see what is not believed any more, and only admins see it, 1 to 87600. A connection may say otherwise.',
  },
  {
    name: 'LORELAI_NOTIFY_URL',
    fallback: '',
    description:
      'Where a POST tells of each indexing run that has ended, as in https://lorelai.example.com/notifications. When empty: nobody is told.',
  },
  { name: 'LORELAI_NOTIFY_KEY', fallback: '', description: 'What these are signed with: a secret of at least 32 characters.' },
  {
    name: 'LORELAI_AUDIT_DAYS',
    fallback: '90',
    description: 'Days for which requests, denials, kills and grants stay on record, 1 to 3650.',
  },
  {
    name: 'LORELAI_AUDIT_ROWS',
    fallback: '10000',
    description: 'The most events of one kind that are kept of one connection, 100 to 10000000; the oldest go first.',
  },
  {
    name: 'LORELAI_HOST_URL',
    fallback: '',
    description:
      'For commands: the host that they act on over its API instead of opening DATA_DIR, as in https://datasources.example.com; also --url.',
  },
  { name: 'LORELAI_HOST_KEY', fallback: '', description: 'For commands: the key that they send to it.' },
  { name: 'LORELAI_HOST_KEY_FILE', fallback: '', description: 'Instead: a file that holds it; also --key-file.' },
] as const satisfies readonly Setting[];

export type SettingName = (typeof SETTINGS)[number]['name'];
