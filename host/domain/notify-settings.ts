/** Who is told of runs that have ended. */
export interface NotifySettings {
  /** Of http or https, without user and password. */
  url: string;
  /** What notifications are signed with: at least 32 characters. */
  key: string;
}
