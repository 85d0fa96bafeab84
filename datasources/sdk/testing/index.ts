// The public surface of `@lorelai/datasource-sdk/testing`: a host in memory, for tests in Node.js.
export { testContext, useTestHost } from './host.ts';
export type { TestContext, TestHost, TestHostOptions, TestRequest, TestResponse } from './host.ts';
