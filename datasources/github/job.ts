import { everyone, allOf, anyOf, group, type Access } from '@lorelai/datasource-sdk';
import type { Call, FeatureName } from './call.ts';
import type { RepositoryRecord } from './repositories.ts';

/** One repository in one run of one feature. */
export interface Job {
  call: Call;
  feature: FeatureName;
  record: RepositoryRecord;
  /** Changes when everything is to be read again. */
  epoch: number;
}

/** Who may see what is in a repository. `listGroups` says who is in the group. */
export function accessOf(record: RepositoryRecord): Access {
  return record.private ? allOf(anyOf(group(groupIdOf(record.id)))) : everyone();
}

/** The group of those who can read a private repository. */
export function groupIdOf(id: number): string {
  return `repository/${id}`;
}

/** What every document of a repository depends on besides its own content. */
export function commonShape(job: Job): unknown[] {
  const { fullName, link, branch, private: isPrivate } = job.record;
  return [job.epoch, fullName, link, branch, isPrivate];
}
