import type { PublishedComponent } from '../../capabilities/wasm-artifact.ts';
import type { Actor } from '../../domain/caller.ts';
import type { Grant } from '../../domain/grant.ts';
import type { Manifest } from '../../domain/manifest.ts';
import type { MarketEntry } from '../../domain/market-index.ts';
import type { Identity } from '../../domain/identity.ts';
import type { AuthorityKind, SigstoreRoot, Witnesses } from '../../domain/sigstore.ts';
import type { TrustedIdentity, TrustedKey } from '../../domain/trust.ts';
import type { FolderFile, StoredFolder } from '../../store/folder-sources.ts';
import type { VersionPin } from '../../store/version-pins.ts';

export interface TrustInput {
  publisher: string;
  /** `lorelai-ed25519 BASE64`. */
  publicKey: string;
  /** Names, beginnings with a `*` behind them, or `*`. */
  names: readonly string[];
  /** Whether a name that could be taken for somebody else's is meant. */
  allowLookAlike?: boolean;
}

/** A trusted key and since when. */
export interface BelievedKey extends TrustedKey {
  addedAtMs: number;
}

/** Whom the operator believes, and which bytes each version has. */
export interface TrustService {
  /** By publisher. */
  list(): Promise<BelievedKey[]>;
  /** Believes a key for these names and for no others. INVALID_SIGNING_KEY, INVALID_REQUEST, LOOK_ALIKE_NAME, CONFLICT when it is another publisher's. */
  add(input: TrustInput, actor: Actor): Promise<BelievedKey>;
  /** What it signed and was installed stays; nothing new comes in by it. UNKNOWN_PUBLISHER_KEY. */
  remove(keyId: string, actor: Actor): Promise<void>;
  /** The lock: by name and version. */
  pins(): Promise<VersionPin[]>;
  /** Takes over what another host pinned, all or nothing. INVALID_REQUEST, DIGEST_CHANGED. */
  pin(pins: readonly VersionPin[], actor: Actor): Promise<void>;
  /** UNKNOWN_VERSION. */
  release(name: string, version: string, actor: Actor): Promise<void>;
}

export interface IdentityInput extends Identity {
  publisher: string;
  /** As of a key. */
  names: readonly string[];
  allowLookAlike?: boolean;
}

/** A trusted identity and since when. */
export interface BelievedIdentity extends TrustedIdentity {
  id: string;
  addedAtMs: number;
}

export interface RootInput {
  name: string;
  /** The text of a `trusted_root.json`. */
  text: string;
  witnesses: Witnesses;
}

/** A root and since when, with what of it has ended. */
export interface BelievedRoot extends SigstoreRoot {
  addedAtMs: number;
  ended: AuthorityKind[];
}

/** Which sigstore instances the operator believes, and which identities of theirs. The host asks no instance anything: a root is what was given. */
export interface SigstoreService {
  /** By name. */
  roots(): Promise<BelievedRoot[]>;
  /** Believes an instance, or believes its newer root. INVALID_REQUEST, INVALID_SIGSTORE_ROOT, CONFLICT when there are as many as there may be. */
  putRoot(input: RootInput, actor: Actor): Promise<BelievedRoot>;
  /** Identities of it stay and prove nothing until a root of this name is back. UNKNOWN_SIGSTORE_ROOT. */
  removeRoot(name: string, actor: Actor): Promise<void>;
  /** By publisher. */
  identities(): Promise<BelievedIdentity[]>;
  /** Believes an identity for these names and for no others. INVALID_REQUEST, UNKNOWN_SIGSTORE_ROOT, LOOK_ALIKE_NAME, CONFLICT when it is another publisher's. */
  addIdentity(input: IdentityInput, actor: Actor): Promise<BelievedIdentity>;
  /** What it signed and was installed stays; nothing new comes in by it. UNKNOWN_IDENTITY. */
  removeIdentity(id: string, actor: Actor): Promise<void>;
}

/** A version that is here and can be run. */
export interface TakenVersion {
  manifest: Pick<Manifest, 'name' | 'version' | 'author' | 'description' | 'capabilities'>;
  /** The grant that gives all that it asks for by fixed origin. */
  asked: Grant;
  digest: string;
  origin: string;
}

/** A component with what says who vouches for it. */
export interface SignedFile {
  bytes: Uint8Array;
  signature: string | undefined;
  /** Of sigstore. */
  bundle: string | undefined;
}

/** Works out what a datasource gets from the grant that gives all that it asks for by fixed origin. */
export type GrantFor = (asked: Grant) => Grant;

