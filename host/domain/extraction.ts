/** What is read out of one file that is not text. */
export type ExtractionOutcome =
  /** Markdown. `notes` says what of the file is missing, in sentences without a full stop. */
  | { kind: 'extracted'; parts: ExtractedPart[]; notes: string[] }
  /** The file cannot be read, now or ever: `reason` in a few words. */
  | { kind: 'refused'; reason: string }
  /** It was not read this time: the process that tried was ended, and another time may be better. */
  | { kind: 'fault'; reason: string }
  /** Nothing reads files of this type. */
  | { kind: 'unsupported' };

/** A piece of a file that people find by a name. */
export interface ExtractedPart {
  /** `Page 3`, `Slide 12`, the name of a sheet; empty for a file without such pieces. */
  label: string;
  text: string;
}

export interface ExtractableFile {
  mediaType: string;
  content: Uint8Array;
}

/** Reads files that are not text, away from this process. */
export interface Extractor {
  /** `owner`: files of two owners never meet in one process. Never rejects. */
  extract(file: ExtractableFile, owner: string, signal: AbortSignal): Promise<ExtractionOutcome>;
}
