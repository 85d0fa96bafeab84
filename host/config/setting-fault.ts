/** A value of a setting that cannot be used. Only `readConfig` sees it. */
export class SettingFault extends Error {
  override readonly name = 'SettingFault';
  readonly remedy: string;

  constructor(reason: string, remedy: string) {
    super(reason);
    this.remedy = remedy;
  }
}