/** A version at hand. */
export interface WantedVersion {
  name: string;
  /** The highest when left out. */
  version?: string;
  /** Of what was looked at, where somebody has. */
  digest?: string;
}

/** Where datasources come from when they are no files of this machine. */
export interface SourceService {
  /**
   * Gets a component by `oci://…`, `https://…#sha256:…` or its name in a market, proves it and keeps it beside the version that runs.
   * For whoever is not on the machine only from public addresses and from hosts that its operator has listed, two at a time.
   * INVALID_REQUEST, NOT_IN_MARKET, INDEX_EXPIRED, SOURCE_UNREACHABLE, SOURCE_DENIED, SOURCE_UNUSABLE, DIGEST_CHANGED, HOST_BUSY, the codes
   * of `Admission.prove`.
   */
  take(location: string, actor: Actor): Promise<TakenVersion>;
  /**
   * Gets and proves it as `take` does, and runs it whatever ran before: all of it or nothing. The codes of `take` and of
   * `VersionSwitch.switchTo`, INVALID_GRANT.
   */
  install(location: string, grantFor: GrantFor, actor: Actor): Promise<TakenVersion>;
  /**
   * The same for a file that somebody brought, with what lies beside it. The codes of `Admission.prove` and of
   * `VersionSwitch.switchTo`, INVALID_GRANT.
   */
  installSigned(file: SignedFile, grantFor: GrantFor, actor: Actor): Promise<TakenVersion>;
  /** A version that is here already, found in a folder or taken before. UNKNOWN_VERSION, DIGEST_CHANGED. */
  atHand(wanted: WantedVersion): Promise<TakenVersion>;
  /** The same for such a version. UNKNOWN_VERSION, DIGEST_CHANGED, the codes of `VersionSwitch.switchTo`, INVALID_GRANT. */
  installFound(wanted: WantedVersion, grantFor: GrantFor, actor: Actor): Promise<TakenVersion>;
  /** Puts a component and its signature into a registry, under a tag. Gives the digest of the artifact. INVALID_REQUEST, SOURCE_UNREACHABLE, SOURCE_DENIED. */
  publish(location: string, component: PublishedComponent): Promise<string>;
  /** The same for something signed that is no component. */
  publishSigned(location: string, artifactType: string, envelope: string): Promise<string>;
}

export interface FolderSource extends StoredFolder {
  files: FolderFile[];
}

export interface FolderService {
  list(): Promise<FolderSource[]>;
  /**
   * Watches a folder of this machine and looks into it at once. Whoever is not on the machine names folders only where its operator
   * allows that. INVALID_REQUEST, FOLDER_NOT_ALLOWED.
   */
  add(folder: string, actor: Actor): Promise<FolderSource>;
  /** What was taken from it stays. UNKNOWN_SOURCE. */
  remove(folder: string, actor: Actor): Promise<void>;
  /** Looks into a folder now, or into all of them; a minute for each when a caller waits who is not on the machine. UNKNOWN_SOURCE. */
  scan(folder: string | undefined, actor: Actor): Promise<FolderSource[]>;
  /** Looks into those whose time has come. Never rejects. */
  scanDue(): Promise<void>;
}

export interface Market {
  name: string;
  url: string;
  keyId: string;
  /** 0 before the first index. */
  indexVersion: number;
  expiresAtMs: number;
  refreshedAtMs: number | undefined;
}

export interface FoundInMarket extends MarketEntry {
  market: string;
}

export interface MarketService {
  list(): Promise<Market[]>;
  /** Adds a market, or gives it another address or key, and gets its index. The codes of `refresh`, INVALID_REQUEST, INVALID_SIGNING_KEY. */
  add(input: { name: string; url: string; publicKey: string }, actor: Actor): Promise<Market>;
  /** UNKNOWN_MARKET, INDEX_SIGNATURE_INVALID, INDEX_EXPIRED, INDEX_DOWNGRADED, SOURCE_UNREACHABLE, SOURCE_DENIED, SOURCE_UNUSABLE. */
  refresh(name: string, actor: Actor): Promise<Market>;
  /** UNKNOWN_MARKET. */
  remove(name: string, actor: Actor): Promise<void>;
  /** By name, the newest version first; of those whose name or description holds the text. INDEX_EXPIRED. */
  search(text: string): Promise<FoundInMarket[]>;
  /** The newest version, or the one that is named, with where the market is. NOT_IN_MARKET, INDEX_EXPIRED. */
  find(name: string, version: string | undefined): Promise<FoundInMarket & { marketUrl: string }>;
}
